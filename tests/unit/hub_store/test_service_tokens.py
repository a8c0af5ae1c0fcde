"""What was said of service tokens stays said, once: through restores, rebuilds and new epochs of the journal."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.store.restoring import compare
from protocol.chain import Chapter
from protocol.identity import Epoch
from protocol.service_tokens import TokenSaid
from tests.unit.hub_store.identities import OLD, invited
from tests.unit.hub_store.kept import Kept, decide, tell_all
from tests.unit.hub_store.shop import NOON_US, SECOND_US, assert_books_agree, fold_all, store_at

MADE = TokenSaid(NOON_US, "1f0c9a7be2", "ERP", ("stock:read", "hub"), NOON_US + 9, False, "ann")
REVOKED = replace(MADE, at_us=NOON_US + 5, revoked=True, author="eve")
OTHER = replace(MADE, token="aaaaaaaaaa", name="scales", until_us=None)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


@pytest.mark.both_engines
async def test_each_thing_is_said_once_among_what_was_said_of_identities(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        assert await store.service_tokens.say_missing([MADE, MADE]) == (MADE,)
        await store.identities.say(invited())
        assert await store.service_tokens.say_missing([MADE, REVOKED, OTHER]) == (REVOKED, OTHER)
        again = replace(REVOKED, author="somebody else", at_us=NOON_US + 6)
        assert await store.service_tokens.say_missing([replace(MADE, name="another"), again]) == ()
        assert await store.identities.audit() == (MADE, invited(), REVOKED, OTHER)
        assert await store.identities.history(OLD) == (invited(),)
        kinds = [event.kind for event in await store.recent_events(10)]
        assert kinds == ["token-made", "token-revoked", "invited", "token-made"]
        await fold_all(store)
        await assert_books_agree(store)
    async with store_at(tmp_path / "hub.db") as store:
        assert await store.service_tokens.said() == {(MADE.token, False), (MADE.token, True), (OTHER.token, False)}


async def test_what_a_new_epoch_of_the_journal_carries_on_is_told_once(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        base, depth = store.journal.view.head, store.journal.view.depth
        await store.service_tokens.say_missing([MADE, REVOKED])
        await store.journal.open_epoch(Chapter(Epoch(base.epoch.generation + 1, 9), base, depth))
        assert await store.service_tokens.say_missing([MADE, REVOKED]) == ()
        await fold_all(store)
        assert await store.identities.audit() == (MADE, REVOKED)


async def test_books_made_anew_know_of_tokens_before_the_first_entry_is_folded(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await store.service_tokens.say_missing([MADE, REVOKED])
        await fold_all(store)
        await store.keeping.unfold()
        assert await store.service_tokens.say_missing([MADE, REVOKED]) == ()
        assert await store.identities.audit() == (MADE, REVOKED)


async def test_a_restored_hub_says_again_what_its_journal_lost_and_nothing_else(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await store.service_tokens.say_missing([MADE])
        backup, _ = kept.back_up("b.db", archive)
        await store.service_tokens.say_missing([REVOKED])
    await kept.restore(backup)
    async with kept.open() as (store, _):
        assert await store.service_tokens.say_missing([MADE, REVOKED]) == ()
        assert await store.identities.audit() == (MADE, REVOKED)
    await kept.restore(backup, archived=False)
    async with kept.open(archived=False) as (store, _):
        assert await store.service_tokens.say_missing([MADE, REVOKED]) == (REVOKED,)
        assert await store.identities.audit() == (MADE, REVOKED)
        await fold_all(store)
        await assert_books_agree(store)


async def test_no_moment_in_the_books_makes_forget_who_was_let_in_or_shut_out(kept: Kept) -> None:
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        backup, _ = kept.back_up("b.db", archive)
        kept.clock.now_us = NOON_US + 600 * SECOND_US
        await store.service_tokens.say_missing([MADE, REVOKED])
        await decide(store, 2000)
        await tell_all(archive)
    await kept.restore(backup, NOON_US + 60 * SECOND_US)
    async with kept.open() as (store, _):
        assert await store.service_tokens.say_missing([MADE, REVOKED]) == ()
        assert await store.identities.audit() == (MADE, REVOKED)


async def test_rows_that_are_not_what_the_journal_says_are_found(kept: Kept) -> None:
    async with kept.open() as (store, _):
        await store.service_tokens.say_missing([MADE, REVOKED])
        await fold_all(store)
    assert compare(kept.place, wait_s=0) == ()
    kept.sql("DELETE FROM token_said WHERE revoked = 1")
    (found,) = compare(kept.place, wait_s=0)
    assert (found.what, found.kept) == ("token", "nothing")
