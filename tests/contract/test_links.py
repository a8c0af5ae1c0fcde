"""What holds for every byte pipe to hardware: serial port (on a pty), input and HID device (on FIFOs), TCP, HTTP."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import socket
import threading
import tty
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import BadSettings, ContractBroken, HardwareAbsent, LinkLost
from edge.links.evdev import EvdevLink, InputDevice
from edge.links.hidraw import HidrawLink
from edge.links.http import HttpLink, HttpStream
from edge.links.serial import SerialLine, SerialLink
from edge.links.tcp import TcpLink, TcpPeer
from shelfwire.simulators.fifo import SimulatedFifo
from shelfwire.simulators.hid import SCANNER_DESCRIPTOR, SimulatedHid

DEADLINE_S = 10
AnyLink = SerialLink | EvdevLink | HidrawLink | TcpLink | HttpLink


class Rig(ABC):
    """The other end of a link: sends, and can vanish."""

    @abstractmethod
    def link(self) -> AnyLink: ...

    @abstractmethod
    def send(self, data: bytes) -> None: ...

    @abstractmethod
    def vanish(self) -> None: ...


class SerialRig(Rig):
    def __init__(self, folder: Path) -> None:
        self.ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self.path = folder / "port"
        self.path.symlink_to(os.ttyname(theirs))
        os.close(theirs)

    def link(self) -> SerialLink:
        return SerialLink(SerialLine(str(self.path), 9600, "7E1", write_timeout_s=0.2))

    def send(self, data: bytes) -> None:
        os.write(self.ours, data)

    def vanish(self) -> None:
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1


class EvdevRig(Rig):
    """A FIFO carries records as an input device does; only the grab needs a real one."""

    def __init__(self, folder: Path) -> None:
        self.device = SimulatedFifo(folder / "event0")
        self.device.plug_in()
        self.path = self.device.path

    def link(self) -> EvdevLink:
        return EvdevLink(InputDevice(str(self.path), grab=False))

    def send(self, data: bytes) -> None:
        self.device.send(data)

    def vanish(self) -> None:
        self.device.unplug()


class HidrawRig(Rig):
    """Each write is a report, and each report a read."""

    def __init__(self, folder: Path) -> None:
        self.device = SimulatedHid(folder / "hidraw0", vendor=0x0C2E, product=0x0B81, descriptor=SCANNER_DESCRIPTOR)
        self.device.plug_in()

    def link(self) -> HidrawLink:
        return HidrawLink(str(self.device.path), ioctl=self.device.ioctl)

    def send(self, data: bytes) -> None:
        self.device.send(data)

    def vanish(self) -> None:
        self.device.unplug()


class TcpRig(Rig):
    """Listens on loopback. What is sent goes to whoever connected last, or waits for who connects next."""

    def __init__(self, folder: Path) -> None:
        self.listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port: int = self.listener.getsockname()[1]
        self.theirs: socket.socket | None = None
        self.waiting = b""
        self.lock = threading.Lock()
        self.accepting = threading.Thread(target=self._accept_all)
        self.accepting.start()

    def link(self) -> TcpLink | HttpLink:
        return TcpLink(TcpPeer("127.0.0.1", self.port, connect_timeout_s=DEADLINE_S, write_timeout_s=0.2))

    def send(self, data: bytes) -> None:
        with self.lock:
            self.waiting += data
            self._settle()

    def vanish(self) -> None:
        with self.lock:
            if self.listener is not None:
                self.listener.close()
                self.listener = None
            if self.theirs is not None:
                self.theirs.close()
        self.accepting.join()

    def greet(self, theirs: socket.socket) -> None:
        """Say what comes before everything else."""

    def _accept_all(self) -> None:
        while (listener := self.listener) is not None:
            with self.lock:
                self._settle()
            try:
                select.select([listener], [], [], 0.01)
            except (OSError, ValueError):
                return

    def _settle(self) -> None:
        if self.listener is None:
            return
        try:
            theirs = self.listener.accept()[0]
        except BlockingIOError:
            pass
        else:
            if self.theirs is not None:
                self.theirs.close()
            self.theirs = theirs
            self.greet(theirs)
        if self.theirs is not None and self.waiting:
            self.theirs.sendall(self.waiting)
            self.waiting = b""


class HttpRig(TcpRig):
    """Answers whoever connects with a stream that has no end."""

    def link(self) -> HttpLink:
        return HttpLink(HttpStream(f"http://127.0.0.1:{self.port}/stream", answer_timeout_s=DEADLINE_S))

    def greet(self, theirs: socket.socket) -> None:
        theirs.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")


@pytest.fixture(
    params=[SerialRig, EvdevRig, HidrawRig, TcpRig, HttpRig], ids=["serial", "evdev", "hidraw", "tcp", "http"]
)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig: Rig = request.param(tmp_path)
    yield rig
    rig.vanish()


async def read_all(link: AnyLink, length: int) -> bytes:
    data = b""
    async with asyncio.timeout(DEADLINE_S):
        while len(data) < length:
            part = await link.read()
            assert part
            data += part
    return data


async def test_every_byte_value_comes_through_in_order(rig: Rig) -> None:
    async with rig.link() as link:
        rig.send(bytes(range(256)) * 4)
        assert await read_all(link, 1024) == bytes(range(256)) * 4


async def test_bytes_that_came_before_it_was_opened_are_not_lost(rig: Rig) -> None:
    rig.send(b"early")
    async with rig.link() as link:
        assert await read_all(link, 5) == b"early"


async def test_a_read_waits_for_bytes(rig: Rig) -> None:
    async with rig.link() as link:
        reading = asyncio.create_task(link.read())
        while not reading.done():
            rig.send(b"x")
            await asyncio.wait([reading], timeout=DEADLINE_S)
        assert set(await reading) == {ord("x")}


async def test_a_cancelled_read_loses_nothing(rig: Rig) -> None:
    async with rig.link() as link:
        for _ in range(20):
            reading = asyncio.create_task(link.read())
            await asyncio.sleep(0)
            reading.cancel()
            await asyncio.wait([reading])
        rig.send(b"kept")
        assert await read_all(link, 4) == b"kept"


async def test_a_device_that_vanishes_reads_as_nothing_now_and_ever_after(rig: Rig) -> None:
    async with rig.link() as link:
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        rig.vanish()
        async with asyncio.timeout(DEADLINE_S):
            assert await reading == b""
            assert await link.read() == b""


async def test_closing_wakes_a_waiting_read_and_twice_is_harmless(rig: Rig) -> None:
    link = rig.link()
    async with link:
        reading = asyncio.create_task(link.read())
        await asyncio.sleep(0)
        link.close()
        async with asyncio.timeout(DEADLINE_S):
            assert await reading == b""
        link.close()


async def test_a_link_that_is_not_open_is_our_bug_to_read(rig: Rig) -> None:
    link = rig.link()
    with pytest.raises(ContractBroken):
        await link.read()
    async with link:
        with pytest.raises(ContractBroken):
            await link.__aenter__()
    with pytest.raises(ContractBroken):
        await link.read()


async def test_a_closed_link_opens_again(rig: Rig) -> None:
    link = rig.link()
    for data in (b"one", b"two"):
        async with link:
            rig.send(data)
            assert await read_all(link, 3) == data


async def test_a_path_that_is_not_there_is_absent_hardware(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    for link in (SerialLink(SerialLine(nowhere)), EvdevLink(InputDevice(nowhere)), HidrawLink(nowhere)):
        with pytest.raises(HardwareAbsent, match="No such file"):
            await link.__aenter__()


async def test_a_file_that_is_no_such_device_is_absent_hardware(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with pytest.raises(HardwareAbsent, match="not a serial port"):
        await SerialLink(SerialLine(str(plain))).__aenter__()
    with pytest.raises(HardwareAbsent, match="cannot be grabbed"):
        await EvdevLink(InputDevice(str(plain))).__aenter__()
    with pytest.raises(HardwareAbsent, match="no HID device"):
        await HidrawLink(str(plain)).__aenter__()


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
