"""A store is provisioned from the command line: a hub that runs, its commands, and a station's own enrolment client.

From `ca init` to a revoked station; nothing stands in for anything.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.identity import StationId, StoreId
from protocol.invitation import read_invitation
from shelfwire.provision_invite import qr_code
from tests.integration.provisioned import DEADLINE_S, Done, Store
from tests.unit.hub_wire.carried import file_of, new_log, sales
from tests.unit.provisioning.shop import Machine


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One for all of these tests: to start a hub takes longer than each of them."""
    store = Store(tmp_path_factory.mktemp("store"))
    with store.running():
        yield store


def identity_of(done: Done) -> str:
    found = re.search(r"st-[a-z2-7]{13}", done.out)
    assert found is not None
    return found[0]


def digits_of(done: Done) -> str:
    return "".join(re.findall(r"^  [1-4]   ((?:\d{4} ?){5})$", done.out, re.MULTILINE)).replace(" ", "")


def test_from_an_invitation_to_a_revoked_station(store: Store, tmp_path: Path) -> None:
    svg = tmp_path / "till-3.svg"
    invited = store.invite("--position", "till-3", "--svg", svg)
    assert invited.code == 0, invited.err
    digits, identity = digits_of(invited), identity_of(invited)
    assert "within 15 minutes" in invited.out
    assert "█" in invited.out
    assert svg.stat().st_mode & 0o777 == 0o600
    assert svg.read_bytes().startswith(b"<?xml")
    assert f"{identity}  invited    till-3" in store.ask("list").out

    assert store.enrol(digits, Machine()).status_code == 200
    assert store.enrol(digits, Machine()).text.startswith("invitation-closed: ")
    shown = store.ask("show", identity).out
    assert f"{identity}  enrolled   till-3" in shown
    assert re.search(r"certified [0-9a-f]{32}, by ann: opening", shown)
    told = store.ask("show", identity, "--json").json
    words = told["words"]
    assert isinstance(words, list)
    assert [word["kind"] for word in words] == ["certified", "invited"]

    taken = store.invite("--position", "till-3")
    assert (taken.code, taken.out) == (1, "")
    assert "position-taken" in taken.err
    revoked = store.ask("revoke", identity, "--author", "ann", "--note", "stolen")
    assert f"{identity}  revoked" in revoked.out
    assert store.ask("renew", identity, "--author", "ann", "--note", "x").code == 1
    newest = store.ask("audit", "--limit", "2").out.splitlines()
    assert [line.split("  ")[2] for line in newest] == ["revoked, by ann: stolen", newest[1].split("  ")[2]]
    assert store.ask("audit", "--json").json["words"] is not None

    log = store.log.read_text()
    secret = read_invitation(digits).token
    keys = [file.read_text().splitlines()[1] for file in (store.folder / "data" / "authority").glob("*.key")]
    assert len(keys) == 2
    for planted in (digits, digits[:20], secret.hex(), repr(secret), *keys):
        assert planted not in log


def test_a_spare_and_one_that_comes_back(store: Store) -> None:
    first = store.invite("--position", "till-4")
    store.enrol(digits_of(first), Machine()).raise_for_status()
    spare = store.invite("--position", "till-4", "--replaces", identity_of(first))
    assert f"It replaces {identity_of(first)}" in spare.out
    store.enrol(digits_of(spare), Machine()).raise_for_status()
    listed = dict(line.split()[:2] for line in store.ask("list").out.splitlines())
    assert (listed[identity_of(first)], listed[identity_of(spare)]) == ("retired", "enrolled")
    again = store.ask("renew", identity_of(spare), "--author", "ann", "--note", "key lost", "--json").json
    told = again["identity"]
    assert isinstance(told, dict)
    assert (told["identity"], told["position"]) == (identity_of(spare), "till-4")
    store.enrol(str(again["digits"]), Machine()).raise_for_status()


def test_the_log_of_a_retired_station_is_let_in_once(store: Store, tmp_path: Path) -> None:
    invited = store.invite("--position", "till-8")
    store.enrol(digits_of(invited), Machine()).raise_for_status()
    identity = identity_of(invited)
    who = ("--author", "bob", "--note", "it lay in a drawer")
    assert "identity-live" in store.ask("drain", identity, *who).err
    assert store.ask("retire", identity, "--author", "ann", "--note", "broken").code == 0

    async def written() -> list[Path]:
        async with new_log() as log:
            await log.append(sales(1, 3))
            first = await file_of(log, tmp_path / "log.jsonl", name=StationId(identity), store=StoreId("oak"))
            await log.append(sales(4, 4))
            return [first, await file_of(log, tmp_path / "more.jsonl", name=StationId(identity), store=StoreId("oak"))]

    file, more = asyncio.run(written())
    assert "drain-shut" in store.take(file).err
    opened = store.ask("drain", identity, *who, "--minutes", "5")
    assert "its stock log may come in until" in opened.out
    assert "3 new, taken" in store.take(file).out
    assert "0 new, taken" in store.take(file).out
    assert "already-drained" in store.take(more).err
    assert "already-drained" in store.ask("drain", identity, *who).err
    shown = store.ask("show", identity).out
    assert "its stock log was taken in, up to" in shown
    assert "by bob: it lay in a drawer" in shown
    newest = store.ask("audit", "--limit", "2").out
    assert "its stock log taken in, up to" in newest
    assert "drain of its stock log opened until" in newest


def test_a_stock_client_is_given_the_token_alone(store: Store) -> None:
    assert re.fullmatch(r"[0-9a-f]{16}\n", store.invite("--position", "till-6", "--token-only").out)


def test_whoever_invites_may_wait_for_the_station(store: Store) -> None:
    command = [
        *(sys.executable, "-m", "shelfwire.cli", "provision", "invite", "--hub", store.url, "--json", "--wait"),
        *("--position", "till-5", "--place", "shop", "--author", "ann", "--note", "opening"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        told = json.loads(waiting.stdout.readline())
        assert waiting.poll() is None
        store.enrol(told["digits"], Machine()).raise_for_status()
        assert waiting.wait(DEADLINE_S) == 0


def test_what_a_hub_refuses_and_where_none_is(store: Store, tmp_path: Path) -> None:
    assert store.invite("--position", "Till 3").code == 1
    assert store.ask("show", "st-aaaaaaaaaaaaa").err.startswith("shelfwire: identity-unknown: ")
    assert store.provision("list", "--hub", "http://127.0.0.1:1").code == 1
    for words in (
        ("list", "--hub", "ftp://hub"),
        ("list", "--hub", "http://hub/page"),
        ("list", "--hub", store.url, "--token-file", tmp_path / "none"),
        ("invite", "--position", "till-3"),
    ):
        assert store.provision(*words).code == 2
    made = store.run("hub", "token", "create", "--config", store.config, "--name", "t", "--scope", "provision")
    refused = store.ask("list")
    give_up_s = time.monotonic() + DEADLINE_S
    while refused.code == 0 and time.monotonic() < give_up_s:
        refused = store.ask("list")
    assert "token-missing" in refused.err
    file = tmp_path / "token"
    file.write_text(made.out)
    assert store.ask("list", "--token-file", file).code == 0


def test_a_code_has_the_same_size_for_every_invitation() -> None:
    assert {qr_code(digit * 80).symbol_size() for digit in "019"} == {(37, 37)}


def test_a_bundle_for_a_supporter_tells_of_the_hub_and_no_secret(store: Store, tmp_path: Path) -> None:
    """Last of all: from then on the hub asks everybody for a token."""
    made = ("hub", "token", "create", "--config", store.config, "--name", "scrape")
    token = store.run(*made, "--scope", "hub", "--scope", "provision").out
    presented = re.search(r"shelfwire_[a-z0-9]+_[A-Za-z0-9_-]+", token)
    assert presented is not None
    store.take(tmp_path)  # writes the settings with the port that the hub was given
    token_file = tmp_path / "token"
    token_file.write_text(presented[0])
    digits = ""
    give_up_s = time.monotonic() + DEADLINE_S
    while not digits and time.monotonic() < give_up_s:
        # The hub reads of new tokens now and then.
        digits = digits_of(store.invite("--position", "till-9", "--token-file", token_file))
    (tmp_path / "hub.log").write_text(f"{store.log.read_text()}\nsomebody wrote {digits} and {presented[0]} here\n")
    asked = ("hub", "diagnose", tmp_path / "b.zip", "--config", store.folder / "at.toml")
    done = store.run(*asked, "--token-file", token_file, "--log", tmp_path / "hub.log")
    assert done.code == 0, done.err
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert json.loads(parts["health.json"])["broker"] is False
    assert "shelfwire_identities" in parts["metrics.txt"]
    assert json.loads(parts["certificates.json"])["authority/issuing.pem"][0]["until"]
    assert [each["log"] for each in json.loads(parts["logs.json"])["logs"]]
    assert "scrape" in [each["name"] for each in json.loads(parts["tokens.json"])]
    keys = [file.read_text().splitlines()[1] for file in (store.folder / "data" / "authority").glob("*.key")]
    for planted in (digits, digits[:20], digits[40:60], presented[0], presented[0][-20:], *keys):
        for name, said in parts.items():
            assert planted not in said, name
