"""A store's stations are invited by one manifest and enrol at once, and a shop prints what it needs: a real hub."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from protocol.enrolment import EST_ROOT
from protocol.invitation import read_invitation
from tests.integration.provisioned import DEADLINE_S, Done, Store
from tests.unit.provisioning.shop import Machine

FIFTY = 50
AT_MOST_S = 60.0
WHO = ("--store", "oak", "--author", "ann", "--note", "opening")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One for all of these tests: to start a hub takes longer than each of them."""
    made = Store(tmp_path_factory.mktemp("store"))
    with made.running():
        give_up_s = time.monotonic() + DEADLINE_S
        while "enrolment-off" in made.ask("invite", "--position", "ready", *WHO[2:], "--place", "shop").err:
            assert time.monotonic() < give_up_s
            time.sleep(0.05)
        yield made


def fleet(store: Store, manifest: Path, *words: object) -> Done:
    return store.ask("fleet", manifest, *WHO, *words)


def manifest(folder: Path, name: str, positions: int) -> Path:
    path = folder / "manifest.csv"
    path.write_text(
        "position,place,mode,note\n" + "".join(f"{name}-{n},shop,sale,by the door\n" for n in range(positions))
    )
    return path


def test_fifty_stations_are_invited_by_one_manifest_and_enrol_at_once(store: Store, tmp_path: Path) -> None:
    listed, sheet = manifest(tmp_path, "till", FIFTY), tmp_path / "fleet.pdf"
    began_s = time.monotonic()
    told = fleet(store, listed, "-o", sheet, "--json", "--digits").json["invited"]
    assert isinstance(told, list)
    digits = [each["digits"] for each in told]
    context = ssl.create_default_context(cafile=str(store.folder / "data" / "authority" / "root.pem"))

    async def enrol(code: str) -> int:
        invitation, machine = read_invitation(code), Machine()
        async with httpx.AsyncClient(verify=context, trust_env=False, timeout=AT_MOST_S) as web:
            answer = await web.post(
                f"https://{invitation.hub}:{invitation.port}{EST_ROOT}/simpleenroll",
                content=base64.encodebytes(machine.request()),
                headers={"content-type": "application/pkcs10"},
                auth=("invitation", invitation.token.hex()),
            )
        return answer.status_code

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*map(enrol, digits))

    assert asyncio.run(all_of_them()) == [200] * FIFTY
    took_s = time.monotonic() - began_s
    print(f"{FIFTY} stations invited, printed and enrolled in {took_s:.1f} s")
    assert took_s <= AT_MOST_S
    listing = store.ask("list", "--json").json["identities"]
    assert isinstance(listing, list)
    assert sum(each["state"] == "enrolled" for each in listing) >= FIFTY
    assert sheet.read_bytes().startswith(b"%PDF")
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600

    # A second run finds them all there, and writes nothing.
    second = fleet(store, listed, "-o", tmp_path / "second.pdf")
    assert second.code == 0
    assert second.out.count("has enrolled") == FIFTY
    assert "nobody was to be invited" in second.out
    assert not (tmp_path / "second.pdf").exists()

    labels = store.ask("labels", "stations", "--store", "oak", "-o", tmp_path / "labels.pdf")
    assert (labels.code, labels.out) == (0, f"{FIFTY} labels\n")


def test_no_digits_on_the_terminal_unless_asked_for(store: Store, tmp_path: Path) -> None:
    listed = manifest(tmp_path, "quiet", 2)
    done = fleet(store, listed, "-o", tmp_path / "fleet.pdf")
    assert (done.code, done.err) == (0, "")
    assert not re.search(r"\d{20}", done.out)
    told = fleet(store, listed, "-o", tmp_path / "none.pdf", "--json")
    assert [each["position"] for each in json.loads(told.out)["passed"]] == ["quiet-0", "quiet-1"]
    assert "digits" not in told.out
    assert fleet(store, listed, "-o", tmp_path / "none.pdf", "--digits").code == 2


def test_a_lost_sheet_is_printed_again_and_the_first_is_good_no_more(store: Store, tmp_path: Path) -> None:
    listed = manifest(tmp_path, "lost", 1)
    first = fleet(store, listed, "-o", tmp_path / "a.pdf", "--json", "--digits").json["invited"]
    # What is there is not written over: it may still be needed.
    refused = fleet(store, listed, "-o", tmp_path / "a.pdf", "--again")
    assert (refused.code, "is there already" in refused.err) == (2, True)
    second = fleet(store, listed, "-o", tmp_path / "b.pdf", "--json", "--digits", "--again").json["invited"]
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0]["identity"] == second[0]["identity"]
    assert store.enrol(first[0]["digits"], Machine()).status_code == 401
    assert store.enrol(second[0]["digits"], Machine()).status_code == 200


def test_of_a_manifest_with_a_wrong_line_nothing_is_taken(store: Store, tmp_path: Path) -> None:
    listed = tmp_path / "stations.toml"
    listed.write_text(
        '[[station]]\nposition = "new-1"\nplace = "shop"\n[[station]]\nposition = "New 2"\nmode = "sel"\n'
    )
    done = fleet(store, listed, "-o", tmp_path / "fleet.pdf")
    assert done.code == 2
    assert f"{listed}: line 4: place is missing" in done.err
    assert "nothing was taken" in done.err
    assert "new-1" not in store.ask("list").out
    assert not (tmp_path / "fleet.pdf").exists()


def test_a_sheet_that_cannot_be_written_invites_nobody(store: Store, tmp_path: Path) -> None:
    done = fleet(store, manifest(tmp_path, "nowhere", 1), "-o", tmp_path / "none" / "fleet.pdf")
    assert done.code == 1
    assert "nowhere-0" not in store.ask("list").out


def test_cards_and_labels_of_places_are_printed(store: Store, tmp_path: Path) -> None:
    places = tmp_path / "places.csv"
    places.write_text("place,kind\nshelf-1,shelf\nfront,area\n")
    plus = tmp_path / "plu.csv"
    plus.write_text("plu,name\n4011,香蕉 \x1b[31m\n")
    cards = store.provision(
        "cards", "--config", store.config, "--places", places, "--plu", plus, "--person", "anna=Anna", "--document",
        "receive:PO-17", "--quantity", 7, 9, "-o", tmp_path / "cards.pdf", "--lang", "zh",
    )  # fmt: skip
    assert (cards.code, cards.out, cards.err) == (0, f"{11 + 2 + 2 + 1 + 1 + 1} cards\n", "")
    assert (tmp_path / "cards.pdf").read_bytes().startswith(b"%PDF")
    labels = store.provision("labels", "places", "--store", "oak", "--list", places, "-o", tmp_path / "labels.pdf")
    assert (labels.code, labels.out) == (0, "2 labels\n")
    for wrong in (
        ["cards", "--store", "oak", "--only", "-o", tmp_path / "x.pdf"],
        ["cards", "--store", "oak", "--quantity", "0", "-o", tmp_path / "x.pdf"],
        ["cards", "--store", "oak", "--document", "sail:PO-17", "-o", tmp_path / "x.pdf"],
        ["cards", "--store", "oak", "--person", "anna\x1b[31m", "-o", tmp_path / "x.pdf"],
        ["cards", "--store", "Oak Street", "-o", tmp_path / "x.pdf"],
        ["labels", "places", "--store", "oak", "--place", "a", "--skip", "21", "-o", tmp_path / "x.pdf"],
        ["labels", "stations", "--store", "oak", "--list", places, "-o", tmp_path / "x.pdf"],
    ):
        refused = store.provision(*wrong)
        assert refused.code == 2, wrong
        assert refused.err.replace("\n", "").isprintable()
        assert not (tmp_path / "x.pdf").exists()


def test_labels_of_the_places_the_hub_knows(store: Store, tmp_path: Path) -> None:
    none = store.ask("labels", "places", "--store", "oak", "-o", tmp_path / "labels.pdf")
    assert (none.code, "nothing to print" in none.err) == (2, True)
    word = {"place": "shelf-9", "kind": "shelf", "author": "ann", "note": "new"}
    assert httpx.post(f"{store.url}/api/v1/places", json=word, trust_env=False).status_code == 201
    some = store.ask("labels", "places", "--store", "oak", "-o", tmp_path / "labels.pdf", "--stock", "tape-62")
    assert (some.code, some.out) == (0, "1 labels\n")
