"""The other ends of all links: each sends, and can vanish."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import socket
import threading
import tty
from abc import ABC, abstractmethod
from pathlib import Path

from edge.links.evdev import EvdevLink, InputDevice
from edge.links.hidraw import HidrawLink
from edge.links.http import HttpLink, HttpStream
from edge.links.serial import SerialLine, SerialLink
from edge.links.tcp import TcpLink, TcpPeer
from shelfwire.simulators.fifo import SimulatedFifo
from shelfwire.simulators.hid import SCANNER_DESCRIPTOR, SimulatedHid

DEADLINE_S = 60
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


async def read_all(link: AnyLink, length: int) -> bytes:
    data = b""
    async with asyncio.timeout(DEADLINE_S):
        while len(data) < length:
            part = await link.read()
            assert part
            data += part
    return data
