"""Places by decision: dated, journalled, and the same books whichever came first.

Beyond 300 lines because the last story is all the others at random.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store import folding, tables
from hub.store.statements import putting
from hub.store.store import HubStore
from protocol.catalogue import CodeLink
from protocol.chain import Chapter
from protocol.dated_words import FloorWord, HomeGiven, PlaceGiven, PlaceKind
from protocol.events import Count, Delta, Reason, encode_entry
from protocol.identity import Epoch, PlaceId
from tests.unit.hub_store.kept import Kept, tell_all
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    HOUR_US,
    JAM,
    JAM_CODE,
    NEW_CODE,
    NOON_US,
    SECOND_US,
    TEA,
    TEA_CODE,
    Station,
    fold_all,
    give_place,
    key,
    shop,
)

pytestmark = BOTH_ENGINES
PLACES = ("door", "till", "rack")
AREAS = ("front", "back", AREA)


def place(
    name: str, area: str, from_us: int = 0, kind: PlaceKind = PlaceKind.SHELF, parent: str = "", by: str = ""
) -> PlaceGiven:
    return PlaceGiven(NOON_US, name, parent, area, kind, from_us, "ann", "the shop was rearranged", by)


def area(name: str) -> PlaceGiven:
    return place(name, name, kind=PlaceKind.AREA)


def home(item: str, at: str, from_us: int = 0, to_us: int | None = None) -> HomeGiven:
    return HomeGiven(NOON_US, item, at, from_us, to_us, "ann", "here it sells")


def move(till: Station, pieces: int, at: str, code: str = TEA_CODE, after_s: float = 1.0) -> int:
    till.up_us += int(after_s * SECOND_US)
    return till.say(Delta(till.when(), "scanner", code, "]E0", 1000 * pieces, Reason.SALE, at), 0)


async def areas(store: HubStore) -> dict[tuple[str, str], int]:
    """On hand by item and area, in pieces; nothing where nothing is."""
    rows = (await store.stock(limit=1000)).rows
    return {(row.item, row.area): row.on_hand_milli // 1000 for row in rows if row.on_hand_milli}


async def agreed(store: HubStore) -> dict[tuple[str, str], int]:
    await fold_all(store)
    differences = await store.rebuild()
    assert not differences, "\n".join(map(str, differences))
    return await areas(store)


async def test_a_place_is_of_the_one_area_until_somebody_says_otherwise(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    move(till, -1, "rack")
    async with shop(tmp_path) as store:
        await till.tell(store)
        assert await agreed(store) == {("tea", "store"): -1}
        await store.lay_out([area("front"), place("rack", "front")])
        assert await agreed(store) == {("tea", "front"): -1}


async def test_a_shelf_that_moves_takes_what_happens_there_from_then_on(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    move(till, -1, "rack")
    move(till, -2, "rack", after_s=100)
    move(till, -4, "rack", after_s=100)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.lay_out([area("front"), area("back"), place("rack", "front")])
        assert await agreed(store) == {("tea", "front"): -7}
        await store.lay_out([place("rack", "back", NOON_US + 150 * SECOND_US)])
        assert await agreed(store) == {("tea", "front"): -3, ("tea", "back"): -4}
        # It was said too late by a minute and a half: the same moment, and a later word.
        await store.lay_out([place("rack", "back", NOON_US + 60 * SECOND_US)])
        assert await agreed(store) == {("tea", "front"): -1, ("tea", "back"): -6}
        # What was scanned since is of the new area, and nothing has to be read again for that.
        move(till, -8, "rack")
        await till.tell(store)
        assert await agreed(store) == {("tea", "front"): -1, ("tea", "back"): -14}


async def test_a_count_goes_with_its_place(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    till.up_us += 4000 * SECOND_US
    till.say(Count(till.when(), till.up_us - SECOND_US, "scanner", TEA_CODE, 9000, "rack", "c"), 0)
    move(till, -1, "till", after_s=8000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        assert await agreed(store) == {("tea", "store"): 8}
        await store.lay_out([area("back"), place("rack", "back")])
        assert await agreed(store) == {("tea", "back"): 9, ("tea", "store"): -1}


async def test_what_waits_for_its_code_is_filed_where_its_place_is_then(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    move(till, -3, "rack", NEW_CODE)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        await store.lay_out([area("back"), place("rack", "back")])
        await fold_all(store)
        await store.apply_catalogue([CodeLink(key(NEW_CODE), JAM)])
        assert await agreed(store) == {("jam", "back"): -3}


async def test_what_stands_on_a_rack_goes_with_it(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        rack = [
            place("rack", "front"),
            place("rack-1", "front", parent="rack"),
            place("rack-2", "front", parent="rack"),
        ]
        await store.lay_out([area("front"), area("back"), *rack])
        await store.decide(place("rack", "back", NOON_US))
        assert {row.place: row.area for row in await store.places(NOON_US)} == {
            "back": "back",
            "front": "front",
            "rack": "back",
            "rack-1": "back",
            "rack-2": "back",
        }
        assert {row.area for row in await store.places(NOON_US - 1) if row.place.startswith("rack")} == {"front"}
        assert [row.area for row in await store.place_history(PlaceId("rack-1"))] == ["back", "front"]


async def test_homes_begin_and_end_and_are_taken_back(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        words: list[FloorWord] = [area("front"), place("a", "front"), place("b", "front")]
        words += [home(TEA, "a"), home(TEA, "b", NOON_US)]
        assert await store.lay_out(words) == 5
        assert await store.lay_out(words) == 0, "what is known already is not said again"

        async def at(t_us: int) -> set[str]:
            return {row.place for row in await store.homes(t_us, item=TEA)}

        assert (await at(NOON_US - 1), await at(NOON_US)) == ({"a"}, {"a", "b"})
        await store.decide(home(TEA, "a", 0, NOON_US + HOUR_US))
        assert (await at(NOON_US), await at(NOON_US + HOUR_US)) == ({"a", "b"}, {"b"})
        await store.decide(home(TEA, "b", NOON_US, NOON_US))
        assert await at(NOON_US) == {"a"}
        assert [row.item for row in await store.homes(NOON_US, place="a")] == [TEA]
        assert [row.homes for row in await store.places(NOON_US) if row.place == "a"] == [1]


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (place("x", "nowhere"), "area-unknown"),
        (place("x", "front", parent="nowhere"), "place-unknown"),
        (place("x", "back", parent="rack"), "area-differs"),
        (place("rack", "front", parent="rack-1"), "place-ring"),
        (place("x", "front", kind=PlaceKind.AREA), "bad-entry"),
        (place("", "front"), "bad-entry"),
        (home(TEA, "front"), "not-a-shelf"),
        (home(TEA, "nowhere"), "not-a-shelf"),
        (home("no-such-item", "rack"), "item-unknown"),
        (home(TEA, "rack", NOON_US, NOON_US - 1), "ends-before"),
    ],
)
async def test_what_cannot_be_is_refused_and_leaves_no_line(
    tmp_path: Path, word: PlaceGiven | HomeGiven, name: str
) -> None:
    async with shop(tmp_path) as store:
        await store.lay_out(
            [area("front"), area("back"), place("rack", "front"), place("rack-1", "front", 0, parent="rack")]
        )
        before = store.journal.view.head
        with pytest.raises(Exception, match=name):
            await store.decide(word)
        with pytest.raises(Exception, match=name):
            await store.lay_out([place("fine", "front"), word])
        assert store.journal.view.head == before
        assert "fine" not in {row.place for row in await store.places(NOON_US)}


async def test_a_key_gives_a_place_once_also_if_it_holds_from_the_moment_it_is_asked(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        first, repeated = await store.decide(place("rack", AREA, NOON_US, by="k"))
        assert not repeated
        later = PlaceGiven(
            NOON_US + 9, "rack", "", AREA, PlaceKind.SHELF, NOON_US + 9, "ann", "the shop was rearranged", "k"
        )
        assert await store.decide(later) == (first, True)
        with pytest.raises(BadInput, match="key-reused"):
            await store.decide(place("rack", AREA, NOON_US, PlaceKind.POP_UP, by="k"))


async def test_a_file_of_an_older_release_keeps_the_areas_it_held_until_a_word_is_said(tmp_path: Path) -> None:
    till = Station()
    till.anchor()
    move(till, -1, "rack")
    async with shop(tmp_path) as store:
        await store._database.write(lambda c: c.executemany(putting(tables.place), [("rack", "front", 1)]))
        await till.tell(store)
        assert await agreed(store) == {("tea", "front"): -1}
        await give_place(store, "rack", "back")
        assert await agreed(store) == {("tea", "back"): -1}


async def test_words_on_places_survive_the_loss_of_the_file_and_a_journal_that_is_carried_on(tmp_path: Path) -> None:
    kept, till = Kept(tmp_path), Station()
    till.anchor()
    move(till, -1, "rack")
    async with kept.open() as (store, archive):
        await till.tell(store)
        await fold_all(store)
        backup, _ = kept.back_up("night.db", archive)
        await store.lay_out([area("back"), place("rack", "back"), home(TEA, "rack")])
        await tell_all(archive)
        assert await agreed(store) == {("tea", "back"): -1}
    kept.path.unlink()
    await kept.restore(backup)
    async with kept.open(archived=False) as (store, _):
        assert await agreed(store) == {("tea", "back"): -1}
        assert [row.place for row in await store.homes(NOON_US)] == ["rack"]
        head, depth = store.journal.view.head, store.journal.view.depth
        await store.lay_out([place("rack", AREA)])
        await store.journal.open_epoch(Chapter(Epoch(head.epoch.generation + 1, 9), head, depth))
        assert await agreed(store) == {("tea", "store"): -1}
        assert {row.entry.epoch.generation for row in await store.places(NOON_US) if row.place == "rack"} == {
            head.epoch.generation + 1
        }
        await store.keeping.unfold()
        assert await agreed(store) == {("tea", "store"): -1}
        assert [row.place for row in await store.homes(NOON_US)] == ["rack"]


def a_day(rng: random.Random) -> tuple[list[Station], list[bytes]]:
    """Two stations that scan and count all over the shop, and people who rearrange it."""
    stations = [
        Station(f"till-{n}", Epoch(1, n), f"boot-{n}", rng.random() < 0.7, rng.choice([0, 0, 7200]) * SECOND_US)
        for n in (1, 2)
    ]
    for station in stations:
        for _ in range(rng.randint(20, 40)):
            after_s, at = rng.choice([0, 1, 30, 900]), rng.choice([*PLACES, "shop"])
            match rng.randint(0, 9):
                case 0:
                    station.anchor(after_s)
                case 1:
                    station.up_us += after_s * SECOND_US
                    found = rng.randint(0, 9) * 1000
                    code = rng.choice([TEA_CODE, JAM_CODE])
                    station.say(Count(station.when(), max(0, station.up_us - 9), "s", code, found, at, "c"), 0)
                case 2 if station.lines:
                    station.undo(rng.randint(1, len(station.lines)), after_s)
                case _:
                    move(station, rng.randint(-3, 3), at, rng.choice([TEA_CODE, JAM_CODE, NEW_CODE]), after_s)
    words = [area("front"), area("back")] + [
        place(rng.choice(PLACES), rng.choice(AREAS), rng.choice([0, NOON_US + rng.randint(0, 20_000) * SECOND_US]))
        for _ in range(6)
    ]
    return stations, [encode_entry(word) for word in words]


async def live(path: Path, seed: int, order: int) -> object:
    """Live the day of `seed`, heard in the order of `order`."""
    stations, journal = a_day(random.Random(seed))
    rng = random.Random(order)
    folder = path / f"{seed}-{order}"
    folder.mkdir()
    async with shop(folder) as store:
        late = [CodeLink(key(NEW_CODE), JAM)]
        while journal or late or any(station.told < len(station.lines) for station in stations):
            match rng.randint(0, 4):
                case 0 if journal:
                    taken = rng.randint(1, len(journal))
                    await store.journal.append(journal[:taken])
                    del journal[:taken]
                case 1:
                    await store.fold_some(rng.choice([1, 5, 1000]))
                case 2 if late and not journal:
                    await store.apply_catalogue(late)
                    late = []
                case _:
                    speakers = rng.sample(stations, rng.randint(1, 2))
                    await store.commit([s.commit(rng.choice([1, 3, 50])) for s in speakers if s.told < len(s.lines)])
        await agreed(store)
        rows = (await store.stock(limit=1000)).rows
        return [
            (row.item, row.area, row.on_hand_milli, row.lo_milli, row.hi_milli)
            for row in rows
            if row.counted_us or row.on_hand_milli
        ]


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(n, marks=pytest.mark.torture) for n in range(5, 80))])
async def test_the_order_of_arrival_of_scans_and_words_does_not_show(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await live(tmp_path, seed, 0)
    assert first, "a day on which nothing moved shows nothing"
    for order, batch in ((1, 1), (2, 9)):
        monkeypatch.setattr(folding, "BATCH", batch)
        assert await live(tmp_path, seed, order) == first
