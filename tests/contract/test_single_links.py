"""What one kind of link promises beside what all do: ports are set and held, reports whole, peers noticed when gone."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import BadSettings, ContractBroken, HardwareAbsent, LinkLost
from edge.links.serial import SerialLine
from edge.links.tcp import TcpLink, TcpPeer
from shelfwire.simulators.hid import SCANNER_DESCRIPTOR
from tests.contract.link_rigs import DEADLINE_S, HidrawRig, SerialRig, TcpRig, read_all


@pytest.mark.parametrize(("baud", "frame"), [(9600, "9N1"), (9600, "8X1"), (9600, ""), (9601, "8N1"), (0, "8N1")])
def test_a_setting_that_no_port_has_is_named(baud: int, frame: str) -> None:
    with pytest.raises(BadSettings) as caught:
        SerialLine("/dev/ttyS0", baud, frame)
    assert caught.value.key in ("baud", "frame")


@pytest.fixture
def serial(tmp_path: Path) -> Iterator[SerialRig]:
    rig = SerialRig(tmp_path)
    yield rig
    rig.vanish()


async def test_what_is_written_arrives_unchanged_and_is_not_echoed(serial: SerialRig) -> None:
    async with serial.link() as link:
        await link.write(b"W\r\n\x06\x00\xff")
        assert os.read(serial.ours, 100) == b"W\r\n\x06\x00\xff"
        assert link.read_waiting() == b""


async def test_a_device_that_takes_no_bytes_is_lost_and_not_waited_for(serial: SerialRig) -> None:
    async with serial.link() as link:
        with pytest.raises(LinkLost, match="takes no bytes"):
            async with asyncio.timeout(DEADLINE_S):
                await link.write(b"x" * 1_000_000)


async def test_writing_to_a_device_that_vanished_says_that_it_is_lost(serial: SerialRig) -> None:
    async with serial.link() as link:
        serial.vanish()
        with pytest.raises(LinkLost):
            await link.write(b"W")


async def test_what_waits_can_be_taken_without_waiting(serial: SerialRig) -> None:
    async with serial.link() as link:
        assert link.read_waiting() == b""
        serial.send(b"late")
        assert await read_all(link, 1) == b"late"
        serial.vanish()
        assert link.read_waiting() == b""


async def test_a_port_is_held_by_one_program_and_free_again_once_closed(serial: SerialRig) -> None:
    async with serial.link():
        with pytest.raises(HardwareAbsent, match="another program holds it"):
            await serial.link().__aenter__()
    async with serial.link():
        pass


@pytest.fixture
def hidraw(tmp_path: Path) -> Iterator[HidrawRig]:
    rig = HidrawRig(tmp_path)
    yield rig
    rig.vanish()


async def test_a_read_gives_one_report_however_many_wait(hidraw: HidrawRig) -> None:
    async with hidraw.link() as link:
        for report in (b"\x02" * 64, b"\x03" * 6, b"\x02"):
            hidraw.send(report)
        assert await link.read() == b"\x02" * 64
        assert link.reports_waiting() == [b"\x03" * 6, b"\x02"]
        assert link.reports_waiting() == []


async def test_a_hid_device_says_which_it_is_and_takes_feature_reports(hidraw: HidrawRig) -> None:
    with pytest.raises(ContractBroken):
        _ = hidraw.link().identity
    async with hidraw.link() as link:
        assert (link.identity.vendor, link.identity.product) == (0x0C2E, 0x0B81)
        assert link.identity.descriptor == SCANNER_DESCRIPTOR
        await link.set_feature(b"\xfe\x01")
        assert hidraw.device.features == [b"\xfe\x01"]
        hidraw.vanish()
        with pytest.raises(LinkLost, match="No such device"):
            await link.set_feature(b"\xfe\x01")


async def test_a_peer_that_does_not_listen_has_no_name_or_never_answers_is_absent_and_says_which() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(HardwareAbsent, match=f"127.0.0.1:{port}: Connection refused"):
        await TcpLink(TcpPeer("127.0.0.1", port)).__aenter__()
    with pytest.raises(HardwareAbsent, match=r"nowhere\.invalid:5084: "):
        await TcpLink(TcpPeer("nowhere.invalid", 5084)).__aenter__()
    with pytest.raises(HardwareAbsent, match=":5084: "):
        await TcpLink(TcpPeer("x" * 300, 5084)).__aenter__()
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # room for one; the kernel leaves the others unanswered
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        port = full.getsockname()[1]
        with pytest.raises(HardwareAbsent, match=rf"{port} does not answer within 0\.2 s"):
            await TcpLink(TcpPeer("127.0.0.1", port, connect_timeout_s=0.2)).__aenter__()


async def test_a_tcp_link_sends_at_once_and_notices_a_dead_peer(tmp_path: Path) -> None:
    rig = TcpRig(tmp_path)
    async with TcpLink(TcpPeer("127.0.0.1", rig.port, write_timeout_s=0.2)) as link:
        rig.send(b"hello")
        assert await read_all(link, 5) == b"hello"
        descriptor = link._open_pipe().descriptor
        with socket.socket(fileno=os.dup(descriptor)) as ours:
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await link.write(b"W\r\n\x00\xff")
        assert rig.theirs is not None
        rig.theirs.settimeout(DEADLINE_S)
        assert rig.theirs.recv(100) == b"W\r\n\x00\xff"
        with pytest.raises(LinkLost, match="takes no bytes"):
            async with asyncio.timeout(DEADLINE_S):
                await link.write(b"x" * 50_000_000)
    rig.vanish()
