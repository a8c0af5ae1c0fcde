"""Who made and who revoked a service token, from the real command to the audit of a hub that runs; never the secret."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
import time
import zipfile
from contextlib import closing
from pathlib import Path

import httpx

from hub.store import chunks
from tests.integration.provisioned import DEADLINE_S, Store

AUDIT = "/api/v1/identities/audit"


def audit_of(store: Store, token_file: Path, words: int) -> list[dict[str, object]]:
    """Ask for what was said of tokens, the newest first, until it is so many words."""
    give_up_s = time.monotonic() + DEADLINE_S
    while True:
        done = store.ask("audit", "--json", "--token-file", token_file)
        told = json.loads(done.out)["words"] if done.code == 0 else []
        if len(told) >= words or time.monotonic() > give_up_s:
            assert len(told) == words, (done, told)
            return [dict(each) for each in told]


def wait_for(url: str, presented: str, status: int) -> int:
    give_up_s = time.monotonic() + DEADLINE_S
    got = 0
    while got != status and time.monotonic() < give_up_s:
        got = httpx.get(url, headers={"authorization": f"Bearer {presented}"}).status_code
    return got


def test_who_made_and_who_revoked_a_token_is_in_the_journal_and_its_secret_nowhere(tmp_path: Path) -> None:
    store = Store(tmp_path)
    token = ("hub", "token")
    at = ("--config", store.config, "--json")
    # With no hub running: the command writes the file alone.
    admin = store.run(*token, "create", *at, "--name", "admin", "--scope", "provision", "--scope", "hub").json
    ended = store.run(*token, "create", *at, "--name", "left", "--scope", "hub", "--no-end", "--by", "ann").json
    assert store.run(*token, "revoke", str(ended["id"]), *at, "--by", "bob").json["revoked_by"] == "bob"
    file = tmp_path / "admin.token"
    file.write_text(str(admin["token"]))
    me = pwd.getpwuid(os.getuid()).pw_name

    with store.running():
        first = audit_of(store, file, 3)
        assert [(each["kind"], each["name"], each["author"], each["identity"]) for each in first] == [
            ("token-revoked", "left", "bob", None),
            ("token-made", "left", "ann", None),
            ("token-made", "admin", me, None),
        ]
        assert (first[2]["token"], first[2]["scopes"]) == (admin["id"], ["provision", "hub"])
        assert (first[2]["until_us"], first[1]["until_us"]) == (admin["until_us"], None)
        assert (first[0]["at_us"], first[1]["at_us"]) == (
            store.run(*token, "list", *at).json["tokens"][1]["revoked_us"],  # type: ignore[index]
            ended["made_us"],
        )
        # And while it runs.
        till = store.run(*token, "create", *at, "--name", "till", "--scope", "stock:read", "--by", "eve").json
        stock = f"{store.url}/api/v1/stock"
        assert wait_for(stock, str(till["token"]), 200) == 200
        assert store.run(*token, "revoke", str(till["id"]), *at, "--by", "").code == 2
        assert store.run(*token, "revoke", str(till["id"]), *at, "--by", "kim").code == 0
        assert wait_for(stock, str(till["token"]), 401) == 401
        last = audit_of(store, file, 5)
        assert [each["author"] for each in last] == ["kim", "eve", "bob", "ann", me]
        lines = store.ask("audit", "--token-file", file).out.splitlines()
        assert lines[0].endswith(f"token {till['id']}  revoked, by kim: of till")
        assert "made for till, by eve: stock:read, until 20" in lines[1]
        assert lines[3].endswith("made for left, by ann: hub, with no end")
        bundle = store.run(
            "hub", "diagnose", tmp_path / "b.zip", "--config", store.config, "--token-file", file, "--log", store.log
        )
        assert bundle.code == 0, bundle.err

    compared = store.run("hub", "rebuild", "--config", store.config, "--compare")
    assert compared.code == 0, compared
    assert store.run("hub", "rebuild", "--config", store.config, "--anyway").code == 0
    # Started again, it holds the same file against the same journal, and says nothing twice.
    with store.running():
        assert audit_of(store, file, 5) == last

    hashes = [each["sha256"] for each in json.loads((tmp_path / "data" / "tokens.json").read_text())["tokens"]]
    secrets = [str(each["token"]).split("_", 2)[2] for each in (admin, ended, till)]
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    kept = {path.name: path.read_bytes() for path in (tmp_path / "data").glob("hub.db*") if path.is_file()}
    with closing(sqlite3.connect(tmp_path / "data" / "hub.db")) as books:
        bodies = books.execute("SELECT n, body FROM chunk").fetchall()
    kept["journal"] = b"\n".join(line for n, body in bodies for line in chunks.unpack(body, n))
    assert kept["journal"].count(str(till["id"]).encode()) == 2
    assert b"token revoked" in store.log.read_bytes()
    told = {"log": store.log.read_bytes(), "audit": json.dumps(last).encode(), **parts, **kept}
    assert len(hashes) == len(secrets) == 3
    for planted in (*secrets, *(half for each in secrets for half in (each[:20], each[23:])), *hashes):
        for name, data in told.items():
            assert planted.encode() not in data, name
