"""An update's way from the hub into a machine: real listener, certificates and rauc, and a machine in a folder."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from hub.release_files import FOLDER, bundle_path
from image.slots.fetching import NotNow
from image.slots.machine import Machine as SlotMachine
from image.slots.updating import update
from protocol.releases import RELEASE_PATH, RELEASES_PATH, Offered, ReleaseSaid
from tests.integration.image_commands import OVERLAY, bundle, keys
from tests.integration.provisioned import Store
from tests.integration.test_enrolment_listener import Machine, Site, now_us, site
from tests.integration.test_image_updates import Agent, Folder, agent

__all__ = ["agent", "site"]

COMPATIBLE = "shelfwire-station-rpi-arm64"


class Counter:
    """The hub asked as the station asks it, until the line is cut at a request."""

    def __init__(self, station: Machine, folder: Path, cut_at: int = 10**9) -> None:
        self.client = httpx.Client(verify=station.terms(folder))
        self.url, self.left = station.url, cut_at

    def get(self, path: str, first: int | None = None) -> tuple[int, str, bytes]:
        if self.left == 0:
            raise NotNow("the line is cut")
        self.left -= 1
        answer = self.client.get(self.url + path, headers={} if first is None else {"range": f"bytes={first}-"})
        return answer.status_code, answer.headers.get("content-range", ""), answer.content


async def offered(site: Site, made: Path, **more: Any) -> ReleaseSaid:
    """Let the hub offer a bundle."""
    release, size = await asyncio.to_thread(_lay, made, site.folder / FOLDER)
    said: dict[str, Any] = {"version": "1.5.0", "stations": (), "percent": 100, "anytime": True, "older": False}
    said |= {"compatible": COMPATIBLE, "size": size, "offered": True, **more}
    word = ReleaseSaid(at_us=now_us(), release=release, author="ann", note="why", **said)
    await site.store.releases.say(word)
    return word


def _lay(made: Path, folder: Path) -> tuple[str, int]:
    data = made.read_bytes()
    release = hashlib.sha256(data).hexdigest()
    folder.mkdir(exist_ok=True)
    shutil.copyfile(made, bundle_path(folder, release))
    return release, len(data)


async def enrolled(site: Site, folder: Path) -> Machine:
    station = site.machine()
    assert (await station.enrol(await site.invite(), folder)).status_code == 200
    return station


async def test_who_shows_no_certificate_is_told_nothing(site: Site, tmp_path: Path) -> None:
    made = tmp_path / "x.raucb"
    made.write_bytes(b"x" * 100)
    word = await offered(site, made)
    nobody, station = site.machine(), await enrolled(site, tmp_path)
    for path in (RELEASE_PATH, f"{RELEASES_PATH}/{word.release}"):
        async with httpx.AsyncClient(verify=nobody.terms(tmp_path)) as client:
            assert (await client.get(nobody.url + path)).status_code == 403
    async with httpx.AsyncClient(verify=station.terms(tmp_path)) as client:
        told = await client.get(f"{station.url}{RELEASE_PATH}?compatible={COMPATIBLE}")
        offer = msgspec.json.decode(told.content, type=Offered).offer
        assert offer is not None
        assert (offer.release, offer.version, offer.size, offer.anytime) == (word.release, "1.5.0", 100, True)
        other = await client.get(f"{station.url}{RELEASE_PATH}?compatible=shelfwire-hub-rpi-arm64")
        assert msgspec.json.decode(other.content, type=Offered).offer is None
        piece = await client.get(f"{station.url}{RELEASES_PATH}/{word.release}", headers={"range": "bytes=90-"})
        assert (piece.status_code, piece.content) == (206, b"x" * 10)
        assert piece.headers["content-range"] == "bytes 90-99/100"
        for name, status in ((word.release, 416), ("0" * 64, 404), ("..%2fhub.db", 404)):
            past = await client.get(f"{station.url}{RELEASES_PATH}/{name}", headers={"range": "bytes=100-"})
            assert past.status_code == status
        await site.store.releases.say(msgspec.structs.replace(word, offered=False, at_us=now_us()))
        gone = await client.get(f"{station.url}{RELEASES_PATH}/{word.release}")
        assert gone.status_code == 404


@pytest.mark.needs_image
async def test_from_the_hub_to_the_trial(site: Site, agent: Agent, tmp_path: Path) -> None:
    agent.is_well(scanner="ready")
    machine = Folder(tmp_path / "machine", agent)
    signed = keys(tmp_path)
    _trusts(machine, signed / "keyring.pem")
    slots = SlotMachine(machine.root)
    slots.at_boot()
    station = await enrolled(site, tmp_path)
    heard: list[str] = []

    def round_of(cut_at: int = 10**9) -> None:
        line = Counter(station, tmp_path, cut_at)
        update(slots, line, heard.append)
        line.client.close()

    def news() -> tuple[str, str]:
        told = slots.look().record.news
        assert told is not None
        return told.step, told.detail

    await asyncio.to_thread(round_of)
    assert news() == ("current", "")

    # Of another authority: refused before anything is given up for it, and not fetched again.
    foreign = bundle(tmp_path, keys(tmp_path, "foreign"))
    await offered(site, foreign)
    await asyncio.to_thread(round_of)
    assert news()[0] == "refused"
    assert "signature" in news()[1]
    assert not list(slots.folder.glob("*.raucb"))
    assert "b" not in slots.look().record.versions
    await asyncio.to_thread(lambda: round_of(1))
    assert news()[0] == "refused", "one question was enough"

    # Ours, over a line that is cut after the offer; the shop is open and never closes.
    foreign.unlink()
    shutil.rmtree(tmp_path / "tree-1.5.0")
    (tmp_path / "root-1.5.0.squashfs").unlink()
    good = bundle(tmp_path, signed)
    word = await offered(site, good, anytime=False)
    await asyncio.to_thread(lambda: round_of(1))
    assert news() == ("failed", "the line is cut")
    await asyncio.to_thread(round_of)
    assert news() == ("waiting", "for the shop to close")
    assert slots.look().record.trial is None

    # Told otherwise, it installs, asks the firmware, and the health check keeps it.
    await site.store.releases.say(msgspec.structs.replace(word, anytime=True, at_us=now_us()))
    await asyncio.to_thread(round_of)
    assert machine.power_on() == "b", heard
    assert (await asyncio.to_thread(machine.health)).returncode == 0
    told = machine.told()
    assert (told["standing"], told["booted"]) == ("committed", "b")


@pytest.mark.needs_image
def test_a_person_offers_a_bundle_and_takes_it_back(tmp_path: Path) -> None:
    signed = keys(tmp_path)
    made = bundle(tmp_path, signed)
    store = Store(tmp_path)
    who = ("--author", "Ada", "--note", "new scanner driver")
    with store.running():
        where = ("--config", store.config, "--hub", store.url)
        stranger = keys(tmp_path, "stranger") / "keyring.pem"
        refused = store.run("hub", "release", "add", made, "--keyring", stranger, *where, *who)
        assert (refused.code, "not one of ours" in refused.err) == (1, True)
        ours = ("--keyring", signed / "keyring.pem")
        done = store.run("hub", "release", "add", made, *ours, "--to", "till-3", "--percent", 10, *where, *who)
        assert done.code == 0, done.err
        assert "1.5.0 is offered" in done.out
        (told,) = json.loads(store.run("hub", "release", "list", "--json", *where).out)["releases"]
        assert (told["version"], told["stations"], told["percent"], told["anytime"]) == ("1.5.0", ["till-3"], 10, False)
        assert "till-3, 10 in a hundred" in store.run("hub", "release", "list", *where).out
        kept = bundle_path(tmp_path / "data" / FOLDER, told["release"])
        assert kept.stat().st_size == told["size"]
        assert store.run("hub", "release", "withdraw", "1.5.0", *where, *who).code == 0
        assert "withdrawn" in store.run("hub", "release", "list", *where).out
        assert not kept.exists()
        assert store.run("hub", "release", "withdraw", "1.5.0", *where, *who).code == 1


def _trusts(machine: Folder, keyring: Path) -> None:
    """Give a machine RAUC's settings; what writes the slots is played by the backend's own verbs."""
    (machine.root / "etc/rauc").mkdir(parents=True)
    conf = (OVERLAY / "station/etc/rauc/system.conf").read_text()
    (machine.root / "etc/rauc/system.conf").write_text(conf.replace("/etc/rauc/keyring.pem", str(keyring)))
    here = f"--root {machine.root}"
    words = [f"shelfwire image slots {verb} {here}" for verb in ("set-state b bad", "set-primary b")]
    install = " && ".join(words).replace("shelfwire", f"{sys.executable} -m shelfwire")
    path = machine.root / "data/slots/slots.toml"
    path.write_text(f"{path.read_text()}install = {json.dumps(['sh', '-c', install])}\n")
