"""The feed's lines, and the books head office keeps from them."""

from __future__ import annotations

import random
from itertools import permutations
from pathlib import Path

import msgspec
import pytest

from hub.store.telling import LINE_BYTES, Teller
from protocol.errors import BadInput
from protocol.events import Reason
from protocol.feed import (
    SPECVERSION,
    CountEntry,
    CountResult,
    FeedEntry,
    FeedStatus,
    Moved,
    Movement,
    MovementEntry,
    Movements,
    MovementsEntry,
    decode_feed_entry,
    encode_feed_entry,
    renumbered,
    revision_number,
    statements,
)
from protocol.feed_books import FeedBooks
from protocol.identity import Epoch, ItemId, StoreId
from tests.unit.hub_store.shop import AREA, BOTH_ENGINES, JAM, TEA, TEA_CODE, Station, fold_all, key, shop

pytestmark = BOTH_ENGINES


def movement(entry: str, revision: int, qty_milli: int, status: FeedStatus = FeedStatus.STANDS) -> MovementEntry:
    known = status is not FeedStatus.QUARANTINED
    item, area = (TEA, AREA) if known else (None, None)
    data = Movement(entry, revision, status, item, area, qty_milli, Reason.SALE, None, None, 5, 1)
    return MovementEntry(SPECVERSION, f"{entry}:{revision}", "shelfwire/1/corner", "1970-01-01T00:00:00Z", data)


def count(entry: str, revision: int, variance_milli: int) -> CountEntry:
    data = CountResult(entry, revision, FeedStatus.STANDS, TEA, AREA, 1, variance_milli, False, None, None, 5, 1)
    return CountEntry(SPECVERSION, f"{entry}:{revision}", "shelfwire/1/corner", "1970-01-01T00:00:00Z", data)


async def test_the_feed_says_what_a_cloud_event_must(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await till.tell(store)
        await fold_all(store)
        line = (await store.feed.read(store.feed.view.head.epoch, 1, 1, 1)).lines[0]
        entry = msgspec.json.decode(line)
        assert entry["specversion"] == "1.0"
        assert entry["source"] == "shelfwire/1/corner"
        assert entry["type"] == "shelfwire.movements"
        assert entry["id"] == f"{till.id(1)}+1:{entry['data']['revision']}"
        assert entry["time"] == "2025-06-15T15:06:41.000000Z"
        (data,) = statements(decode_feed_entry(line))
        assert isinstance(data, Movement)
        assert data.entry == str(till.id(1))
        assert (data.item, data.area, data.qty_milli, data.reason, data.code) == (
            TEA,
            AREA,
            -1000,
            Reason.SALE,
            key(TEA_CODE),
        )


def movements(entries: str, revision: int, *rows: tuple[int, int]) -> MovementsEntry:
    """Movements of tea by seq and quantity."""
    moved = tuple(Moved(seq, TEA, AREA, qty_milli, Reason.SALE, key(TEA_CODE), 5, 1) for seq, qty_milli in rows)
    return MovementsEntry(
        SPECVERSION,
        f"{entries}{rows[0][0]}+{len(rows)}:{revision}",
        "shelfwire/1/corner",
        "1970-01-01T00:00:00Z",
        Movements(entries, revision, moved),
    )


@pytest.mark.parametrize(
    "entry",
    [
        movement("a/1.0000000000000001/1", 1, -5),
        movements("a/1.0000000000000001/", 1, (1, -5), (3, 7)),
        count("a/1.0000000000000001/2", 1, 5),
    ],
)
def test_an_entry_comes_back_as_it_was(entry: FeedEntry) -> None:
    assert decode_feed_entry(encode_feed_entry(entry)) == entry


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"nonsense",
        b'{"type":"shelfwire.other"}',
        encode_feed_entry(movement("a/1.0000000000000001/1", 1, 1)).replace(b'"1.0"', b'"2.0"'),
        encode_feed_entry(movement("a/1.0000000000000001/1", 1, 1)).replace(b'"stands"', b'"wavers"'),
    ],
)
def test_what_is_no_entry_is_bad_input(line: bytes) -> None:
    with pytest.raises(BadInput):
        decode_feed_entry(line)


def test_what_a_later_release_adds_is_ignored() -> None:
    entry = movement("a/1.0000000000000001/1", 1, 1)
    fields = msgspec.json.decode(encode_feed_entry(entry))
    fields["data"]["later"] = fields["later"] = [1]
    assert decode_feed_entry(msgspec.json.encode(fields)) == entry


def test_the_greatest_revision_wins_in_any_order() -> None:
    told: list[FeedEntry] = [
        movement("a", 1, -1000),
        movement("a", 2, -1000, FeedStatus.REVERSED),
        movement("b", 1, -3000, FeedStatus.QUARANTINED),
        movement("b", 2, -3000),
        count("c", 1, 500),
        count("c", 2, 9000),
        count("c", 3, 7000),
    ]
    for seed in range(20):
        books = FeedBooks()
        for entry in random.Random(seed).sample(told * 2, 14):
            books.upsert(entry)
        assert books.stock() == {(TEA, AREA): 4000}
        assert books.on_hand(TEA, AREA) == 4000
        assert books.on_hand(JAM, AREA) == 0
        assert len(books) == 3


def test_repeats_are_no_news() -> None:
    books = FeedBooks()
    assert books.upsert(movement("a", 2, -1000))
    assert not books.upsert(movement("a", 2, -1000))
    assert not books.upsert(movement("a", 1, -9000))
    assert books.stock() == {(TEA, AREA): -1000}


def test_a_statement_of_a_later_epoch_wins_however_few_were_made_before() -> None:
    early, late = Epoch(1, 9), Epoch(2, 1)
    said_often = movement("a", revision_number(early, 500), -1000)
    said_anew = renumbered(movement("a", revision_number(early, 2), -7000), late)
    assert said_anew.data.revision == revision_number(late, 2)
    books = FeedBooks()
    books.upsert(said_often)
    books.upsert(said_anew)
    assert books.stock() == {(TEA, AREA): -7000}


def test_movements_told_together_are_as_good_as_told_alone() -> None:
    together = movements("a/1.0000000000000001/", 5, (1, -1000), (2, -2000))
    said = list(statements(together))
    assert [(each.entry, each.revision) for each in said] == [
        ("a/1.0000000000000001/1", 5),
        ("a/1.0000000000000001/2", 5),
    ]
    better = movement("a/1.0000000000000001/2", 6, -500)
    entries: list[FeedEntry] = [together, better, together]
    books = FeedBooks()
    for order in permutations(entries):
        books = FeedBooks()
        for entry in order:
            books.upsert(entry)
        assert (len(books), books.stock()) == (2, {(TEA, AREA): -1500})
    assert not books.upsert(together)
    assert books.upsert(renumbered(together, Epoch(2, 1)))
    assert books.stock() == {(TEA, AREA): -3000}


def test_no_line_of_many_movements_grows_too_long() -> None:
    teller = Teller(StoreId("corner"))
    teller.begin(Epoch(1, 1))
    rows = [Moved(seq, ItemId("x" * 900), AREA, -1000, Reason.SALE, "0" * 4000, 5, 1) for seq in range(1, 501)]
    lines = list(teller.movements("a/1.0000000000000001/", rows))
    assert all(len(line) <= LINE_BYTES for line in lines)
    said = [each.entry for line in lines for each in statements(decode_feed_entry(line))]
    assert said == [f"a/1.0000000000000001/{seq}" for seq in range(1, 501)]
