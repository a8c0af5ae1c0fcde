"""What the hub knows of each RFID tag: the same whatever comes first, comes late, or is timed anew."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from hub.ledger.tags import TagState
from hub.store import folding
from hub.store.store import HubStore
from hub.store.tables import tag
from protocol.events import Presence, Reason
from protocol.identity import Epoch
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    HOUR_US,
    SECOND_US,
    Station,
    catalogue,
    fold_all,
    rows_at,
    shop,
    store_at,
)
from tests.unit.hub_store.tags import Reader, Tagged, tagged

pytestmark = BOTH_ENGINES
ZONES = ("floor", "back", "door")
FIRST, SECOND = tagged(1), tagged(2)


class Known(NamedTuple):
    """What the store keeps of a tag."""

    place: str
    state: str
    seen_us: int | None
    again: bool


_TAGS = select(tag.c.epc, tag.c.place, tag.c.state, tag.c.seen_us, tag.c.again_us)


def known(path: Path) -> dict[str, Known]:
    """Read all tags out of the store's tables, while the hub may run."""
    rows = rows_at(path, _TAGS)
    return {epc: Known(place, state, seen_us, again is not None) for epc, place, state, seen_us, again in rows}


async def tell_all(store: HubStore, *stations: Station) -> None:
    for station in stations:
        await station.tell(store)
    await fold_all(store)


async def test_a_tag_is_where_it_was_seen_last_and_unseen_once_it_falls_silent(tmp_path: Path) -> None:
    door = Reader("door")
    door.anchor()
    async with shop(tmp_path) as store:
        door.change(FIRST.epc, "back")
        await tell_all(store, door)
        assert known(tmp_path / "hub.db")[FIRST.epc][:2] == ("back", "present")
        door.change(FIRST.epc, "floor", Presence.MOVED)
        await tell_all(store, door)
        assert known(tmp_path / "hub.db")[FIRST.epc][:2] == ("floor", "present")
        door.change(FIRST.epc, "floor", Presence.DEPARTED, after_s=900, seen_ago_s=600)
        await tell_all(store, door)
        assert known(tmp_path / "hub.db")[FIRST.epc][:2] == ("floor", "unseen")


async def test_silence_is_as_old_as_the_last_read_and_does_not_outdo_what_was_seen_elsewhere_since(
    tmp_path: Path,
) -> None:
    front, back = Reader("front"), Reader("back")
    for station in (front, back):
        station.anchor()
    front.change(FIRST.epc, "floor")
    back.change(FIRST.epc, "back", after_s=60)
    # It left the floor's field half a minute before it came to the back; the floor says so ten minutes later.
    front.change(FIRST.epc, "floor", Presence.DEPARTED, after_s=629, seen_ago_s=600)
    async with shop(tmp_path) as store:
        await tell_all(store, front, back)
        assert known(tmp_path / "hub.db")[FIRST.epc][:2] == ("back", "present")


async def test_a_reader_that_restarts_at_an_earlier_time_is_believed_in_the_order_of_its_log(tmp_path: Path) -> None:
    door = Reader("door", synced=False)
    door.change(FIRST.epc, "back")
    door.change(SECOND.epc, "back")
    door.reboot("boot-2", off_s=30)
    door.wall_off_us = -HOUR_US
    door.change(FIRST.epc, "floor", Presence.MOVED)
    door.change(SECOND.epc, "back", Presence.DEPARTED, after_s=600, seen_ago_s=590)
    async with shop(tmp_path) as store:
        await tell_all(store, door)
        assert [known(tmp_path / "hub.db")[each.epc][:2] for each in (FIRST, SECOND)] == [
            ("floor", "present"),
            ("back", "unseen"),
        ]
        assert await store.rebuild() == ()


async def test_a_tag_that_was_read_last_by_a_clock_since_set_right_is_unseen_once_it_departs(tmp_path: Path) -> None:
    door = Reader("door")
    door.anchor()
    door.change(FIRST.epc, "floor")
    # It was switched off over the weekend, and read the tag by Friday's time before it was told Monday's.
    door.change(FIRST.epc, "floor", Presence.DEPARTED, after_s=900, seen_ago_s=3 * 24 * 3600)
    async with shop(tmp_path) as store:
        await tell_all(store, door)
        assert known(tmp_path / "hub.db")[FIRST.epc][:2] == ("floor", "unseen")


async def test_a_unit_that_a_till_sells_is_sold_until_it_is_brought_back_or_undone(tmp_path: Path) -> None:
    door, till = Reader("door"), Reader("till-1")
    for station in (door, till):
        station.anchor()
    door.change(FIRST.epc, "floor")
    door.change(SECOND.epc, "floor")
    async with shop(tmp_path) as store:
        sale = till.move(FIRST.code, -1000)
        till.move(SECOND.code, -1000)
        await tell_all(store, door, till)
        assert {each.state for each in known(tmp_path / "hub.db").values()} == {"sold"}
        till.undo(sale)
        till.move(SECOND.code, 1000, Reason.RETURN)
        await tell_all(store, till)
        assert [known(tmp_path / "hub.db")[each.epc][:2] for each in (FIRST, SECOND)] == [
            ("floor", "present"),
            ("shop", "present"),
        ]
        till.move(FIRST.code, -1000, Reason.WASTE)
        await tell_all(store, till)
        assert known(tmp_path / "hub.db")[FIRST.epc].state == "left"


async def test_a_sold_tag_that_is_seen_again_is_told_but_not_on_its_way_out(tmp_path: Path) -> None:
    door, till = Reader("door"), Reader("till-1")
    for station in (door, till):
        station.anchor()
    till.move(FIRST.code, -1000)
    async with shop(tmp_path) as store:
        door.change(FIRST.epc, "door", after_s=60)
        await tell_all(store, till, door)
        assert known(tmp_path / "hub.db")[FIRST.epc][1:] == ("sold", door_time(door), False)
        door.change(FIRST.epc, "floor", after_s=3 * 3600)
        await tell_all(store, door)
        assert known(tmp_path / "hub.db")[FIRST.epc].again


def door_time(station: Station) -> int:
    """The time of what a station said last, by an anchor that is right to a millisecond."""
    return station.true_us


async def test_an_epc_that_is_no_trade_item_and_one_that_is_no_epc_are_kept_too(tmp_path: Path) -> None:
    door = Reader("door")
    door.anchor()
    door.change("E2801160", "floor")
    door.change("NOT HEX", "floor")
    async with shop(tmp_path) as store:
        await tell_all(store, door)
        assert set(known(tmp_path / "hub.db")) == {"E2801160", "NOT HEX"}


class Truth:
    """What was said, at the times when it was true."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[int, str, str]]] = {}
        self.deals: dict[str, list[tuple[int, Reason, str]]] = {}

    def of(self, epc: str) -> tuple[str, str]:
        """Where a tag is and in what state, in the plainest words."""
        signs = sorted(self.seen.get(epc, ()))
        deals = sorted(self.deals.get(epc, ()))
        there = [(t_us, place) for t_us, what, place in signs if what == "seen"]
        there += [(t_us, place) for t_us, reason, place in deals[-1:] if reason is Reason.RETURN]
        silent = [(t_us, place) for t_us, what, place in signs if what == "missed"]
        last = max(there, default=None) or max(silent)
        if deals and deals[-1][1] is Reason.SALE:
            state = TagState.SOLD
        elif there and not (silent and max(silent) > last):
            state = TagState.PRESENT
        else:
            state = TagState.UNSEEN
        return last[1], state.value


def a_day(rng: random.Random) -> tuple[list[Reader], Truth]:
    """Stations whose clocks are wrong by hours, whose anchors come late, and a till that sells by serial number."""
    truth = Truth()
    pieces = [tagged(serial) for serial in range(1, 9)]
    stations = [
        Reader(
            f"reader-{n}", Epoch(1, n), f"boot-{n}", rng.random() < 0.5, rng.choice([0, 3, -5]) * HOUR_US, n * 137_000
        )
        for n in range(3)
    ]
    for station in stations:
        if rng.random() < 0.5:
            station.anchor(0.1)
        sold: list[tuple[int, Tagged, tuple[int, Reason, str]]] = []
        for _ in range(rng.randint(20, 50)):
            piece, after_s = rng.choice(pieces), rng.choice([1, 7, 40, 300])
            match rng.randint(0, 9):
                case 0:
                    station.anchor(after_s)
                case 1:
                    place = rng.choice(ZONES)
                    station.sweep(place, piece.epc, after_s=after_s)
                    truth.seen.setdefault(piece.epc, []).append((station.true_us, "seen", place))
                case 2 | 3:
                    reason = rng.choice([Reason.SALE, Reason.RETURN])
                    seq = station.move(piece.code, -1000 if reason is Reason.SALE else 1000, reason)
                    deal = (station.true_us, reason, "shop")
                    truth.deals.setdefault(piece.epc, []).append(deal)
                    sold.append((seq, piece, deal))
                case 4 if sold:
                    seq, piece, deal = sold.pop(rng.randrange(len(sold)))
                    station.undo(seq)
                    truth.deals[piece.epc].remove(deal)
                case 5:
                    zone = rng.choice(ZONES)
                    station.change(piece.epc, zone, Presence.DEPARTED, after_s, seen_ago_s=0.5)
                    truth.seen.setdefault(piece.epc, []).append((station.true_us - SECOND_US // 2, "missed", zone))
                case _:
                    zone = rng.choice(ZONES)
                    station.change(piece.epc, zone, rng.choice([Presence.ARRIVED, Presence.MOVED]), after_s)
                    truth.seen.setdefault(piece.epc, []).append((station.true_us, "seen", zone))
        station.anchor(1)
    return stations, truth


async def live(path: Path, seed: int, order: int) -> dict[str, Known]:
    """Hear the day of `seed` in the order of `order`."""
    stations, _ = a_day(random.Random(seed))
    rng = random.Random(order)
    async with store_at(path) as store:
        await store.apply_catalogue(catalogue())
        while any(station.told < len(station.lines) for station in stations):
            if rng.random() < 0.3:
                await store.fold_some(rng.choice([1, 5, 1000]))
            speakers = rng.sample(stations, rng.randint(1, len(stations)))
            await store.commit([s.commit(rng.choice([1, 3, 50])) for s in speakers if s.told < len(s.lines)])
        await fold_all(store, rng.choice([1, 7, 1000]))
        first = known(path)
        await store.keeping.unfold()
        await fold_all(store)
        assert known(path) == first
        assert not await store.rebuild()
        return first


def restarts(rng: random.Random) -> tuple[Reader, dict[str, tuple[str, str]]]:
    """A reader that is without power now and then, and never knows what time it is; and where its log says tags are."""
    door, here = Reader("door", synced=False), dict[str, tuple[str, str]]()
    pieces = [tagged(serial) for serial in range(1, 9)]
    for boot in range(rng.randint(2, 6)):
        door.reboot(f"boot-{boot}")
        door.wall_off_us = rng.choice([0, -1, -7, -300, -3600]) * SECOND_US
        for _ in range(rng.randint(1, 20)):
            epc, zone = rng.choice(pieces).epc, rng.choice(ZONES)
            what = rng.choice([Presence.ARRIVED, Presence.MOVED, Presence.DEPARTED, Presence.UNKNOWN])
            is_seen = what in (Presence.ARRIVED, Presence.MOVED)
            if is_seen or epc in here:
                zone = zone if is_seen else here[epc][0]
                door.change(epc, zone, what, rng.choice([1, 7, 40]), 0 if is_seen else rng.choice([1, 600, 90_000]))
                here[epc] = (zone, "present" if is_seen else "unseen")
    return door, here


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(n, marks=pytest.mark.torture) for n in range(6, 200))])
async def test_whenever_it_restarts_tags_are_where_its_log_says(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    door, here = restarts(rng)
    async with shop(tmp_path) as store:
        while door.told < len(door.lines):
            await store.commit([door.commit(rng.choice([1, 3, 50]))])
            await store.fold_some(rng.choice([1, 5, 1000]))
        await fold_all(store)
        told = {epc: each[:2] for epc, each in known(tmp_path / "hub.db").items()}
        assert told == here
        await store.keeping.unfold()
        await fold_all(store)
        assert {epc: each[:2] for epc, each in known(tmp_path / "hub.db").items()} == here
        assert await store.rebuild() == ()


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(n, marks=pytest.mark.torture) for n in range(2, 60))])
async def test_every_order_and_batching_comes_to_what_was_true(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, truth = a_day(random.Random(seed))
    first = await live(tmp_path / "first.db", seed, 0)
    assert {epc: each[:2] for epc, each in first.items()} == {epc: truth.of(epc) for epc in truth.seen}
    monkeypatch.setattr(folding, "BATCH", 9)
    assert await live(tmp_path / "second.db", seed, 1) == first
