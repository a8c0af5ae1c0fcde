"""The book of identities in the store: what is said stays said, and no two live stations ever stand at one position."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from protocol.chain import Chapter
from protocol.dated_words import PositionGiven
from protocol.enrolment import identity_of
from protocol.events import encode_entry
from protocol.identity import Epoch
from protocol.identity_words import Certified, End, Invited
from tests.unit.hub_store.identities import (
    DAY_US,
    MINUTE_US,
    NEW,
    OLD,
    THIRD,
    certified,
    ended,
    handed_over,
    invited,
    refused,
    said,
    stands,
)
from tests.unit.hub_store.shop import BOTH_ENGINES, NOON_US, assert_books_agree, fold_all, store_at

pytestmark = BOTH_ENGINES


async def test_a_station_enrols_and_stands_at_its_position_from_then_on(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        standing = await store.identities.say(invited())
        assert (standing.open, standing.enrolled, await stands(store)) == (True, False, None)
        assert await store.identities.invited_by(invited().token_sha256) == standing
        standing = await store.identities.say(certified())
        assert (standing.open, standing.enrolled) == (False, True)
        assert await stands(store, at_us=NOON_US) is None
        assert await stands(store) == OLD
        renewed = await store.identities.say(certified(serial="a2", renews="a1", at_us=NOON_US + 40 * DAY_US))
        assert [each.serial for each in renewed.certificates] == ["a1", "a2"]
        # What follows from a word is said once: the renewal moved nothing.
        assert store.journal.view.head.seq == 4
        await fold_all(store)
        await assert_books_agree(store)
    async with store_at(tmp_path / "hub.db") as store:
        assert await store.identities.standings() == (renewed,)
        assert await store.identities.standing(OLD) == renewed
        assert await store.identities.standing(NEW) is None
        assert [type(word) for word in await store.identities.history(OLD)] == [Invited, Certified, Certified]


async def test_the_record_of_a_check_is_kept_as_it_came_and_once(tmp_path: Path) -> None:
    word = handed_over()
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited())
        assert await refused(store, word) == "certificate-unknown"
        await said(store, certified(), word)
        head = store.journal.view.head
        # The same record, heard later: it is there already.
        standing = await store.identities.say(replace(word, at_us=word.at_us + MINUTE_US, signature="BB=="))
        assert store.journal.view.head == head
        assert standing.handed_over == (word,)
        assert (
            await refused(store, replace(word, record=word.record.replace('"version":1', '"version":9')))
            == "bad-acceptance"
        )
        assert await stands(store) == OLD, "a check moves nobody"
        await fold_all(store)
        await assert_books_agree(store)
        await said(store, ended())
        assert await refused(store, replace(word, record=word.record.replace("anna", "berta"))) == "identity-ended"
    async with store_at(tmp_path / "hub.db") as store:
        standing_after = await store.identities.standing(OLD)
        assert standing_after is not None
        assert standing_after.handed_over == (word,)


async def test_what_was_ended_is_over_and_leaves_its_position(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), certified(), ended(end=End.RETIRED))
        assert await stands(store) is None
        assert await refused(store, invited(at_us=NOON_US + DAY_US)) == "identity-ended"
        assert await refused(store, certified(serial="a2")) == "identity-ended"
        assert (await store.identities.say(ended())).end is End.REVOKED
        head = store.journal.view.head
        assert (await store.identities.say(ended(end=End.RETIRED))).end is End.REVOKED
        assert store.journal.view.head == head


async def test_a_spare_takes_the_position_and_the_replaced_is_retired_in_one_transaction(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), certified(), invited(NEW, replaces=OLD))
        assert await stands(store) == OLD
        await said(store, certified(NEW, "b1", at_us=NOON_US + 5 * MINUTE_US))
        assert (await stands(store, at_us=NOON_US + 4 * MINUTE_US), await stands(store)) == (OLD, NEW)
        replaced = await store.identities.standing(OLD)
        assert replaced is not None
        assert (replaced.end, replaced.ended_us) == (End.RETIRED, NOON_US + 5 * MINUTE_US)


async def test_two_live_stations_never_stand_at_one_position(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), invited(NEW), certified())
        assert await refused(store, certified(NEW, "b1")) == "position-taken"
        assert await refused(store, invited(THIRD)) == "position-taken"
        assert await refused(store, invited(THIRD, "till-4", replaces=OLD)) == "position-differs"
        assert await refused(store, invited(THIRD, replaces=NEW)) == "position-taken"
        assert await refused(store, invited(THIRD, "till-4", replaces=identity_of(b"nobody's"))) == "identity-unknown"
        # Two spares were invited for it; the first one there has it.
        await said(store, invited(NEW, replaces=OLD, at_us=NOON_US + DAY_US), invited(THIRD, replaces=OLD))
        both = await asyncio.gather(
            *(store.identities.say(certified(name, name[3:5].encode().hex())) for name in (NEW, THIRD)),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in both) == ["BadInput", "Standing"]
        live = [each.identity for each in await store.identities.standings() if each.enrolled]
        assert live == [await stands(store)]


async def test_a_station_that_moves_within_the_store_leaves_where_it_was(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), certified())
        await said(store, invited(position="till-9", at_us=NOON_US + DAY_US), certified(serial="a2"))
        assert (await stands(store), await stands(store, "till-9")) == (None, OLD)


async def test_a_key_says_a_word_once_whatever_token_comes_with_it(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        first = await store.identities.say(invited(key="k"))
        again = await store.identities.say(invited(NEW, at_us=NOON_US + 5, key="k"))
        assert again == first
        assert await refused(store, invited(NEW, "till-4", key="k")) == "key-reused"
        await said(store, certified(), ended(key="e"))
        assert (await store.identities.say(ended(key="e", at_us=NOON_US + DAY_US))).ended_us == ended().at_us
        assert store.journal.view.head.seq == 5


async def test_a_journal_carried_into_another_epoch_says_everything_once(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), certified())
        base, depth = store.journal.view.head, store.journal.view.depth
        await said(store, ended(), invited(NEW, key="k"))
        await fold_all(store)
        before = await store.identities.standings()
        await store.journal.open_epoch(Chapter(Epoch(base.epoch.generation + 1, 7), base, depth))
        # Not for a moment is anybody trusted again.
        assert await store.identities.standings() == before
        await fold_all(store)
        assert await store.identities.standings() == before
        await store.keeping.unfold()
        assert await store.identities.standings() == before
        assert (await store.identities.say(invited(THIRD, key="k"))).identity == NEW
        await fold_all(store)
        await assert_books_agree(store)


async def test_a_clock_that_is_set_back_leaves_nobody_standing_where_another_came(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), certified(at_us=NOON_US + DAY_US), ended(at_us=NOON_US + 2 * DAY_US))
        await said(store, invited(NEW), certified(NEW, "b1"))
        assert await stands(store, at_us=NOON_US + MINUTE_US) == NEW
        assert await stands(store, at_us=NOON_US + 3 * DAY_US) == NEW
        await said(store, ended(NEW, at_us=NOON_US + MINUTE_US + 1))
        assert await stands(store, at_us=NOON_US + 3 * DAY_US) is None


async def test_where_somebody_stands_by_a_persons_word_alone_a_station_may_enrol(tmp_path: Path) -> None:
    """Stores that are older than identities have stations called by their positions."""
    async with store_at(tmp_path / "hub.db") as store:
        by_hand = PositionGiven(NOON_US, "till-3", "till-3", "store", NOON_US, "ann", "as ever")
        await store.decide(by_hand)
        await said(store, invited(), certified())
        assert await stands(store) == OLD
        assert encode_entry(by_hand).startswith(b'["Q"')
