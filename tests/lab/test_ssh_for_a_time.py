"""The door for a technician: `[ssh]` on the card opens it to his key alone, and it closes by itself, sessions and all.

The hours are the technician's; so as not to wait for one, the lab shortens them in the unit once it was seen that they
are as he wrote. All else is the image's.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from shelfwire.demo.ports import free_ports
from tests.lab.conftest import Record
from tests.lab.lan import Neighbour
from tests.lab.machine import BOOT_S, Machine
from tests.lab.station import CONFIG, Station, ready, shown, until_prints
from tests.lab.technician import ACCOUNT, Technician

pytestmark = pytest.mark.lab

SSH = "ssh.service"
PORT = 22
FORGOTTEN_S = "60"
"""By the machine's clock; ten a minute, five of them at once (image/root/station/etc/nftables.conf)."""
LEFT_S = 60
"""How long the door stays open after the lab shortened it, by the machine's clock."""
_SHORTENED = "/run/systemd/system/ssh.service.d/70-lab.conf"
_OPEN_S = """\
import subprocess, time
told = subprocess.check_output(["systemctl", "show", "ssh.service", "-pActiveEnterTimestampMonotonic", "--value"])
print(int(time.monotonic() - int(told) / 1e6))
"""
_KEPT = ("/run/shelfwire/ssh_host_ed25519_key", "/run/shelfwire/technician/authorized_keys")


async def test_a_technician_is_let_in_for_a_time(station: Station, record: Record, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    ann, bob = Technician(tmp_path / "ann", port), Technician(tmp_path / "bob", port)
    station.lay("shelfwire.toml", f'[ssh]\nkey = "{ann.key}"\nhours = 1\n')
    async with Neighbour(forward=(port, PORT)) as neighbour, station.on(network=neighbour.qemu) as machine:
        await ready(machine)
        await until_prints(machine, f"systemctl is-active {SSH}", "active")
        assert (await shown(machine, SSH, "RuntimeMaxUSec"))["RuntimeMaxUSec"] == "1h"
        assert await ann.says("id -un") == (0, ACCOUNT)
        journal = await machine.guest.tell("journalctl", "-b", "--no-pager", "-o", "cat", "-u", SSH)
        assert ann.fingerprint() in journal
        session = await ann.session("echo in; exec sleep infinity")
        assert session.stdout is not None
        assert await session.stdout.readline() == b"in\n"
        await _refused(ann, bob)
        await _found_open(machine, neighbour)
        record("SSH for a time", "open by IPv4 and IPv6 to his key; password, root and another key refused")
        await _shortened(machine)
        async with asyncio.timeout(BOOT_S):
            await session.wait()
        await until_prints(machine, f"pgrep -u {ACCOUNT} || echo nobody", "nobody")
        await until_prints(machine, f"systemctl is-active {SSH} | grep -x active || echo closed", "closed")
        assert (await machine.guest.run("ls", *_KEPT)).out == ""
        assert await _open(neighbour) == (set(), set())
        record("SSH after its time", "closed, silent; session ended, host key and the technician's gone")
        machine.guest.start("systemctl", "reboot")
        assert await machine.ended() == "guest-reset"
    kept = station.firmware.read(CONFIG, "shelfwire.toml")
    assert kept is not None
    assert kept.startswith(b'[ssh]\nkey = "***')
    assert ann.key.split()[1].encode() not in kept
    async with Neighbour() as neighbour, station.on(network=neighbour.qemu) as machine:
        await ready(machine)
        assert (await shown(machine, SSH, "ActiveState"))["ActiveState"] == "inactive"
        assert await _open(neighbour) == (set(), set())
        record("SSH after a restart", "closed, silent; the key is blotted out on the card")


async def _refused(ann: Technician, bob: Technician) -> None:
    """Knock without the key, with another one, and as root."""
    no_key = ("PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive")
    for code, said in (
        await ann.says("id", *no_key),
        await bob.says("id"),
        await ann.says("id", account="root"),
    ):
        assert code == 255, said
        # What may be tried instead is named in brackets.
        assert "Permission denied (publickey)." in said


async def _found_open(machine: Machine, neighbour: Neighbour) -> None:
    """Ask once the firewall, which lets but a few in at a time, has forgotten who knocked before."""
    await machine.guest.run("sleep", FORGOTTEN_S)
    assert await _open(neighbour) == ({PORT}, {PORT})


async def _open(neighbour: Neighbour) -> tuple[set[int], set[int]]:
    """Ask the door alone, by IPv4 and by IPv6; a refusal would say that somebody is there."""
    neighbour.forget()
    await neighbour.scan(tcp=[PORT], udp=[])
    assert not neighbour.v4.closed_tcp | neighbour.v6.closed_tcp
    return neighbour.v4.open_tcp, neighbour.v6.open_tcp


async def _shortened(machine: Machine) -> None:
    """Have the door's time run out soon; systemd counts from when it was opened."""
    open_s = int(await machine.guest.python(_OPEN_S))
    await machine.guest.write(_SHORTENED, f"[Service]\nRuntimeMaxSec={open_s + LEFT_S}\n".encode())
    await machine.guest.tell("systemctl", "daemon-reload")
