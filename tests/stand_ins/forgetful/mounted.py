"""Answers the kernel's requests from a disk in memory, and counts those that change it, so as to be cut at one of them.

From the cut until it is revived the disk answers every request with EIO: nothing lands any more.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from collections.abc import Callable
from typing import Any

import mfusepy

from tests.stand_ins.forgetful.disk import Cut, File, Folder, Truncate, Write

HIDDEN = ".fuse_hidden"
"""How libfuse names a file that is removed while open; here it is removed, and lives while it is open."""


class Mounted(mfusepy.Operations):  # type: ignore[misc]
    """The file system. `cut_off` is told of a cut, in the thread that serves the kernel or that calls `cut`.

    Everything else is called under `turn`.
    """

    use_ns = True

    def __init__(self, cut_off: Callable[[Cut], None]) -> None:
        self.root = Folder()
        self.turn = threading.Lock()
        self.is_dead = False
        self._cut_off = cut_off
        self._left: int | None = None
        self._changes = 0
        self._at_sync = False
        self._open: dict[int, File] = {}
        self._next = 1

    def arm(self, changes: int | None, *, at_sync: bool = False) -> None:
        """Have the power cut in place of the change after so many, or of the first sync after them; None for no cut."""
        self._left, self._changes, self._at_sync = changes, 0, at_sync

    def cut(self, during: str = "") -> None:
        """Cut the power now. A second time is harmless."""
        if not self.is_dead:
            self.is_dead, self._left = True, None
            self._cut_off(Cut(time.monotonic_ns(), self._changes, during))

    def revive(self, root: Folder) -> None:
        """Give power back, with this on the disk."""
        self.root, self.is_dead = root, False
        self._open.clear()

    def getattr(self, path: str | None, fh: int | None = None) -> dict[str, Any]:
        with self.turn:
            self._alive()
            node = self._open.get(fh) if fh else None
            if node is None:
                return _told(self._find(path))
            return _told(node)

    def readdir(self, path: str, fh: int) -> list[str]:
        with self.turn:
            self._alive()
            return [".", "..", *self._folder(path).entries]

    def statfs(self, path: str) -> dict[str, int]:
        blocks = 1 << 22
        return {"f_bsize": 4096, "f_frsize": 4096, "f_blocks": blocks, "f_bfree": blocks, "f_bavail": blocks}

    def chmod(self, path: str, mode: int) -> int:
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str | None, times: tuple[int, int] | None = None) -> int:
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        with self.turn:
            self._changing("mkdir", path)
            folder, name = self._parent(path)
            folder.change({name: Folder()})
            return 0

    def rmdir(self, path: str) -> int:
        with self.turn:
            self._changing("rmdir", path)
            if self._folder(path).entries:
                raise OSError(errno.ENOTEMPTY, path)
            folder, name = self._parent(path)
            folder.change({name: None})
            return 0

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        with self.turn:
            self._changing("create", path)
            folder, name = self._parent(path)
            file = File()
            folder.change({name: file})
            return self._handle(file)

    def open(self, path: str, flags: int) -> int:
        with self.turn:
            self._alive()
            file = self._file(path)
            if flags & os.O_TRUNC and file.content:
                self._changing("truncate", path)
                file.change(Truncate(0))
            return self._handle(file)

    def release(self, path: str | None, fh: int) -> int:
        with self.turn:
            self._open.pop(fh, None)
            return 0

    def unlink(self, path: str) -> int:
        with self.turn:
            self._changing("unlink", path)
            folder, name = self._parent(path)
            self._file(path)
            if name.startswith(HIDDEN):
                del folder.entries[name]
            else:
                folder.change({name: None})
            return 0

    def rename(self, old: str, new: str) -> int:
        with self.turn:
            self._changing("rename", old)
            node = self._find(old)
            folder, name = self._parent(old)
            into, new_name = self._parent(new)
            if into is not folder:
                # Whether a cut can leave a file in both folders or in neither is not told here, so it is not done.
                raise OSError(errno.EXDEV, new)
            if new_name.startswith(HIDDEN):
                folder.change({name: None})
                folder.entries[new_name] = node
            elif name != new_name:
                folder.change({name: None, new_name: node})
            return 0

    def read(self, path: str | None, size: int, offset: int, fh: int) -> bytes:
        with self.turn:
            self._alive()
            return bytes(self._opened(fh).content[offset : offset + size])

    def write(self, path: str | None, data: bytes, offset: int, fh: int) -> int:
        with self.turn:
            self._changing("write", path)
            self._opened(fh).change(Write(offset, data))
            return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        with self.turn:
            self._changing("truncate", path)
            self._file(path).change(Truncate(length))
            return 0

    def fallocate(self, path: str | None, mode: int, offset: int, size: int, fh: int) -> int:
        with self.turn:
            self._changing("fallocate", path)
            file = self._opened(fh)
            if mode == 0 and offset + size > len(file.content):
                file.change(Truncate(offset + size))
            return 0

    def fsync(self, path: str | None, datasync: int, fh: int) -> int:
        with self.turn:
            self._changing("fsync", path)
            self._opened(fh).sync()
            return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        with self.turn:
            self._changing("fsync", path)
            self._folder(path).sync()
            return 0

    def _alive(self) -> None:
        if self.is_dead:
            raise OSError(errno.EIO, "the power is cut")

    def _changing(self, what: str, path: str | None) -> None:
        """Count a change; cut the power in its place if that one was waited for."""
        self._alive()
        self._changes += 1
        if self._left is not None:
            self._left -= 1
            if self._left < 0 and (what == "fsync" or not self._at_sync):
                self.cut(f"{what} {path}")
                self._alive()

    def _find(self, path: str | None) -> File | Folder:
        node: File | Folder = self.root
        for name in _names(path):
            found = node.entries.get(name) if isinstance(node, Folder) else None
            if found is None:
                raise OSError(errno.ENOENT, path)
            node = found
        return node

    def _folder(self, path: str | None) -> Folder:
        node = self._find(path)
        if not isinstance(node, Folder):
            raise OSError(errno.ENOTDIR, path)
        return node

    def _file(self, path: str | None) -> File:
        node = self._find(path)
        if isinstance(node, Folder):
            raise OSError(errno.EISDIR, path)
        return node

    def _parent(self, path: str) -> tuple[Folder, str]:
        folder, _, name = path.rpartition("/")
        return self._folder(folder), name

    def _opened(self, fh: int) -> File:
        file = self._open.get(fh)
        if file is None:  # opened before a cut
            raise OSError(errno.EIO, "opened before the power was cut")
        return file

    def _handle(self, file: File) -> int:
        handle, self._next = self._next, self._next + 1
        self._open[handle] = file
        return handle


def _names(path: str | None) -> list[str]:
    if path is None:
        raise OSError(errno.ESTALE, "removed meanwhile")
    return [name for name in path.split("/") if name]


def _told(node: File | Folder) -> dict[str, Any]:
    # No times: the kernel would take a change of them for one that another machine made, and read all anew.
    if isinstance(node, Folder):
        return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2, "st_uid": os.getuid(), "st_gid": os.getgid()}
    size = len(node.content)
    return {
        "st_mode": stat.S_IFREG | 0o644,
        "st_nlink": 1,
        "st_size": size,
        "st_blocks": -(-size // 512),
        "st_uid": os.getuid(),
        "st_gid": os.getgid(),
    }
