"""Tells when the path of a device appears, from the kernel's notes on folders (inotify(7)), without looking again.

The folder of a device may come and go with it: udev makes /dev/serial/by-id with the first serial device and takes it
away with the last. So for each path the nearest folder there is is watched, and the next one as soon as it is made.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from edge.errors import HardwareAbsent

IN_ATTRIB, IN_MOVED_TO, IN_CREATE = 0x4, 0x80, 0x100
IN_DELETE_SELF, IN_MOVE_SELF, IN_Q_OVERFLOW, IN_IGNORED = 0x400, 0x800, 0x4000, 0x8000
IN_ONLYDIR = 0x0100_0000

_MASK = IN_ATTRIB | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR
"""IN_ATTRIB, since udev gives a new device to its group a moment after making it."""
_NO_FOLDER = frozenset({errno.ENOENT, errno.EACCES, errno.ENOTDIR})
"""Look one folder further up."""
_EVENT = struct.Struct("iIII")
_READ_BYTES = 16 * 1024


class Plug:
    """Where one device is plugged in: the paths in its settings."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = tuple(os.path.abspath(path) for path in paths)
        self._stirred = asyncio.Event()
        self._watched = True

    def gone(self) -> bool:
        """Whether one of its paths is not there now, and its appearing will be told."""
        return self._watched and not all(os.path.exists(path) for path in self.paths)

    def forget(self) -> None:
        """Let only what appears from now on count for `appeared`."""
        self._stirred.clear()

    def stir(self) -> None:
        """Say that one of the paths appeared, or may have."""
        self._stirred.set()

    def unwatched(self) -> None:
        """Say that nobody will be told any more."""
        self._watched = False
        self.stir()

    async def appeared(self) -> None:
        """Wait until one of its paths was made, or may be used by others than before, since the last `forget`."""
        await self._stirred.wait()


@dataclass(frozen=True, slots=True)
class _Wait:
    """For `name` in a watched folder; `last` says that this is the device and not a folder on the way to it."""

    name: str
    path: str
    last: bool
    plug: Plug


class PlugWatch:
    """Watches for any number of plugs, with one descriptor. Nothing runs while nothing changes."""

    def __init__(self) -> None:
        self._descriptor: int | None = None
        self._waits: dict[int, list[_Wait]] = {}
        """By the kernel's number for the watch of a folder."""
        self.wakes = 0
        """How often the kernel had something to tell."""

    async def __aenter__(self) -> Self:
        """Raises `HardwareAbsent`: this kernel, or this user's share of it, has no watches left."""
        self._libc = ctypes.CDLL(None, use_errno=True)
        descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if descriptor < 0:
            raise HardwareAbsent(f"folders cannot be watched: {os.strerror(ctypes.get_errno())}")
        self._descriptor = descriptor
        asyncio.get_running_loop().add_reader(descriptor, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more; nobody is told anything then. Twice is harmless."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        for wait in [wait for waits in self._waits.values() for wait in waits]:
            wait.plug.unwatched()
        self._waits.clear()

    def plug(self, paths: Iterable[str]) -> Plug:
        """Watch for these paths while this is open. Raises `HardwareAbsent` if they cannot be watched."""
        plug = Plug(paths)
        for path in plug.paths:
            self._place(path, plug)
        return plug

    def _place(self, path: str, plug: Plug) -> None:
        """Watch the nearest folder on the way to `path`."""
        folder, name = os.path.split(path)
        while True:
            number = self._add(folder)
            if number is None:
                if folder == "/":
                    raise HardwareAbsent(f"no folder on the way to {path} can be watched")
                folder, name = os.path.split(folder)
                continue
            last = folder == os.path.dirname(path)
            self._waits.setdefault(number, []).append(_Wait(name, path, last, plug))
            # What was made before the watch stood is not told by it.
            if last:
                if os.path.exists(path):
                    plug.stir()
                return
            if not os.path.isdir(os.path.join(folder, name)):
                return
            self._waits[number].pop()
            self._drop_if_idle(number)
            folder, name = os.path.split(path)

    def _add(self, folder: str) -> int | None:
        """Watch a folder, maybe again; None if there is no such folder. Raises `HardwareAbsent`: no watch is left."""
        if self._descriptor is None:
            raise HardwareAbsent("folders are not watched now")
        number: int = self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _MASK)
        if number >= 0:
            return number
        code = ctypes.get_errno()
        if code in _NO_FOLDER:
            return None
        raise HardwareAbsent(f"{folder} cannot be watched: {os.strerror(code)}")

    def _drop_if_idle(self, number: int) -> None:
        if not self._waits.get(number) and self._descriptor is not None:
            self._waits.pop(number, None)
            self._libc.inotify_rm_watch(self._descriptor, number)

    def _read(self) -> None:
        if self._descriptor is None:
            return
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return
        self.wakes += 1
        at = 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = os.fsdecode(data[at : at + length].rstrip(b"\0"))
            at += length
            if mask & IN_Q_OVERFLOW:
                for one in tuple(self._waits):
                    self._told(one, None)
            else:
                self._told(number, None if mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED) else name)

    def _told(self, number: int, name: str | None) -> None:
        """Something happened to `name` in a folder, or to the folder itself (None)."""
        waits = self._waits.get(number, [])
        concerned = [wait for wait in waits if name is None or wait.name == name]
        if name is not None and all(wait.last for wait in concerned):
            # A device came: the folder stays the one to watch.
            for wait in concerned:
                wait.plug.stir()
            return
        self._waits[number] = [wait for wait in waits if wait not in concerned]
        for wait in concerned:
            wait.plug.stir()
            try:
                self._place(wait.path, wait.plug)
            except HardwareAbsent:
                wait.plug.unwatched()
        self._drop_if_idle(number)
