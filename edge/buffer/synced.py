"""Notes how far a write-ahead log was synced, by which damage to what was answered is told from a commit that was torn.

    <log>-synced    salt of the write-ahead log 8 bytes, frames synced u32, checksum u32       big-endian

A frame that is not what was written may be the last commit, torn by a power cut before its sync: nobody was answered,
and nothing is wrong. Or it was synced and answered, and is damaged: a loss. The note is written after each sync and not
synced itself, so it costs none. Found after a cut it is true, if perhaps not of the last commit; after a kill it is.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

_SALT_AT = 16
_SALT_BYTES = 8
_NOTE = struct.Struct(">8sII")


def synced_path(log: Path) -> Path:
    """Where the note lies."""
    return log.with_name(f"{log.name}-synced")


class SyncedNote:
    """For the thread that owns the log. Nothing here ever raises for the disk: without a note less is known."""

    def __init__(self, log: Path, wal: Path) -> None:
        self._path = synced_path(log)
        self._wal = wal
        self._descriptor: int | None = None
        self._salt: bytes | None = None

    def begun_anew(self) -> None:
        """Learn that the write-ahead log may be another one from now on."""
        self._salt = None

    def frames_synced(self, frames: int) -> None:
        """Note that so many frames of the write-ahead log, as it was begun last, are on the disk."""
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
            if self._salt is None:
                with self._wal.open("rb", buffering=0) as file:
                    self._salt = os.pread(file.fileno(), _SALT_BYTES, _SALT_AT)
            body = self._salt + struct.pack(">I", frames)
            os.pwrite(self._descriptor, body + struct.pack(">I", zlib.crc32(body)), 0)
        except OSError:
            pass  # an older note stays, and is still true

    def close(self) -> None:
        """Let the file go; harmless when repeated."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def read_synced(log: Path, wal: Path) -> int:
    """Tell how many frames of the write-ahead log are known to have been synced; 0 if nothing is. Raises `OSError`."""
    try:
        note = synced_path(log).read_bytes()
        with wal.open("rb") as file:
            salt = os.pread(file.fileno(), _SALT_BYTES, _SALT_AT)
    except FileNotFoundError:
        return 0
    if len(note) != _NOTE.size or note[-4:] != struct.pack(">I", zlib.crc32(note[:-4])):
        return 0
    of, frames, _ = _NOTE.unpack(note)
    return int(frames) if of == salt else 0
