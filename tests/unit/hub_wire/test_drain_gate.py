"""A retired station's log comes in once, while a technician lets it, and a loss of power at any step costs nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.buffer.memory_log import MemoryLog
from hub.errors import TryAgain
from protocol.draining import DrainOpened
from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput as Refused
from protocol.identity import StationId
from protocol.identity_words import Certified, End, Ended, Invited, Standing, token_hash
from protocol.topics import Stream
from tests.unit.hub_wire.carried import NOON_US, STORE, Hub, file_of, fork, hub_at, new_log, refusal, sales, taken

TILL = identity_of(b"the till")
MINUTE_US = 60_000_000


async def enrol(hub: Hub, identity: StationId) -> None:
    """Let it be a station of the store."""
    token = token_hash(identity.encode())
    say = hub.store.identities.say
    await say(
        Invited(
            NOON_US,
            identity,
            Role.STATION,
            f"till-{identity[3:6]}",
            "shop",
            "",
            "sale",
            "",
            token,
            NOON_US + MINUTE_US,
            "ann",
            "",
        )
    )
    await say(Certified(NOON_US, identity, "a1", "1" * 64, NOON_US, NOON_US + MINUTE_US, "est", ""))


async def retire(hub: Hub) -> None:
    """Let the till have been a station of the store, and be one no more."""
    await enrol(hub, TILL)
    await hub.store.identities.say(Ended(NOON_US, TILL, End.RETIRED, "ann", "broken"))


async def let_in(hub: Hub, *, until_us: int = NOON_US + MINUTE_US, key: str = "") -> Standing:
    """Open the gate."""
    opened_us = min(NOON_US, until_us - 1)
    word = DrainOpened(opened_us, TILL, Stream.STOCK, until_us, "bob", "found in a drawer", key)
    return await hub.store.identities.say(word)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with hub_at(tmp_path) as hub:
        yield hub


@pytest.fixture
async def till() -> AsyncIterator[MemoryLog]:
    async with new_log() as log:
        await log.append(sales(1, 5))
        yield log


async def count(hub: Hub) -> int:
    """How many entries of the till's stock log the hub has."""
    return sum(row.committed for row in await hub.store.stations() if row.station == TILL)


async def kinds(hub: Hub) -> list[str]:
    return [type(word).__name__ for word in await hub.store.identities.history(TILL)][3:]


async def test_without_a_technician_it_stays_out(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    file = await file_of(till, tmp_path / "log", name=TILL)
    await retire(hub)
    assert (await refusal(hub, file)).name == "drain-shut"
    assert (await refusal(hub, file, dry_run=True)).name == "drain-shut"
    await let_in(hub, until_us=NOON_US)
    assert (await refusal(hub, file)).name == "drain-shut"
    assert await count(hub) == 0


async def test_one_that_is_in_use_has_no_gate_and_one_that_was_revoked_no_way_in(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    file = await file_of(till, tmp_path / "log", name=TILL)
    await retire(hub)
    other = identity_of(b"is alive")
    await enrol(hub, other)
    with pytest.raises(Refused) as live:
        await hub.store.identities.say(DrainOpened(NOON_US, other, Stream.STOCK, NOON_US + 1, "bob", ""))
    assert live.value.name == "identity-live"
    assert (await taken(hub, await file_of(till, tmp_path / "other", name=other))).new == 5
    await hub.store.identities.say(Ended(NOON_US, TILL, End.REVOKED, "ann", "stolen after all"))
    assert (await refusal(hub, file)).name == "identity-revoked"
    with pytest.raises(Refused) as caught:
        await let_in(hub)
    assert caught.value.name == "identity-revoked"


async def test_it_is_let_in_once_and_the_same_log_as_often_as_it_takes(
    hub: Hub, till: MemoryLog, tmp_path: Path
) -> None:
    file = await file_of(till, tmp_path / "log", name=TILL)
    await retire(hub)
    await let_in(hub)
    assert (await taken(hub, file, dry_run=True)).new == 5
    assert await kinds(hub) == ["DrainOpened"]
    assert (await taken(hub, file)).new == 5
    assert (await taken(hub, file)).new == 0
    assert await kinds(hub) == ["DrainOpened", "DrainTaken"]
    with pytest.raises(Refused) as again:
        await let_in(hub)
    assert again.value.name == "already-drained"
    # Its card was in use after all, or somebody went on writing: whoever opens no gate gets no more of it.
    await till.append(sales(6, 7))
    assert (await refusal(hub, await file_of(till, tmp_path / "more", name=TILL))).name == "already-drained"
    await fork(till, 2, 3)
    await till.append(sales(8, 9))
    assert (await refusal(hub, await file_of(till, tmp_path / "fork", name=TILL))).name == "already-drained"
    assert await count(hub) == 5


async def test_a_file_of_what_the_hub_has_spends_nothing(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    early = await file_of(till, tmp_path / "early", name=TILL)
    assert (await taken(hub, early)).new == 5
    await retire(hub)
    await let_in(hub)
    assert (await taken(hub, early)).new == 0
    await till.append(sales(6, 7))
    assert (await taken(hub, await file_of(till, tmp_path / "late", name=TILL))).new == 2


async def test_another_stores_log_and_a_damaged_one_spend_nothing(hub: Hub, till: MemoryLog, tmp_path: Path) -> None:
    file = await file_of(till, tmp_path / "log", name=TILL)
    await retire(hub)
    await let_in(hub)
    lines = file.read_bytes()
    for name, damaged in (
        ("wrong-store", lines.replace(STORE.encode(), b"elm-street")),
        ("cut-off", lines[: lines.rindex(b"\n", 0, -1)]),
    ):
        (tmp_path / name).write_bytes(damaged)
        assert (await refusal(hub, tmp_path / name)).name == name
    assert await kinds(hub) == ["DrainOpened"]
    assert (await taken(hub, file)).new == 5


class _PowerCut(BaseException):
    """The power went."""


async def _cut(*_: Any, **__: Any) -> Any:
    raise _PowerCut


@pytest.mark.parametrize("step", ["before it is said", "after it is said", "half-way", "before the answer"])
async def test_the_power_goes_at_any_step_and_the_same_file_goes_on(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = 5000
    async with new_log() as till:
        for first in range(1, total, 1000):
            await till.append(sales(first, first + 999))
        file = await file_of(till, tmp_path / "log", name=TILL)
        await till.append(sales(total + 1, total + 1))
        longer = await file_of(till, tmp_path / "longer", name=TILL)
    async with hub_at(tmp_path) as hub:
        await retire(hub)
        await let_in(hub)
        with monkeypatch.context() as patch:
            match step:
                case "before it is said":
                    patch.setattr(hub.store.identities, "say", _cut)
                case "after it is said":
                    patch.setattr(hub.carrier, "_stand", _cut)
                case "half-way":
                    bring, left = hub.desk.bring, iter((1, 1))

                    async def once(*args: Any, **options: Any) -> bool:
                        return await bring(*args, **options) if next(left, 0) else await _cut()

                    patch.setattr(hub.desk, "bring", once)
                case _:
                    patch.setattr(hub.carrier, "_held_back_since", _cut)
            with pytest.raises(_PowerCut):
                await hub.carrier.carry_in(file)
    async with hub_at(tmp_path) as hub:
        before = await count(hub)
        assert (before == total) == (step == "before the answer")
        assert step != "half-way" or 0 < before < total
        if step != "before it is said":
            # It is spent on that log: no longer one takes its place, and nobody has to open it again.
            assert (await refusal(hub, longer)).name == "already-drained"
        assert (await taken(hub, file)).new == total - before
        assert await count(hub) == total
        assert await kinds(hub) == ["DrainOpened", "DrainTaken"]


async def test_a_disk_that_will_not_take_it_leaves_the_gate_as_it_was(
    hub: Hub, till: MemoryLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await file_of(till, tmp_path / "log", name=TILL)
    await retire(hub)
    await let_in(hub)

    async def full(*_: object) -> Standing:
        raise TryAgain("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(hub.store.identities, "say", full)
        with pytest.raises(TryAgain):
            await hub.carrier.carry_in(file)
    assert await count(hub) == 0
    assert (await taken(hub, file)).new == 5


async def test_the_gate_closes_with_its_time_and_a_key_opens_it_once(hub: Hub) -> None:
    await retire(hub)
    first = await let_in(hub, key="k")
    assert await let_in(hub, key="k") == first
    assert (await let_in(hub, until_us=NOON_US + 2 * MINUTE_US)).drains[0].until_us == NOON_US + 2 * MINUTE_US
    with pytest.raises(Refused) as caught:
        await let_in(hub, until_us=NOON_US + 3 * MINUTE_US, key="k")
    assert caught.value.name == "key-reused"
