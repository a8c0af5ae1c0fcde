"""What a station carries into a new epoch means the same there."""

from __future__ import annotations

from pathlib import Path

from hub.store.reader_logs import LogCommit, station_log
from protocol.chain import Chapter, Position, extend
from protocol.events import Reason
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState, Record, Slice
from protocol.topics import Stream
from tests.unit.hub_store.shop import (
    BOTH_ENGINES,
    FIRST_LIFE,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    fold_all,
    on_hand,
    shop,
)

pytestmark = BOTH_ENGINES


async def test_an_undo_that_was_carried_takes_back_the_sale_carried_with_it_and_not_another(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, 10_000, Reason.RECEIPT)
    till.scan(TEA_CODE, -1000)
    before = till.position(1)
    # A copy of the card, made after entry 1, sold 3 and took that back; the hub holds the original's entry 2.
    copy = Station(lines=till.lines[:1], up_us=till.up_us)
    copy.scan(TEA_CODE, -3000)
    copy.undo(2)
    copy.scan(TEA_CODE, -5000)
    carried = tuple(copy.lines[1:])
    chapter = Chapter(Epoch(2, 9), before, 1, extend(before.digest, carried[:1]))
    end = Position(chapter.epoch, 3, extend(before.digest, carried))
    records = (Record(till.position(2), 0), Record(end, 1))
    async with shop(tmp_path) as store:
        await till.tell(store)
        part = Slice(chapter.epoch, 1, before.digest, carried)
        log = station_log(till.station, Stream.STOCK)
        await store.commit([LogCommit(log, (part,), ReaderState(end, records, 2))])
        await fold_all(store)
        assert await on_hand(store) == {TEA: 10_000 - 1000 - 5000}
        await assert_books_agree(store)


def test_a_line_names_its_fellows_of_the_same_epoch_as_they_are() -> None:
    state = ReaderState(records=(Record(Position(FIRST_LIFE, 60, b""), 0), Record(Position(Epoch(2, 9), 5, b""), 50)))
    assert state.meant(Epoch(2, 9), Epoch(2, 9), 3) == (Epoch(2, 9), 3)
    assert state.meant(Epoch(2, 9), FIRST_LIFE, 50) == (FIRST_LIFE, 50)
    assert state.meant(Epoch(2, 9), FIRST_LIFE, 52) == (Epoch(2, 9), 2)
    assert state.meant(Epoch(2, 9), Epoch(1, 1), 52) == (Epoch(1, 1), 52)
