"""A station out of the box, with real processes: nobody, invited by its own scanner, its scan in the books."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path

import pytest

from protocol.identity import StationId
from protocol.identity_words import End
from protocol.invitation import read_invitation
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.enrol.shop import EnrollingShop
from tests.integration.enrol.station import edge_command, health, new_station
from tests.integration.station_rig import MILK

pytestmark = pytest.mark.needs_mosquitto

TARGET_S = 20.0


def unpacked(bundle: Path) -> dict[str, bytes]:
    """Give what a bundle holds, by the names of its parts."""
    with zipfile.ZipFile(bundle) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def left_behind(folder: Path) -> bytes:
    """All that an agent wrote, but for the folder of its identity."""
    files = (each for each in folder.rglob("*") if each.is_file() and "identity" not in each.parts)
    return b"".join(each.read_bytes() for each in files)


async def test_from_the_box_to_the_books(shop: EnrollingShop, scanner: SimulatedScanner, tmp_path: Path) -> None:
    async with new_station(tmp_path / "station", scanner) as agent:
        assert (agent.ready["enrolled"], agent.ready["station"]) == (False, "")
        assert await scanner.scan(MILK) is False
        nobody = await health(agent)
        assert nobody["enrolment"]["state"] == "none"
        assert nobody["status"]["refusals"]["not-enrolled"] >= 1
        invite = await shop.invite()
        identity = invite.standing.identity
        began = time.monotonic()
        assert await scanner.scan(invite.digits) is True
        await agent.next_ready()
        at_work = time.monotonic()
        assert agent.ready["station"] == identity
        assert await scanner.scan(MILK) is True
        await shop.booked(identity, 1)
        took_s = time.monotonic() - began
        print(f"at work {at_work - began:.2f} s after the QR code was read, its scan in the books after {took_s:.2f} s")
        assert took_s < TARGET_S
        told = await health(agent)
        assert (told["station"], told["enrolment"]["position"]) == (identity, "till-3")
        assert (told["enrolment"]["state"], told["hub"]["connected"]) == ("enrolled", True)
        # Another such code is not goods, and nothing that is enrolled takes one.
        other = await shop.invite("till-4")
        assert await scanner.scan(other.digits) is False
        told = await health(agent)
        assert told["status"]["refusals"]["already-enrolled"] >= 1
        assert await agent.stop() == 0
    bundle = tmp_path / "bundle.zip"
    await edge_command(agent, "diagnose", str(bundle), "--log", str(tmp_path / "station" / "agent.log"))
    parts = unpacked(bundle)
    assert json.loads(parts["logs.json"])["station"] == identity
    assert json.loads(parts["certificates.json"])["1/cert.pem"][0]["subject"].startswith(f"CN={identity},")
    assert "missing.txt" in parts
    assert b"enrolled" in parts["log-1.txt"]
    checked = await edge_command(agent, "check")
    assert f"till-3, sale at shop of oak-street, as {identity}; its certificate is good until" in checked
    exported = tmp_path / "station" / "all.jsonl"
    await edge_command(agent, "buffer", "export", "--all", "--readable", "-o", str(exported))
    wrote = left_behind(tmp_path / "station") + json.dumps(told).encode() + checked.encode()
    wrote += b"".join(parts.values())
    assert exported.read_bytes() in wrote
    key = (tmp_path / "station/data/identity/in-use/key.pem").read_bytes()
    for digits in (invite.digits, other.digits):
        for secret in (digits, read_invitation(digits).token.hex(), digits[:20], digits[20:40], digits[40:60]):
            assert secret.encode() not in wrote
    assert key.splitlines()[1] not in wrote
    assert invite.digits.encode() not in b"".join(
        each.read_bytes() for each in (tmp_path / "station/data/identity").rglob("*") if each.is_file()
    )


async def test_one_that_was_revoked_stops_and_says_why_and_keeps_what_it_has_not_sent(
    shop: EnrollingShop, scanner: SimulatedScanner, tmp_path: Path
) -> None:
    invite = await shop.invite()
    async with new_station(tmp_path / "station", scanner) as agent:
        await scanner.scan(invite.digits)
        await agent.next_ready()
        assert await scanner.scan(MILK) is True
        await shop.booked(invite.standing.identity, 1)
        await shop.shop.desk.end(StationId(invite.standing.identity), End.REVOKED, "ann", "stolen")
        await shop.list_revoked()
        await shop.broker.stop()
        assert await scanner.scan(MILK) is True
        await shop.broker.start()

        await agent.next_ready(60.0)
        assert agent.ready["enrolled"] is False
        assert (await health(agent))["enrolment"]["state"] == "ended"
        assert "revoked" in (await health(agent))["enrolment"]["words"]
        assert await scanner.scan(MILK) is False
        # Somebody else again, by another invitation: the old log is set aside whole, and never sent.
        other = await shop.invite("till-4")
        assert await scanner.scan(other.digits) is True
        while not agent.ready["station"]:
            await agent.next_ready()
        assert agent.ready["station"] == other.standing.identity
        assert await scanner.scan(MILK) is True
        await shop.booked(other.standing.identity, 1)
        asides = list((tmp_path / "station/data/sealed").glob(f"{invite.standing.identity}.oak-street.*Z*"))
        (aside,) = (each.name for each in asides if (each / "stock.db").exists())
    assert (await shop.hub.stations())[invite.standing.identity].movements == 1
    # What it had not sent goes by hand alone: into a file, and that to the hub.
    assert f"set aside: {aside}" in await edge_command(agent, "buffer", "status")
    carried = tmp_path / "carried.jsonl"
    await edge_command(agent, "buffer", "export", "--sealed", aside, "-o", str(carried))
    header = json.loads(carried.read_bytes().splitlines()[0])
    assert header["station"] == invite.standing.identity
    assert any(b"4006381333931" in line for line in carried.read_bytes().splitlines())
    await shop.hub_command("import", "--station-log", str(carried))
    await shop.booked(invite.standing.identity, 2)
