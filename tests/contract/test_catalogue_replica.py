"""One suite for every copy of the catalogue at a station; then what only the one on disk must withstand.

Beyond 300 lines because it is one suite, run whole on each copy.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.catalogue.api import Applied, Catalogue, Lookup, Quarantined
from edge.catalogue.errors import CatalogueFailing, CatalogueUnusable
from edge.catalogue.memory import MemoryCatalogue
from edge.catalogue.replica import CatalogueReplica
from edge.errors import ContractBroken
from protocol.catalogue import (
    STORE,
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    Price,
    PriceKind,
    RowKind,
    Setting,
    Unit,
    encode_row,
    station_scope,
)
from protocol.catalogue_set import CatalogueSet, SetHash
from protocol.chain import Position
from protocol.identity import Epoch, StationId
from protocol.replication.ports import ReaderState, Told

EPOCH = Epoch(3, 2**64 - 1)
TILL = station_scope(StationId("till-3"))
MILK, HAM = Item("milk", "Milk 1 l"), Item("ham", "Ham", Unit.KG)
CODE = "05901234123457"
LINK = CodeLink(CODE, "milk")
PRICE = Price("milk", "regular-0", PriceKind.REGULAR, 129, "EUR")
NOON = 1000


def at(seq: int, epoch: Epoch = EPOCH) -> ReaderState:
    position = Position(epoch, seq, seq.to_bytes(32))
    told = Told(position.epoch, position.seq, position.digest, by=2**63 + 5, sound=1)
    return ReaderState(at=position, generation=epoch.generation, owner=2**63 + 5, retired=(1, 2), announced=(told,))


def lines(*rows: CatalogueRow) -> list[bytes]:
    return [encode_row(row) for row in rows]


@pytest.fixture(params=["file", "memory"])
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Catalogue:
    return CatalogueReplica(tmp_path / "catalogue.db") if request.param == "file" else MemoryCatalogue()


@pytest.fixture
async def catalogue(closed: Catalogue) -> AsyncIterator[Catalogue]:
    async with closed:
        yield closed


async def test_a_new_copy_holds_nothing(catalogue: Catalogue) -> None:
    assert catalogue.position is None
    assert catalogue.reader_state == ReaderState()
    assert (catalogue.count, catalogue.quarantined) == (0, 0)
    assert catalogue.set_hash == await catalogue.audit() == SetHash()
    assert catalogue.lookup(CODE, NOON) is None
    assert catalogue.settings() == ()
    assert catalogue.quarantine() == ()


async def test_a_code_is_looked_up_with_its_item_and_prices(catalogue: Catalogue) -> None:
    offer = Price("milk", "summer", PriceKind.PROMOTION, 99, "EUR", TILL, 5, 0, NOON, 2 * NOON)
    assert await catalogue.apply(1, lines(MILK, HAM, LINK, PRICE, offer), at(5)) == Applied(5, 0)
    found = catalogue.lookup(CODE, NOON)
    assert found is not None
    assert (found.item, found.factor_milli, set(found.prices)) == (MILK, 1000, {PRICE, offer})
    assert catalogue.price(CODE, NOON - 1, 1000, [TILL, STORE]) == PRICE
    assert catalogue.price(CODE, NOON, 1000, [TILL, STORE]) == offer
    assert catalogue.price(CODE, NOON, 1000, [STORE]) == PRICE
    assert catalogue.lookup("00000096385074", NOON) is None
    assert catalogue.price("00000096385074", NOON, 1000, [STORE]) is None


async def test_a_code_means_what_it_meant_at_the_time(catalogue: Catalogue) -> None:
    old, new = CodeLink(CODE, "milk", 1000, 10, 50), CodeLink(CODE, "ham", 6000, 50)
    await catalogue.apply(1, lines(MILK, HAM, old, new), at(4))
    assert [catalogue.lookup(CODE, moment) for moment in (9, 10, 49, 50)] == [
        None,
        Lookup(MILK, 1000, ()),
        Lookup(MILK, 1000, ()),
        Lookup(HAM, 6000, ()),
    ]


async def test_a_code_whose_item_is_gone_means_nothing(catalogue: Catalogue) -> None:
    await catalogue.apply(1, lines(MILK, LINK, PRICE), at(3))
    await catalogue.apply(4, lines(Gone(RowKind.ITEM, "milk")), at(4))
    assert catalogue.lookup(CODE, NOON) is None
    assert catalogue.count == 2


async def test_rows_replace_and_end_those_of_their_key(catalogue: Catalogue) -> None:
    setting = Setting(TILL, "mode", "sale")
    await catalogue.apply(1, lines(MILK, LINK, PRICE, setting), at(4))
    dearer, named = Price("milk", "regular-0", PriceKind.REGULAR, 139, "EUR"), Item("milk", "Milk, fresh")
    await catalogue.apply(5, lines(dearer, named), at(6))
    assert catalogue.lookup(CODE, NOON) == Lookup(named, 1000, (dearer,))
    ends = lines(Gone(RowKind.PRICE, "milk", "regular-0"), Gone(RowKind.SETTING, TILL, "mode"))
    await catalogue.apply(7, ends, at(8))
    assert catalogue.lookup(CODE, NOON) == Lookup(named, 1000, ())
    await catalogue.apply(9, lines(Gone(RowKind.LINK, CODE, "0"), Gone(RowKind.ITEM, "never-was")), at(10))
    assert catalogue.lookup(CODE, NOON) is None
    assert catalogue.settings() == ()
    assert catalogue.count == 1
    assert catalogue.set_hash == await catalogue.audit() == CatalogueSet(lines(named)).hash


async def test_of_lines_with_one_key_in_one_delta_the_last_counts(catalogue: Catalogue) -> None:
    gone = Gone(RowKind.ITEM, "milk")
    await catalogue.apply(1, lines(MILK, HAM, gone, Item("ham", "Ham, cooked"), LINK, gone, MILK), at(7))
    assert catalogue.lookup(CODE, NOON) == Lookup(MILK, 1000, ())
    assert catalogue.count == 3
    assert catalogue.set_hash == await catalogue.audit()


async def test_rows_and_cursor_are_there_after_closing_and_opening(closed: Catalogue) -> None:
    async with closed:
        await closed.apply(1, [*lines(MILK, LINK), b"junk"], at(3))
        before = (closed.reader_state, closed.set_hash, closed.count, closed.quarantined, closed.quarantine())
    async with closed:
        assert (closed.reader_state, closed.set_hash, closed.count, closed.quarantined, closed.quarantine()) == before
        assert closed.position == at(3).at
        assert closed.lookup(CODE, NOON) == Lookup(MILK, 1000, ())


async def test_the_cursor_can_move_alone(catalogue: Catalogue) -> None:
    await catalogue.apply(1, lines(MILK), at(1))
    held = catalogue.set_hash
    moved = at(0, Epoch(4, 17))
    assert await catalogue.apply(0, (), moved) == Applied(0, 0)
    assert (catalogue.reader_state, catalogue.set_hash) == (moved, held)


async def test_a_line_that_is_no_row_is_put_aside_and_the_others_are_taken(catalogue: Catalogue) -> None:
    bad = [b'["i"]', b"\x00\xff garbage", b'["z","from","a later release"]']
    given = [*lines(MILK), bad[0], bad[1], *lines(LINK), bad[2]]
    assert await catalogue.apply(11, given, at(15)) == Applied(2, 3)
    assert catalogue.lookup(CODE, NOON) == Lookup(MILK, 1000, ())
    assert catalogue.quarantined == 3
    assert catalogue.quarantine() == tuple(
        Quarantined(str(EPOCH), seq, "bad-row", line) for seq, line in zip((12, 13, 15), bad, strict=True)
    )
    assert catalogue.set_hash == CatalogueSet(lines(MILK, LINK)).hash


async def test_a_flagged_entry_is_put_aside_unread(catalogue: Catalogue) -> None:
    (line,) = lines(MILK)
    assert await catalogue.apply(4, [line], at(4), flagged=True) == Applied(0, 1)
    assert catalogue.count == 0
    assert catalogue.quarantine() == (Quarantined(str(EPOCH), 4, "flagged", line),)


async def test_what_was_put_aside_is_kept_bounded_and_counted_in_full(catalogue: Catalogue) -> None:
    for start in (1, 201):
        await catalogue.apply(start, [b"%d" % seq for seq in range(start, start + 200)], at(start + 199))
    assert catalogue.quarantined == 400
    assert [entry.seq for entry in catalogue.quarantine()] == list(range(145, 401))


async def test_a_snapshot_takes_the_place_of_everything(catalogue: Catalogue) -> None:
    await catalogue.apply(1, lines(MILK, LINK, PRICE, Setting(STORE, "mode", "sale")), at(4))
    bread = Item("bread", "Bread")
    parts = [lines(bread), [], lines(CodeLink(CODE, "bread"))]
    assert await catalogue.replace(parts, at(90)) == Applied(2, 0)
    assert catalogue.lookup(CODE, NOON) == Lookup(bread, 1000, ())
    assert (catalogue.position, catalogue.count, catalogue.settings()) == (at(90).at, 2, ())
    assert catalogue.set_hash == await catalogue.audit() == CatalogueSet(lines(bread, CodeLink(CODE, "bread"))).hash


async def test_an_empty_snapshot_empties(catalogue: Catalogue) -> None:
    await catalogue.apply(1, lines(MILK), at(1))
    await catalogue.replace([], at(2))
    assert (catalogue.count, catalogue.set_hash) == (0, SetHash())


async def test_a_snapshot_with_bad_lines_and_keys_said_twice_is_still_taken(catalogue: Catalogue) -> None:
    fresh = Item("milk", "Milk, fresh")
    parts = [[*lines(MILK, HAM, LINK), b"junk"], lines(fresh, Gone(RowKind.ITEM, "ham"), LINK)]
    assert await catalogue.replace(parts, at(9)) == Applied(6, 1)
    assert catalogue.lookup(CODE, NOON) == Lookup(fresh, 1000, ())
    assert catalogue.count == 2
    assert catalogue.set_hash == await catalogue.audit() == CatalogueSet(lines(fresh, LINK)).hash
    assert catalogue.quarantine() == (Quarantined(str(EPOCH), None, "bad-row", b"junk"),)


async def test_a_snapshot_that_breaks_off_leaves_what_was(catalogue: Catalogue) -> None:
    await catalogue.apply(1, lines(MILK, LINK, PRICE), at(3))
    before = (catalogue.reader_state, catalogue.set_hash, catalogue.count, catalogue.lookup(CODE, NOON))

    def broken() -> Iterator[Sequence[bytes]]:
        yield lines(HAM)
        raise ConnectionError("the hub went away")

    with pytest.raises(ConnectionError):
        await catalogue.replace(broken(), at(50))
    assert (catalogue.reader_state, catalogue.set_hash, catalogue.count, catalogue.lookup(CODE, NOON)) == before
    assert await catalogue.audit() == catalogue.set_hash
    await catalogue.replace([lines(HAM)], at(50))
    assert catalogue.count == 1


async def test_settings_are_told_and_the_narrowest_asked_for(catalogue: Catalogue) -> None:
    held = [Setting(TILL, "mode", "return"), Setting(STORE, "volume", "7"), Setting(STORE, "mode", "sale")]
    await catalogue.apply(1, lines(*held), at(3))
    assert catalogue.settings() == (held[0], held[2], held[1])
    assert catalogue.setting("mode", [TILL, STORE]) == "return"
    assert catalogue.setting("mode", [STORE]) == "sale"
    assert catalogue.setting("light", [TILL, STORE]) is None


async def test_the_chain_is_known_where_commits_ended(catalogue: Catalogue) -> None:
    await catalogue.apply(1, lines(MILK, LINK), at(2))
    await catalogue.apply(3, lines(PRICE), at(3))
    await catalogue.replace([lines(HAM)], at(70))
    digests = {seq: seq.to_bytes(32) for seq in (2, 3, 70)}
    assert await catalogue.digests(EPOCH, [1, 2, 3, 70, 71]) == {1: None, **digests, 71: None}
    assert await catalogue.digests(Epoch(9, 9), [2]) == {2: None}


async def test_it_is_used_only_while_open_and_opened_once(closed: Catalogue) -> None:
    uses: list[Callable[[], object]] = [
        lambda: closed.position, lambda: closed.reader_state, lambda: closed.set_hash, lambda: closed.count,
        lambda: closed.lookup(CODE, NOON), closed.settings, closed.quarantine,
    ]  # fmt: skip
    for _ in ("before", "after"):
        for use in uses:
            with pytest.raises(ContractBroken):
                use()
        with pytest.raises(ContractBroken):
            await closed.apply(1, [], at(1))
        with pytest.raises(ContractBroken):
            await closed.replace([], at(1))
        async with closed:
            with pytest.raises(ContractBroken):
                await closed.__aenter__()
            assert closed.count == 0
    await closed.__aexit__(None, None, None)


few = st.sampled_from(["a", "b"])
codes = st.sampled_from(["1", "2"])
moments = st.integers(0, 3)
row: st.SearchStrategy[CatalogueRow] = st.one_of(
    st.builds(Item, few, few),
    st.builds(lambda c, i, start, end: CodeLink(c, i, 1000, start, end), codes, few, moments, st.none() | st.just(4)),
    st.builds(lambda item, id_, minor: Price(item, id_, PriceKind.REGULAR, minor, "EUR"), few, few, moments),
    st.builds(Gone, st.just(RowKind.ITEM), few),
    st.builds(lambda code, start: Gone(RowKind.LINK, code, str(start)), codes, moments),
    st.builds(lambda item, id_: Gone(RowKind.PRICE, item, id_), few, few),
)
line = row.map(encode_row) | st.sampled_from([b"", b"junk", b'["l","1","a",1000,"x"]'])
batches = st.lists(st.tuples(st.booleans(), st.lists(st.lists(line, max_size=6), max_size=3)), min_size=1, max_size=6)


@settings(max_examples=30, deadline=None)
@given(batches)
def test_after_any_deltas_and_snapshots_the_file_says_what_the_twin_says(
    history: list[tuple[bool, list[list[bytes]]]],
) -> None:
    async def story(path: Path) -> None:
        async with CatalogueReplica(path) as file, MemoryCatalogue() as twin:
            seq = 0
            for whole, parts in history:
                told = [line for part in parts for line in part]
                for copy in (file, twin):
                    if whole:
                        await copy.replace(parts, at(seq + len(told)))
                    else:
                        await copy.apply(seq + 1, told, at(seq + len(told)))
                seq += len(told)
                assert (file.set_hash, file.count, file.quarantined) == (twin.set_hash, twin.count, twin.quarantined)
                assert file.quarantine() == twin.quarantine()
                assert await file.audit() == file.set_hash
                for code in ("1", "2"):
                    for moment in range(5):
                        assert told_of(file, code, moment) == told_of(twin, code, moment)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder) / "catalogue.db"))


def told_of(copy: Catalogue, code: str, at_us: int) -> tuple[Item, int, frozenset[Price]] | None:
    found = copy.lookup(code, at_us)
    return None if found is None else (found.item, found.factor_milli, frozenset(found.prices))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalogue.db"


def put(path: Path, content: bytes | bytearray) -> None:
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


async def test_until_a_snapshot_is_durable_the_old_rows_are_what_is_read(path: Path) -> None:
    async with CatalogueReplica(path) as replica:
        await replica.apply(1, lines(MILK, LINK, PRICE), at(3))
        before = (replica.lookup(CODE, NOON), replica.set_hash)
        half, finish = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def parts() -> Iterator[Sequence[bytes]]:
            yield lines(HAM, CodeLink(CODE, "ham"))
            loop.call_soon_threadsafe(half.set)
            assert finish.wait(30)
            yield lines(Item("bread", "Bread"))

        replacing = asyncio.create_task(replica.replace(parts(), at(50)))
        queued = asyncio.create_task(replica.apply(51, lines(Item("ham", "Ham, cooked", Unit.KG)), at(51)))
        await half.wait()
        assert (replica.lookup(CODE, NOON), replica.set_hash) == before
        assert not queued.done()
        finish.set()
        await asyncio.gather(replacing, queued)
        assert replica.lookup(CODE, NOON) == Lookup(Item("ham", "Ham, cooked", Unit.KG), 1000, ())
        assert replica.count == 3


async def test_closing_gives_up_a_snapshot_under_way(path: Path) -> None:
    replica = CatalogueReplica(path)
    async with replica:
        await replica.apply(1, lines(MILK, LINK), at(2))
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def endless() -> Iterator[Sequence[bytes]]:
            number = 0
            while True:
                yield lines(Item(f"item-{number}", "More"))
                loop.call_soon_threadsafe(begun.set)
                number += 1

        replacing = asyncio.create_task(replica.replace(endless(), at(50)))
        await begun.wait()
    with pytest.raises(CatalogueFailing):
        await replacing
    async with replica:
        assert (replica.position, replica.lookup(CODE, NOON)) == (at(2).at, Lookup(MILK, 1000, ()))


async def test_cancelling_a_write_stops_the_waiting_and_not_the_work(path: Path) -> None:
    async with CatalogueReplica(path) as replica:
        finish = threading.Event()

        def slow() -> Iterator[Sequence[bytes]]:
            assert finish.wait(30)
            yield lines(MILK)

        replacing = asyncio.create_task(replica.replace(slow(), at(1)))
        applying = asyncio.create_task(replica.apply(2, lines(LINK), at(2)))
        await asyncio.sleep(0)
        for task in (replacing, applying):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        finish.set()
        await replica.apply(3, (), at(3))
        assert replica.lookup(CODE, NOON) == Lookup(MILK, 1000, ())


async def test_a_full_disk_leaves_everything_as_it_was(path: Path) -> None:
    more = [lines(*(Item(f"item-{n}", "x" * 400) for n in range(2000)))]
    async with CatalogueReplica(path) as replica:
        await replica.apply(1, lines(MILK, LINK), at(2))
        before = (replica.reader_state, replica.set_hash, replica.lookup(CODE, NOON))
        assert replica._writer is not None
        replica._writer._connection.pragma("max_page_count", 40)
        with pytest.raises(CatalogueFailing):
            await replica.apply(3, more[0], at(2002))
        with pytest.raises(CatalogueFailing):
            await replica.replace(more, at(2002))
        assert (replica.reader_state, replica.set_hash, replica.lookup(CODE, NOON)) == before
        assert await replica.audit() == replica.set_hash
        replica._writer._connection.pragma("max_page_count", 100_000)
        assert await replica.apply(3, more[0], at(2002)) == Applied(2000, 0)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4080])
async def test_a_file_that_is_damaged_is_set_aside_and_begun_anew(path: Path, content: bytes) -> None:
    put(path, content)
    async with CatalogueReplica(path) as replica:
        assert replica.begun_anew
        assert replica.position is None
        await replica.apply(1, lines(MILK, LINK), at(2))
    assert content_of(path.with_name("catalogue.db.damaged")) == content
    async with CatalogueReplica(path) as replica:
        assert replica.begun_anew is None
        assert replica.count == 2


async def test_a_file_of_another_release_is_begun_anew(path: Path) -> None:
    async with CatalogueReplica(path) as replica:
        await replica.apply(1, lines(MILK), at(1))
    later = sqlite3.connect(path)
    later.execute("pragma user_version = 99")
    later.close()
    async with CatalogueReplica(path) as replica:
        assert replica.begun_anew == "schema version 99"
        assert replica.position is None


async def test_damage_met_while_open_is_told_and_cured_by_opening_again(path: Path) -> None:
    async with CatalogueReplica(path) as replica:
        await replica.replace([lines(*(Item(f"item-{n}", "x" * 90) for n in range(5000)), LINK, MILK)], at(5))
    whole = bytearray(content_of(path))
    page = 4096
    for start in range(9 * page, len(whole), page):
        whole[start : start + 200] = b"\xee" * 200  # all but the tables' first pages: a card gone bad
    put(path, whole)
    async with CatalogueReplica(path) as replica:
        assert replica.begun_anew is None
        with pytest.raises(CatalogueFailing):
            replica.lookup(CODE, NOON)
    async with CatalogueReplica(path) as replica:
        assert replica.begun_anew
        await replica.apply(1, lines(MILK, LINK), at(2))
        assert replica.lookup(CODE, NOON) == Lookup(MILK, 1000, ())


async def test_somebody_elses_database_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("create table sales (n integer)")
    other.close()
    before = content_of(path)
    with pytest.raises(CatalogueUnusable):
        async with CatalogueReplica(path):
            pass
    assert content_of(path) == before


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueFailing):
        async with CatalogueReplica(tmp_path / "nowhere" / "catalogue.db"):
            pass
