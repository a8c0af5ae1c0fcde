"""A lost file comes back with its count sessions: from a backup in the middle of one, and the archive after it."""

from __future__ import annotations

from pathlib import Path

from hub.store.restoring import compare
from protocol.catalogue import CodeLink, Item
from protocol.count_decisions import CountVerdict
from tests.unit.hub_store.counters import FLOOR, SESSION, A, B, done, found, plan, ruled
from tests.unit.hub_store.kept import Kept
from tests.unit.hub_store.shop import NEW_CODE, TEA, Station, assert_books_agree, fold_all, key, on_hand
from tests.unit.hub_store.test_count_sessions import hear


async def test_a_lost_file_comes_back_with_its_sessions(tmp_path: Path) -> None:
    kept, hand, late = Kept(tmp_path), Station("hand-1"), Station("late")
    late.scan(NEW_CODE, -2000)
    async with kept.open() as (store, archive):
        await store.lay_out(FLOOR)
        found(hand, A, 4)
        done(hand, A)
        await hear(store, hand)
        backup, _ = kept.back_up("b.db", archive)
        await store.decide(plan())
        found(hand, B, 6)
        done(hand, B)
        await hear(store, hand)
        await store.decide(ruled(CountVerdict.ACCEPT, TEA))
        await store.apply_catalogue([Item("salt", "Salt"), CodeLink(key(NEW_CODE), "salt")])
        await hear(store, late)
        whole, session = await on_hand(store), await store.counts.session(SESSION)
        assert whole == {TEA: 10_000, "salt": 0}
    kept.path.unlink()
    assert (await kept.restore(backup)).gap == ""
    async with kept.open() as (store, _):
        await fold_all(store)
        assert await on_hand(store) == whole
        again = await store.counts.session(SESSION)
        assert again is not None
        assert session is not None
        assert (again.counted, again.shelves, again.complete) == (session.counted, session.shelves, session.complete)
        await assert_books_agree(store)
    assert compare(kept.place, 0) == ()
