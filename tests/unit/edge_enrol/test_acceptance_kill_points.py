"""The power goes at every step of sealing and delivering a hand-over check: it is at the hub once, or begins again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from edge.enrol.acceptance import MOST_KEPT, Acceptances, DeliveryWaits
from edge.enrol.errors import Refused
from protocol.acceptance import Acceptance, StepDone, StepKind, StepResult, read_record
from protocol.identity import StationId
from protocol.identity_words import End, HandedOver
from tests.integration.est_server import Est
from tests.unit.edge_enrol.rig import PowerCut, Station, cut_power, hub, invited

LEAST_STEPS = 10


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


async def _in_place(job: Callable[[], Any]) -> Any:
    return job()


def opened(station: Station) -> Acceptances:
    """What a process begins with."""
    in_thread: Callable[[Callable[[], Any]], Awaitable[Any]] = _in_place
    acceptances = Acceptances(station.start(), in_thread, DeliveryWaits())
    acceptances.open()
    return acceptances


def draft(station: Station, check: str = "0" * 16) -> Acceptance:
    held = station.start().folder.record.held
    assert held is not None
    return Acceptance(
        check=check,
        store=held.store,
        station=held.identity,
        position="till-3",
        begun_us=1,
        ended_us=2,
        software="0",
        serial="0",
        certificate="0",
        steps=(StepDone(kind=StepKind.SCAN, device="hand", driver="wedge", result=StepResult.PASSED),),
    )


def told(est: Est) -> list[HandedOver]:
    return [word for word in est.shop.book.words if isinstance(word, HandedOver)]


def to_check(station: Station) -> bool:
    return station.start().folder.record.to_check


def _whole(station: Station, what: Acceptance) -> None:
    acceptances = opened(station)
    acceptances.seal(what)
    acceptances.deliver()


async def enrolled(est: Est, folder: Path, position: str) -> Station:
    station = Station(folder)
    await station.enrol(await invited(est, position))
    assert to_check(station)
    return station


async def test_a_check_survives_a_power_cut_before_every_change_of_its_disk(est: Est, tmp_path: Path) -> None:
    station = await enrolled(est, tmp_path / "counted", "counted")
    what = draft(station)
    with pytest.MonkeyPatch.context() as patch:
        counting = cut_power(patch, None)
        await asyncio.to_thread(_whole, station, what)
    assert counting.calls > LEAST_STEPS
    assert len(told(est)) == 1
    unsealed = 0
    for at in range(counting.calls):
        station, before = await enrolled(est, tmp_path / f"cut-{at}", f"till-{at}"), len(told(est))
        what = draft(station)
        with pytest.MonkeyPatch.context() as patch:
            cut_power(patch, at)
            with pytest.raises(PowerCut):
                await asyncio.to_thread(_whole, station, what)
        acceptances = opened(station)
        if acceptances.kept is None:
            # As if nobody had walked through it: it begins by itself once more.
            unsealed += 1
            assert to_check(station), at
            assert len(told(est)) == before, at
            await asyncio.to_thread(_whole, station, what)
        else:
            assert not to_check(station), at
            await asyncio.to_thread(acceptances.deliver)
        kept = opened(station).kept
        assert kept is not None, at
        assert kept.taken, at
        assert [read_record(word.record.encode()).station for word in told(est)[before:]] == [what.station], at
    assert 0 < unsealed < counting.calls
    print(f"{counting.calls} steps, {unsealed} of them before the record was kept")


async def test_an_answer_that_was_lost_with_the_power_is_asked_for_again(est: Est, tmp_path: Path) -> None:
    station = await enrolled(est, tmp_path / "data", "till-3")
    station.answers, station.answers_until = 0, 1
    with pytest.raises(PowerCut):
        await asyncio.to_thread(_whole, station, draft(station))
    station.answers_until = None
    acceptances = opened(station)
    assert acceptances.kept is not None
    assert not acceptances.kept.taken
    await asyncio.to_thread(acceptances.deliver)
    again = opened(station).kept
    assert again is not None
    assert again.taken
    assert len(told(est)) == 1


async def test_checks_wait_for_the_hub_in_their_order_and_are_not_kept_for_ever(est: Est, tmp_path: Path) -> None:
    station = await enrolled(est, tmp_path / "data", "till-3")
    acceptances = opened(station)
    for number in range(MOST_KEPT + 2):
        acceptances.seal(draft(station, f"{number:016x}"))
    await asyncio.to_thread(acceptances.deliver)
    assert [read_record(word.record.encode()).check for word in told(est)] == [
        f"{number:016x}" for number in range(2, MOST_KEPT + 2)
    ]


async def test_a_hub_that_will_not_have_it_is_told_of_and_asked_again_later(est: Est, tmp_path: Path) -> None:
    station = await enrolled(est, tmp_path / "data", "till-3")
    acceptances = opened(station)
    what = draft(station)
    acceptances.seal(msgspec.structs.replace(what, store="high-street"))
    with pytest.raises(Refused):
        await asyncio.to_thread(acceptances.deliver)
    kept = opened(station).kept
    assert kept is not None
    assert (kept.taken, kept.refused) == (False, f"acceptance-foreign: it is of {what.station} of high-street")
    # The next is not held up by it.
    acceptances.seal(what)
    with pytest.raises(Refused):
        await asyncio.to_thread(acceptances.deliver)
    assert acceptances.kept is not None
    assert acceptances.kept.taken
    assert len(told(est)) == 1


async def test_what_is_kept_is_of_this_identity_alone(est: Est, tmp_path: Path) -> None:
    station = await enrolled(est, tmp_path / "data", "till-3")
    await asyncio.to_thread(_whole, station, draft(station))
    path = station.data_dir / "identity" / "acceptance.json"
    kept = path.read_bytes()
    # Spoilt, it is as if there were none; sound again, it is not begun anew.
    path.write_bytes(b"[]" + kept)
    assert opened(station).kept is None
    path.write_bytes(kept)
    assert opened(station).kept is not None
    first = draft(station).station
    await est.shop.desk.end(StationId(first), End.REVOKED, "ann", "stolen")
    await station.enrol(await invited(est, "till-4"))
    assert opened(station).kept is None
    assert to_check(station)
    station.start().folder.forget()
    assert not path.exists()


async def test_the_same_station_enrolled_again_is_not_walked_through_again(est: Est, tmp_path: Path) -> None:
    station = await enrolled(est, tmp_path / "data", "till-3")
    await asyncio.to_thread(_whole, station, draft(station))
    await station.enrol(await invited(est, "till-3", again=StationId(draft(station).station)))
    assert not to_check(station)
