"""What becomes of the books when clocks lie: stations' in boots that met the hub or never did, and the hub's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.store.store import HubStore
from protocol.decisions import Adjustment
from protocol.events import Count, Reason, encode_entry
from protocol.identity import EntryId
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
    times_of,
)

pytestmark = BOTH_ENGINES

TEN_YEARS_US = 3652 * 24 * HOUR_US
LIES_US = (HOUR_US, -HOUR_US, TEN_YEARS_US, -TEN_YEARS_US, -NOON_US)


def scanned(station: Station, after_s: float) -> tuple[EntryId, int]:
    """Sell one after a while; give the entry and when it truly was."""
    seq = station.scan(TEA_CODE, -1000, after_s=after_s)
    return station.id(seq), station.true_us


async def assert_true(store: HubStore, truth: dict[EntryId, int], within_us: int = 1 << 62) -> None:
    """Hold every entry of the books against when it was."""
    found = {entry.entry: entry for entry in (await store.timeline(TEA, limit=1000)).entries}
    assert found.keys() == truth.keys()
    for entry, true_us in truth.items():
        off_us, err_us = found[entry].t_us - true_us, found[entry].err_us
        assert abs(off_us) <= err_us <= within_us, f"{entry} is off by {off_us} us and says {err_us} us"


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("lie_us", LIES_US)
async def test_a_clock_that_lies_once_moves_nothing_but_perhaps_that(tmp_path: Path, lie_us: int, synced: bool) -> None:
    """Where no anchor ever comes: from a site without network, or a station that died."""
    till, counter = Station(synced=synced), Station("counter")
    till.scan(TEA_CODE, -1000, after_s=60)
    till.wall_off_us = lie_us
    till.scan(TEA_CODE, -1000, after_s=60)
    till.wall_off_us = 0
    after = [till.scan(TEA_CODE, -1000, after_s=3 * 3600) for _ in range(3)]
    counter.count(TEA_CODE, 5000, after_s=30 * 3600)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store, 2)
        times = await times_of(store, till)
        assert [times[seq][0] for seq in after] == [120 + 3 * 3600 * n for n in (1, 2, 3)]
        await counter.tell(store)
        await fold_all(store)
        # All but the one that claims to be of 2036 were before the count.
        assert (await on_hand(store))[TEA] == (4000 if lie_us == TEN_YEARS_US else 5000)
        await assert_books_agree(store)


@pytest.mark.parametrize("synced", [True, False])
@pytest.mark.parametrize("lie_us", LIES_US)
async def test_a_boot_that_never_met_the_hub_is_bound_by_those_that_did(
    tmp_path: Path, lie_us: int, synced: bool
) -> None:
    till, counter = Station(), Station("counter")
    truth: dict[EntryId, int] = {}

    def scan(after_s: float) -> None:
        truth.update([scanned(till, after_s)])

    till.anchor()
    scan(60)
    till.reboot("lost", off_s=3600)
    till.synced, till.wall_off_us = synced, lie_us
    for _ in range(3):
        scan(600)
    lost = till.commit()
    till.reboot("found", off_s=7200)
    scan(60)
    till.anchor(after_s=60)
    scan(60)
    counter.anchor()
    counted = counter.id(counter.count(TEA_CODE, 5000, after_s=30 * 3600))
    truth[counted] = counter.true_us
    async with shop(tmp_path) as store:
        await store.commit([lost])
        await fold_all(store, 2)
        await till.tell(store)
        await counter.tell(store)
        await fold_all(store, 2)
        assert await on_hand(store) == {TEA: 5000}
        # A disciplined clock is believed as far as nothing contradicts it: an hour within its bracket.
        if not (synced and abs(lie_us) == HOUR_US):
            await assert_true(store, truth, within_us=30 * HOUR_US)
        await assert_books_agree(store)
    async with shop(tmp_path) as store:
        till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await fold_all(store)
        await assert_books_agree(store)


async def test_anchors_that_come_hours_later_tell_when_a_boot_without_a_clock_was(tmp_path: Path) -> None:
    till = Station(synced=False, wall_off_us=-NOON_US)
    truth = dict(scanned(till, 1800) for _ in range(20))
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        till.anchor(after_s=3600)
        await till.tell(store)
        await fold_all(store, 3)
        await assert_true(store, truth, within_us=6 * SECOND_US)
        await assert_books_agree(store)


@pytest.mark.parametrize("lie_us", LIES_US)
async def test_whatever_the_wall_clock_does_anchors_decide(tmp_path: Path, lie_us: int) -> None:
    till = Station()
    truth: dict[EntryId, int] = {}
    async with shop(tmp_path) as store:
        for turn in range(30):
            till.wall_off_us = lie_us if turn % 3 == 1 else 0
            truth.update([scanned(till, 200)])
            till.mark(after_s=1)
            if turn % 3 == 0:
                till.anchor()
            await till.tell(store)
            await fold_all(store)
            mark_us = (await store.stations())[0].mark_us
            assert mark_us is None or mark_us <= till.true_us
        await assert_true(store, truth, within_us=SECOND_US)
        await assert_books_agree(store)


@pytest.mark.parametrize("lie_us", LIES_US)
async def test_a_mark_says_only_what_anchors_bear_out(tmp_path: Path, lie_us: int) -> None:
    till = Station()
    async with shop(tmp_path) as store:
        till.wall_off_us = lie_us
        till.mark()
        await till.tell(store)
        await fold_all(store)
        assert (await store.stations())[0].mark_us is None
        till.anchor()
        till.mark()
        await till.tell(store)
        await fold_all(store)
        first_us = (await store.stations())[0].mark_us
        assert first_us is not None
        assert 0 <= till.true_us - first_us <= SECOND_US
        till.reboot("boot-2")
        till.mark()
        await till.tell(store)
        await fold_all(store)
        assert (await store.stations())[0].mark_us == first_us


@pytest.mark.parametrize("lie_us", LIES_US)
async def test_a_hub_whose_clock_lied_is_outvoted_by_itself(tmp_path: Path, lie_us: int) -> None:
    till = Station()
    truth: dict[EntryId, int] = {}
    async with shop(tmp_path) as store:
        for turn in range(12):
            till.anchor(after_s=60, off_us=lie_us if turn == 5 else 0)
            truth.update([scanned(till, 60)])
            await till.tell(store)
            await fold_all(store)
        await assert_true(store, truth, within_us=SECOND_US)
        await assert_books_agree(store)


@pytest.mark.parametrize("lie_us", [TEN_YEARS_US, HOUR_US])
async def test_one_decision_of_a_hub_that_read_2036_lifts_no_other(tmp_path: Path, lie_us: int) -> None:
    counter = Station("counter")
    counter.anchor()
    counter.count(TEA_CODE, 5000, after_s=30 * 3600)

    def adjustment(at_us: int) -> bytes:
        return encode_entry(Adjustment(at_us, TEA, AREA, 1000, Reason.ADJUSTMENT, None, "ann", ""))

    async with shop(tmp_path) as store:
        for at_us in (NOON_US, NOON_US + lie_us, NOON_US + HOUR_US, NOON_US + 2 * HOUR_US):
            await store.journal.append([adjustment(at_us)])
        await counter.tell(store)
        await fold_all(store)
        assert await on_hand(store) == {TEA: 6000 if lie_us == TEN_YEARS_US else 5000}
        await assert_books_agree(store)


@pytest.mark.parametrize("step_us", [0, *LIES_US])
async def test_a_count_over_a_restart_is_a_count(tmp_path: Path, step_us: int) -> None:
    till = Station()
    till.anchor()
    till.scan(TEA_CODE, 9000, Reason.RECEIPT, after_s=10)
    till.up_us += HOUR_US
    # What the station says of a count that began in the boot before: the wall clocks' difference, below 0 if any.
    from_up_us = till.up_us - max(0, HOUR_US + step_us)
    till.say(Count(till.when(), min(0, from_up_us), "scanner", TEA_CODE, 8000, "shop", "count-1"))
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        assert (await store.quarantine()).rows == ()
        assert await on_hand(store) == {TEA: 8000}
        await assert_books_agree(store)


@st.composite
def lives(draw: st.DrawFn) -> tuple[list[Station], dict[EntryId, tuple[str, int]], set[str]]:
    """A station over several boots whose wall clock does what it likes, in the parts in which its hub hears of it.

    Gives the station as it stood whenever the hub was told, the truth of its entries, and the boots that met the hub.
    """
    till = Station(synced=draw(st.booleans()))
    truth: dict[EntryId, tuple[str, int]] = {}
    anchored: set[str] = set()
    told: list[int] = []
    for boot in range(draw(st.integers(1, 5))):
        if boot:
            till.reboot(f"life-{boot}", off_s=draw(st.sampled_from([30, 7200, 200_000])))
        if not boot or draw(st.booleans()):
            till.synced = draw(st.booleans())
        meets = draw(st.booleans())
        for _ in range(draw(st.integers(0, 6))):
            after_s = draw(st.sampled_from([0, 1, 60, 1000, 40_000]))
            match draw(st.sampled_from(["scan", "scan", "count", "anchor", "mark", "tell", "step"])):
                case "scan":
                    entry, true_us = scanned(till, after_s)
                    truth[entry] = (till.boot, true_us)
                case "count":
                    seq = till.count(TEA_CODE, 5000, after_s)
                    truth[till.id(seq)] = (till.boot, till.true_us)
                case "anchor" if meets:
                    till.anchor(max(1, after_s))
                    anchored.add(till.boot)
                case "mark":
                    till.mark(after_s=after_s)
                case "tell":
                    told.append(len(till.lines))
                case _:
                    till.wall_off_us = draw(st.sampled_from([0, *LIES_US]))
    return [replace(till, lines=till.lines[:end], told=0) for end in (*told, len(till.lines))], truth, anchored


def hold_against(life: tuple[list[Station], dict[EntryId, tuple[str, int]], set[str]], batch: int) -> None:
    """Tell a hub of a life, part by part: the books are what the lines say, and anchored times are true."""
    stages, truth, anchored = life

    async def live() -> None:
        with TemporaryDirectory() as folder:
            async with shop(Path(folder)) as store:
                told = 0
                for stage in stages:
                    stage.told = told
                    await stage.tell(store)
                    told = stage.told
                    await fold_all(store, batch)
                await assert_books_agree(store)
                found = {entry.entry: entry for entry in (await store.timeline(TEA, limit=1000)).entries}
                assert found.keys() == truth.keys()
                for entry, (boot, true_us) in truth.items():
                    if boot in anchored:
                        assert abs(found[entry].t_us - true_us) <= found[entry].err_us

    asyncio.run(live())


@settings(max_examples=20, deadline=None)  # three thousand in `make torture`
@given(lives(), st.integers(1, 3))
def test_whatever_clocks_do_books_are_what_the_lines_say_and_anchored_times_are_true(
    life: tuple[list[Station], dict[EntryId, tuple[str, int]], set[str]], batch: int
) -> None:
    hold_against(life, batch)


@pytest.mark.torture
@pytest.mark.parametrize("part", range(6))
@settings(max_examples=500, deadline=None)
@given(lives(), st.integers(1, 3))
def test_whatever_clocks_do_in_thousands_of_lives(
    part: int, life: tuple[list[Station], dict[EntryId, tuple[str, int]], set[str]], batch: int
) -> None:
    hold_against(life, batch)
