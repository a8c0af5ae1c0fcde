"""Tokens as they are kept: hashes in a file that commands write and a running hub reads."""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.tokens import FILE, NO_TOKENS, Scope, TokenFile, TokenWatch

DAY_US = 86_400_000_000


def test_a_token_is_told_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    token, presented = file.create("Till", [Scope.STOCK_READ, Scope.STOCK_READ], DAY_US, 0, secrets.token_urlsafe)
    kept = (tmp_path / FILE).read_text()
    assert presented.split("_", 2)[2] not in kept
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    found = file.load().find(presented, DAY_US - 1)
    assert found == token
    assert found is not None
    assert found.scopes == (Scope.STOCK_READ,)
    assert file.load().find(presented, DAY_US) is None


def test_a_revoked_token_stays_listed_and_opens_nothing(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    token, presented = file.create("Till", [Scope.HUB], None, 0, secrets.token_urlsafe)
    other = file.create("Other", [Scope.HUB], None, 0, secrets.token_urlsafe)[1]
    assert file.revoke(token.id, 5).revoked_us == 5
    assert file.revoke(token.id, 9).revoked_us == 5
    assert file.load().find(presented, 6) is None
    assert file.load().find(other, 6) is not None
    assert len(file.load().all) == 2
    with pytest.raises(BadInput, match="token-unknown"):
        file.revoke("0000000000", 1)


@pytest.mark.parametrize("name", ["", "x" * 101, "two\nlines"])
def test_a_token_has_a_name_that_can_be_listed(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="bad-token-name"):
        TokenFile(tmp_path).create(name, [Scope.HUB], None, 0, secrets.token_urlsafe)


async def test_a_running_hub_follows_the_file(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    watch = TokenWatch(file)
    assert watch.latest().made, "before the first look nobody is let in"
    await watch.look()
    assert watch.latest() is NO_TOKENS
    token, presented = file.create("Till", [Scope.HUB], None, 0, secrets.token_urlsafe)
    await watch.look()
    assert watch.latest().find(presented, 1) == token
    file.revoke(token.id, 1)
    await watch.look()
    assert watch.latest().find(presented, 1) is None


@pytest.mark.parametrize("damage", [b"", b"{", b'{"version":1,"tokens":[{"id":1}]}', b"\xff"])
async def test_a_damaged_file_lets_nobody_in(tmp_path: Path, damage: bytes) -> None:
    file = TokenFile(tmp_path)
    presented = file.create("Till", [Scope.HUB], None, 0, secrets.token_urlsafe)[1]
    watch = TokenWatch(file)
    await watch.look()
    (tmp_path / FILE).write_bytes(damage)
    await watch.look()
    assert watch.latest().made
    assert watch.latest().find(presented, 1) is None
    with pytest.raises(BadInput, match="bad-tokens"):
        file.revoke("x", 1)


def test_what_is_written_is_json_that_a_person_can_read(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    file.create("Till", [Scope.HUB], None, 0, secrets.token_urlsafe)
    assert [each["name"] for each in json.loads((tmp_path / FILE).read_text())["tokens"]] == ["Till"]
