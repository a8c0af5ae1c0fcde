"""Logs the hub reads: what is committed is there, once, together with the reader's state, whatever kills the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput, ContractBroken
from hub.store.reader_logs import HQ_CATALOGUE, Flagged, LogCommit
from hub.store.store import HubStore
from protocol.chain import Chapter, Position, extend
from protocol.errors import BadInput as BadName
from protocol.identity import Epoch
from protocol.replication.ports import Loss, ReaderState, Record, Slice, Told
from tests.unit.hub_store.shop import BOTH_ENGINES, TEA_CODE, Station, fold_all, on_hand, shop, store_at

pytestmark = BOTH_ENGINES

EPOCH = Epoch(3, 0xFFFF_FFFF_FFFF_FFFF)
ORIGIN = Chapter(EPOCH).origin().digest


def part(first: int, lines: list[bytes], before: list[bytes]) -> Slice:
    return Slice(EPOCH, first, extend(ORIGIN, before), tuple(lines))


@pytest.fixture
def store(tmp_path: Path) -> HubStore:
    return store_at(tmp_path / "hub.db")


async def test_a_log_never_read_has_a_fresh_state(store: HubStore) -> None:
    async with store:
        assert await store.reader_state("s/till-1/stock") == ReaderState()


async def test_a_state_comes_back_as_it_was(store: HubStore) -> None:
    at = Position(EPOCH, 7, b"\x00\xff" * 16)
    told = Told(EPOCH, 9, b"\xff\x00" * 16, 2**64 - 1, 7)
    state = ReaderState(at, (Record(at, 3),), 9, 2**64 - 1, (1, 2), (3,), (4, 5), (told,))
    async with store:
        await store.commit([LogCommit("s/till-1/stock", (), state)])
        assert await store.reader_state("s/till-1/stock") == state
        assert await store.reader_state("s/till-1/chatter") == ReaderState()
    async with store:
        assert await store.reader_state("s/till-1/stock") == state


async def test_all_of_one_commit_or_nothing(store: HubStore) -> None:
    good = LogCommit("s/a/stock", (part(1, [b"one"], []),), ReaderState(generation=3), (Loss(EPOCH, 5, None),))
    twice = LogCommit("s/b/stock", (part(1, [b"one"], []), part(1, [b"one"], [])), ReaderState(generation=3))
    async with store:
        with pytest.raises(ContractBroken):
            await store.commit([good, twice])
        assert await store.reader_state("s/a/stock") == ReaderState()
        assert await store.digests("s/a/stock", EPOCH, [1]) == {1: None}
        assert (await store.losses()).rows == ()
        assert (await store.totals()).committed == 0
        await store.commit([good])
        assert [(loss.log, loss.first, loss.last) for loss in (await store.losses()).rows] == [("s/a/stock", 5, None)]


@pytest.mark.parametrize("again", [1, 2, 3])
async def test_an_entry_is_never_stored_twice(store: HubStore, again: int) -> None:
    lines = [b"one", b"two", b"three"]
    async with store:
        await store.commit([LogCommit("s/a/stock", (part(1, lines, []),), ReaderState())])
        with pytest.raises(ContractBroken):
            await store.commit(
                [LogCommit("s/a/stock", (part(again, [b"x", b"y", b"z"], lines[: again - 1]),), ReaderState())]
            )
        assert (await store.totals()).committed == 3


async def test_digests_tell_the_chain_after_every_entry_held(store: HubStore) -> None:
    lines = [b"line %d" % n for n in range(2500)]
    async with store:
        commits = tuple(part(first + 1, lines[first : first + 700], lines[:first]) for first in range(0, 2500, 700))
        await store.commit([LogCommit("s/a/chatter", commits, ReaderState())])
        seqs = [0, 1, 699, 700, 701, 1400, 2499, 2500]
        told = await store.digests("s/a/chatter", EPOCH, seqs)
        assert told == {seq: extend(ORIGIN, lines[:seq]) for seq in seqs}
        assert await store.digests("s/a/chatter", EPOCH, [2501]) == {2501: None}
        assert await store.digests("s/a/chatter", Epoch(4, 1), [1]) == {1: None}
        assert await store.digests("s/b/chatter", EPOCH, [1]) == {1: None}


async def test_after_a_loss_the_chain_is_told_on_both_sides_of_it(store: HubStore) -> None:
    lines = [b"line %d" % n for n in range(10)]
    async with store:
        await store.commit([LogCommit("s/a/stock", (part(1, lines[:3], []),), ReaderState())])
        rest = LogCommit("s/a/stock", (part(7, lines[6:], lines[:6]),), ReaderState(), (Loss(EPOCH, 4, 6),))
        await store.commit([rest])
        told = await store.digests("s/a/stock", EPOCH, [3, 4, 5, 6, 7])
        assert told == {seq: None if seq in (4, 5) else extend(ORIGIN, lines[:seq]) for seq in (3, 4, 5, 6, 7)}
        await fold_all(store)
        assert (await store.totals()).quarantined == 7


async def test_a_flagged_entry_may_be_any_bytes(store: HubStore) -> None:
    odd = b"\x28\xb5\x2f\xfd\nnot zstd\n\x00"
    async with store:
        await store.commit([LogCommit("s/a/stock", (Flagged(part(1, [odd], []), "why"),), ReaderState())])
        two = Flagged(part(2, [b"a", b"b"], [odd]), "why")
        with pytest.raises(ContractBroken):
            await store.commit([LogCommit("s/a/stock", (two,), ReaderState())])
        assert await store.digests("s/a/stock", EPOCH, [1]) == {1: extend(ORIGIN, [odd])}
        await fold_all(store)
        assert [row.body for row in (await store.quarantine()).rows] == [odd]


@pytest.mark.parametrize(
    "log", ["", "s", "s/a", "s/a/other", "s/A/stock", "s//stock", "feed", "journal", "s/hub/stock"]
)
async def test_only_logs_of_others_can_be_read(store: HubStore, log: str) -> None:
    async with store:
        with pytest.raises((BadInput, BadName)):
            await store.commit([LogCommit(log, (), ReaderState())])


async def test_head_offices_catalogue_is_a_log_like_any_other(store: HubStore) -> None:
    async with store:
        await store.commit([LogCommit(HQ_CATALOGUE, (part(1, [b"[]"], []),), ReaderState(generation=3))])
        assert (await store.reader_state(HQ_CATALOGUE)).generation == 3


async def test_a_cut_commit_leaves_what_is_remembered_right(tmp_path: Path) -> None:
    # A transaction that fails after it made rows must not leave their numbers behind in memory.
    till, other = Station(), Station("other")
    till.scan(TEA_CODE, -1000)
    other.scan(TEA_CODE, -2000)
    async with shop(tmp_path) as store:
        commit = till.commit()
        with pytest.raises(ContractBroken):
            await store.commit([commit, commit])
        await other.tell(store)
        await store.commit([commit])
        await fold_all(store)
        assert await on_hand(store) == {"tea": -3000}
