"""The book of identities in a file: what may stand in it, what tampering and a restore make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hub.store.deciding import Deciding
from hub.store.rebuilding import Difference
from protocol.enrolment import Role
from protocol.identity_words import IdentityWord
from tests.unit.hub_store.identities import (
    NEW,
    OLD,
    certified,
    ended,
    invited,
    refused,
    said,
    stands,
)
from tests.unit.hub_store.kept import Kept, tell_all
from tests.unit.hub_store.shop import NOON_US, SECOND_US, assert_books_agree, fold_all, store_at


@pytest.mark.parametrize(
    ("word", "name"),
    [
        (invited("hub"), "bad-identity"),
        (invited("counts"), "bad-identity"),
        (invited("till-3"), "bad-identity"),
        (invited("../../etc"), "bad-identity"),
        (replace(invited("hub"), role=Role.HQ), "bad-identity"),
        (replace(invited("counts"), role=Role.BROKER), "bad-identity"),
        (replace(invited(OLD), role=Role.BROKER), "bad-identity"),
        (invited(position=""), "bad-entry"),
        (invited(position="x" * 300), "bad-entry"),
        (invited(mode="steal"), "bad-entry"),
        (invited(area="nowhere"), "area-unknown"),
        (invited(replaces=OLD), "bad-entry"),
        (invited(token_sha256="secret"), "bad-entry"),
        (invited(at_us=-1), "bad-entry"),
        (certified(), "identity-unknown"),
        (ended(), "identity-unknown"),
    ],
    ids=str,
)
async def test_what_may_not_be_said_is_refused_and_stands_nowhere(
    tmp_path: Path, word: IdentityWord, name: str
) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        assert await refused(store, word) == name
        assert await store.identities.standings() == ()


async def test_a_rebuild_finds_an_identity_that_was_tampered_with(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    async with kept.open(archived=False) as (store, _):
        await said(store, invited(), certified(), ended())
        await fold_all(store)
        assert await store.rebuild() == ()
    kept.sql("DELETE FROM identity_word WHERE CAST(line AS TEXT) LIKE '[\"X\"%'")
    async with kept.open(archived=False) as (store, _):
        found: tuple[Difference, ...] = await store.rebuild()
        assert [(each.what, each.key) for each in found] == [("identity", OLD)]


async def test_who_was_revoked_after_the_backup_stays_revoked(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    async with kept.open() as (store, archive):
        await said(store, invited(), certified())
        backup, _ = kept.back_up("b.db", archive)
        kept.clock.now_us = NOON_US + 60 * SECOND_US
        await tell_all(archive)
        kept.clock.now_us = NOON_US + 120 * SECOND_US
        await said(store, ended(), invited(NEW), certified(NEW, "b1"))
        await fold_all(store)
        whole = await store.identities.standings()
    for until_us in (None, NOON_US + 90 * SECOND_US):
        await kept.restore(backup, until_us)
        async with kept.open(archived=False) as (store, _):
            assert await store.identities.standings() == whole
            assert await stands(store) == NEW
            assert await refused(store, certified(serial="a2")) == "identity-ended"
            await assert_books_agree(store)


@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_swap_that_dies_between_its_words_leaves_all_as_it_was(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spare's certificate, its position and the end of the one it replaces are one transaction."""
    async with store_at(tmp_path / "hub.db") as store:
        await said(store, invited(), certified(), invited(NEW, replaces=OLD))
        before, head = await store.identities.standings(), store.journal.view.head
        say, left = Deciding.say, iter(range(after))

        def dies(*args: Any) -> Any:
            if next(left, None) is None:
                raise PowerCut
            return say(*args)

        with monkeypatch.context() as patch:
            patch.setattr(Deciding, "say", dies)
            with pytest.raises(PowerCut):
                await store.identities.say(certified(NEW, "b1"))
        assert await store.identities.standings() == before
        assert await stands(store) == OLD
    async with store_at(tmp_path / "hub.db") as store:
        assert store.journal.view.head == head
        assert await store.identities.standings() == before
        await said(store, certified(NEW, "b1"))
        assert await stands(store) == NEW
        assert [each.identity for each in await store.identities.standings() if each.enrolled] == [NEW]


class PowerCut(Exception):
    """The power went."""
