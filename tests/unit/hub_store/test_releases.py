"""What people say of releases: words in the journal; the last one of each holds, once under a key."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.errors import BadInput
from protocol.releases import ReleaseSaid
from tests.unit.hub_store.shop import NOON_US, fold_all, store_at

ONE = ReleaseSaid(NOON_US, "a" * 64, "1.5", "till", 100, (), 10, False, False, True, "ann", "canary", "k1")
TWO = replace(ONE, release="b" * 64, version="1.6", key="")


async def test_the_last_word_on_each_release_holds(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        first = await store.releases.say(ONE)
        assert await store.releases.say(replace(ONE, at_us=NOON_US + 9)) == first, "once under its key"
        await store.releases.say(TWO)
        wider = replace(ONE, percent=100, key="", at_us=NOON_US + 1)
        await store.releases.say(wider)
        assert await store.releases.standing() == (TWO, wider)
        with pytest.raises(BadInput, match="key-reused"):
            await store.releases.say(replace(ONE, percent=50))
        await fold_all(store)
        assert (await store.totals()).quarantined == 0
    async with store_at(tmp_path / "hub.db") as store:
        assert await store.releases.standing() == (TWO, wider)


async def test_books_made_anew_offer_what_was_offered_before_the_first_entry_is_folded(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await store.releases.say(TWO)
        await fold_all(store)
        await store.keeping.unfold()
        assert await store.releases.standing() == (TWO,)


@pytest.mark.parametrize(
    "word",
    [
        replace(ONE, release="../hub.db"),
        replace(ONE, size=0),
        replace(ONE, percent=101),
        replace(ONE, version="1.5\n"),
        replace(ONE, compatible="a b"),
    ],
)
async def test_what_cannot_be_is_not_said(tmp_path: Path, word: ReleaseSaid) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        with pytest.raises(BadInput):
            await store.releases.say(word)
        assert await store.releases.standing() == ()
