"""The journal comes to say who made and who revoked each token, once, whatever file or hub is put back."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from msgspec.structs import replace

from hub.store.store import HubStore
from hub.token_keeping import TokenKeeper
from hub.tokens import FILE, NO_TOKENS, Scope, TokenFile, TokenWatch, words_of
from protocol.errors import BadInput
from protocol.service_tokens import TokenSaid, check_token_word
from tests.unit.hub_store.shop import NOON_US, fold_all, store_at

LATER_US = NOON_US + 1_000_000
WORD = TokenSaid(NOON_US, "1f0c9a7be2", "ERP", ("stock:read", "hub"), None, False, "ann")


def keeper_of(store: HubStore, folder: Path) -> TokenKeeper:
    return TokenKeeper(TokenWatch(TokenFile(folder)), store.service_tokens)


async def audit_of(store: HubStore) -> list[tuple[str, bool, str]]:
    words = await store.identities.audit()
    return [(word.name, word.revoked, word.author) for word in words if isinstance(word, TokenSaid)]


async def test_what_was_done_with_the_hub_stopped_and_while_it_runs_is_said_once(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    till, presented = file.create("Till", [Scope.STOCK_READ], LATER_US, NOON_US, secrets.token_urlsafe, "ann")
    async with store_at(tmp_path / "hub.db") as store:
        keeper = keeper_of(store, tmp_path)
        await keeper.look()
        assert await audit_of(store) == [("Till", False, "ann")]
        assert keeper.latest().find(presented, NOON_US) == till
        file.create("ERP", [Scope.HUB, Scope.PROVISION], None, NOON_US + 1, secrets.token_urlsafe, "bob")
        file.revoke(till.id, NOON_US + 2, "eve")
        file.revoke(till.id, NOON_US + 3, "who came second")
        await keeper.look()
        await keeper.look()
        assert keeper.latest().find(presented, NOON_US) is None
        said = [("Till", False, "ann"), ("ERP", False, "bob"), ("Till", True, "eve")]
        assert await audit_of(store) == said
        words = [word for word in await store.identities.audit() if isinstance(word, TokenSaid)]
        assert words[0] == TokenSaid(NOON_US, till.id, "Till", ("stock:read",), LATER_US, False, "ann")
        assert (words[1].scopes, words[1].until_us, words[2].at_us) == (("hub", "provision"), None, NOON_US + 2)
    async with store_at(tmp_path / "hub.db") as store:
        head = store.journal.view.head
        await keeper_of(store, tmp_path).look()
        assert (await audit_of(store), store.journal.view.head) == (said, head)
        await fold_all(store)
        assert (await store.totals()).quarantined == 0


async def test_an_old_file_put_back_brings_no_revoked_token_back_and_says_nothing(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    till, presented = file.create("Till", [Scope.STOCK_READ], None, NOON_US, secrets.token_urlsafe, "ann")
    other = file.create("ERP", [Scope.HUB], None, NOON_US, secrets.token_urlsafe, "ann")[1]
    old = (tmp_path / FILE).read_bytes()
    async with store_at(tmp_path / "hub.db") as store:
        file.revoke(till.id, LATER_US, "eve")
        keeper = keeper_of(store, tmp_path)
        await keeper.look()
        said = await audit_of(store)
        (tmp_path / FILE).write_bytes(old)
        for at in (keeper, keeper_of(store, tmp_path)):
            await at.look()
            assert at.latest().find(presented, LATER_US) is None
            assert at.latest().find(other, LATER_US) is not None
        assert await audit_of(store) == said
        (tmp_path / FILE).unlink()
        await keeper.look()
        assert keeper.latest() is NO_TOKENS
        assert await audit_of(store) == said, "nobody has said what became of them"


async def test_a_file_of_an_earlier_release_is_read_and_nobody_is_invented_for_it(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    token, presented = file.create("Till", [Scope.HUB], None, NOON_US, secrets.token_urlsafe, "ann")
    file.revoke(file.create("Old", [Scope.HUB], None, NOON_US, secrets.token_urlsafe)[0].id, LATER_US)
    told = json.loads((tmp_path / FILE).read_text())
    for each in told["tokens"]:
        del each["made_by"], each["revoked_by"]
    (tmp_path / FILE).write_text(json.dumps(told))
    async with store_at(tmp_path / "hub.db") as store:
        keeper = keeper_of(store, tmp_path)
        await keeper.look()
        assert await audit_of(store) == [("Till", False, ""), ("Old", False, ""), ("Old", True, "")]
        assert keeper.latest().find(presented, LATER_US) == replace(token, made_by="")


@pytest.mark.parametrize("field", [{"id": "0123456789ab"}, {"made_us": -1}, {"until_us": 2**60}])
async def test_a_token_that_the_journal_cannot_tell_of_opens_nothing(tmp_path: Path, field: dict[str, object]) -> None:
    file = TokenFile(tmp_path)
    presented = file.create("Till", [Scope.HUB], None, NOON_US, secrets.token_urlsafe)[1]
    told = json.loads((tmp_path / FILE).read_text())
    told["tokens"][0] |= field
    (tmp_path / FILE).write_text(json.dumps(told))
    async with store_at(tmp_path / "hub.db") as store:
        keeper = keeper_of(store, tmp_path)
        await keeper.look()
        assert keeper.latest().made
        assert keeper.latest().find(presented, NOON_US) is None
        assert await audit_of(store) == []


async def test_neither_the_secret_nor_its_hash_is_ever_said(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    token, presented = file.create("Till", [Scope.HUB], None, NOON_US, secrets.token_urlsafe, "ann")
    file.revoke(token.id, LATER_US, "ann")
    said = repr(words_of(file.load()))
    assert token.id in said
    assert presented.split("_", 2)[2] not in said
    assert token.sha256 not in said


@pytest.mark.parametrize(
    "word",
    [
        replace(WORD, token="1F0C9A7BE2"),
        replace(WORD, name=""),
        replace(WORD, name="x" * 101),
        replace(WORD, author="x" * 101),
        replace(WORD, scopes=("../hub.db",)),
        replace(WORD, scopes=("hub",) * 33),
    ],
)
def test_what_no_token_can_be_is_no_word(word: TokenSaid) -> None:
    check_token_word(WORD)
    with pytest.raises(BadInput, match="bad-entry"):
        check_token_word(word)
