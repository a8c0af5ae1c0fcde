"""The power goes at every step of enrolment and renewal: the station comes back enrolled, or goes on asking.

Before each change of the disk, and after each answer of the hub, the process is gone; a new one then begins with what
is on the card.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.enrol.record import State
from protocol.identity import StationId
from protocol.identity_words import End
from tests.integration.est_server import Est
from tests.unit.edge_enrol.rig import PowerCut, Station, certified, cut_power, hub, invited, now_us

ANSWERS_OF_ENROLMENT = 3
LEAST_STEPS = 20
DAY_US = 86_400_000_000
EVERY = pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.torture)])
"""Every fourth step where time is short; all of them in `make torture`."""


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


async def _whole(station: Station, digits: str | None) -> None:
    """What a process does that begins: take what it was given, follow it to the end."""

    def work() -> None:
        enrolment = station.start()
        if digits is not None:
            enrolment.folder.begin(digits)
        if enrolment.folder.record.asking is not None:
            enrolment.ask(station.steps.append)

    await asyncio.to_thread(work)


async def _renewed(station: Station) -> None:
    def work() -> None:
        enrolment = station.start()
        if enrolment.folder.record.fresh is None:
            enrolment.renew()
        enrolment.folder.settle()

    await asyncio.to_thread(work)


async def _steps(est: Est, folder: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        counting = cut_power(patch, None)
        await _whole(Station(folder), await invited(est, "counted"))
    return counting.calls


@EVERY
async def test_enrolment_survives_a_power_cut_before_every_change_of_its_disk(
    est: Est, tmp_path: Path, every: int
) -> None:
    steps = await _steps(est, tmp_path / "counted")
    assert steps > LEAST_STEPS
    asked_again = 0
    for at in range(0, steps, every):
        station, before = Station(tmp_path / f"cut-{at}"), len(certified(est))
        digits = await invited(est, f"till-{at}")
        with pytest.MonkeyPatch.context() as patch:
            cut_power(patch, at)
            with pytest.raises(PowerCut):
                await _whole(station, digits)
        await _whole(station, None)
        state = station.start().folder.record.state(now_us())
        assert state in (State.ENROLLED, State.NONE), at
        if state is State.NONE:
            # It had not said yes to the scan: the person scans again.
            asked_again += 1
            assert len(certified(est)) == before, at
            await _whole(station, digits)
        assert station.start().folder.record.state(now_us()) is State.ENROLLED, at
        assert len(certified(est)) == before + 1, at
        left = {each.name for each in (station.data_dir / "identity").rglob("*")}
        assert not any(name == "invitation.txt" or name.endswith(".new") for name in left), at
    print(f"{steps} steps, {asked_again} of them before the invitation was kept")
    assert asked_again < steps / every / 2


@pytest.mark.parametrize("scanned_again", [False, True])
@pytest.mark.parametrize("answer", range(1, ANSWERS_OF_ENROLMENT + 1))
async def test_enrolment_survives_a_power_cut_after_every_answer(
    est: Est, tmp_path: Path, answer: int, scanned_again: bool
) -> None:
    """Also where a person, seeing it dark, scans the invitation again: the hub has used it up for the first key."""
    station = Station(tmp_path / "data", answers_until=answer)
    digits = await invited(est)
    with pytest.raises(PowerCut):
        await _whole(station, digits)
    station.answers_until = None
    await _whole(station, digits if scanned_again else None)
    record = station.start().folder.record
    assert record.state(now_us()) is State.ENROLLED
    assert record.held is not None
    assert [word.serial for word in certified(est)] == [record.held.serial]


def _live(est: Est) -> list[StationId]:
    """Who is enrolled at the position, by the hub's book."""
    standings = est.shop.book._standings.values()
    return [each.identity for each in standings if each.enrolled and each.terms.position == "till-3"]


@EVERY
async def test_a_swap_survives_a_power_cut_before_every_change_of_the_spares_disk_and_never_are_two_alive(
    est: Est, tmp_path: Path, every: int
) -> None:
    steps = await _steps(est, tmp_path / "counted")
    await Station(tmp_path / "first").enrol(await invited(est))
    (old,) = _live(est)
    swaps = 0
    for at in range(0, steps, every):
        spare = Station(tmp_path / str(at))
        digits = await invited(est, replaces=old)
        with pytest.MonkeyPatch.context() as patch:
            cut_power(patch, at)
            with pytest.raises(PowerCut):
                await _whole(spare, digits)
        # Until the hub has certified it the old one stands there, and from then on the spare.
        (stands,) = _live(est)
        swaps += stands != old
        began = await asyncio.to_thread(spare.start)
        await _whole(spare, digits if began.folder.record.asking is None and began.folder.record.held is None else None)
        (new,) = _live(est)
        assert new != old
        assert est.shop.book._standings[old].end is End.RETIRED
        old = new
    assert 0 < swaps < len(range(0, steps, every))


@pytest.mark.parametrize("answer", range(1, ANSWERS_OF_ENROLMENT + 1))
async def test_a_swap_survives_a_power_cut_after_every_answer(est: Est, tmp_path: Path, answer: int) -> None:
    await Station(tmp_path / "first").enrol(await invited(est))
    (old,) = _live(est)
    spare = Station(tmp_path / "spare", answers_until=answer)
    digits = await invited(est, replaces=old)
    with pytest.raises(PowerCut):
        await _whole(spare, digits)
    assert len(_live(est)) == 1
    spare.answers_until = None
    await _whole(spare, None)
    (new,) = _live(est)
    assert new != old
    assert est.shop.book._standings[old].end is End.RETIRED


@EVERY
async def test_renewal_survives_a_power_cut_before_every_change_of_its_disk(
    est: Est, tmp_path: Path, every: int
) -> None:
    station = Station(tmp_path / "data")
    est.shop.clock.now_us -= 20 * DAY_US  # a hub renews nobody more than twenty times a day
    await _whole(station, await invited(est))
    with pytest.MonkeyPatch.context() as patch:
        counting = cut_power(patch, None)
        await _renewed(station)
    assert counting.calls > LEAST_STEPS
    for at in range(0, counting.calls, every):
        est.shop.clock.now_us += DAY_US // 5
        identity = station.start().folder.record.held
        with pytest.MonkeyPatch.context() as patch:
            cut_power(patch, at)
            try:
                await _renewed(station)
            except PowerCut:
                pass
        # Whatever was cut: it is who it was, with keys that work.
        enrolment = await asyncio.to_thread(station.start)
        assert enrolment.folder.record.state(now_us()) in (State.ENROLLED, State.RENEWING), at
        await asyncio.to_thread(enrolment.look)
        await _renewed(station)
        held = station.start().folder.record.held
        assert held is not None
        assert identity is not None
        assert held.identity == identity.identity, at
        assert len([each for each in (station.data_dir / "identity").iterdir() if each.name.isdigit()]) == 1, at
    print(f"{counting.calls} steps")


async def test_renewal_survives_a_power_cut_after_the_answer(est: Est, tmp_path: Path) -> None:
    station = Station(tmp_path / "data")
    await _whole(station, await invited(est))
    station.answers, station.answers_until = 0, 1
    with pytest.raises(PowerCut):
        await _renewed(station)
    station.answers_until = None
    await _renewed(station)
    assert len(certified(est)) == 2, "the same key got the same certificate"
