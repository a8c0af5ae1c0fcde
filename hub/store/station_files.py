"""Reads a station's log from the file it was carried in: record by record, in bounded memory, whatever the file is."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import zstandard

from hub.errors import BadInput
from protocol.errors import BadInput as ProtocolBadInput
from protocol.identity import Epoch
from protocol.station_file import MAX_RECORD_BYTES, FileEntry, StationFileReader
from protocol.station_file_header import FileHeader

MAX_FILE_BYTES = 2 * 1024 * 1024 * 1024
MAX_UNPACKED_BYTES = 16 * 1024 * 1024 * 1024
_READ_BYTES = 64 * 1024
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_WINDOW_BYTES = 8 * 1024 * 1024


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive entries of one epoch as the file calls it: the depth before them, and the chain there and after."""

    depth: int
    digest: bytes
    epoch: Epoch
    lines: tuple[bytes, ...]
    end: bytes


class StationFile:
    """An open file. Every method reads it from its beginning, and raises `BadInput` with what is wrong and where."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Open it. Raises `BadInput` ("no-file", "too-large")."""
        try:
            # Without waiting: what is no plain file, such as a pipe, might keep us for ever.
            fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise BadInput("no-file", f"cannot read {self._path}: {error.strerror}") from error
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE_BYTES:
            os.close(fd)
            if not stat.S_ISREG(about.st_mode):
                raise BadInput("no-file", f"{self._path} is no plain file")
            raise BadInput("too-large", f"{self._path} is larger than {MAX_FILE_BYTES} bytes")
        self._file = os.fdopen(fd, "rb", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def header(self) -> FileHeader:
        """Read what the file says it holds; nothing of it is proved yet."""
        reader = StationFileReader()
        for record in self._records():
            _take(reader, record)
            break
        if reader.header is None:
            raise BadInput("not-a-station-log", f"{self._path} is empty")
        return reader.header

    def check(self, wanted: Collection[int]) -> StationFileReader:
        """Read all of it and prove it; give what was found on the way, the chain at the depths `wanted` too."""
        reader = StationFileReader(wanted)
        for record in self._records():
            _take(reader, record)
        try:
            reader.finish()
        except ProtocolBadInput as error:
            raise BadInput(error.name, error.detail) from error
        return reader

    def batches(self, checked: StationFileReader, wanted: Collection[int]) -> Iterator[Batch]:
        """Give the entries again, in batches that end where `checked`, of the same `wanted`, noted the chain.

        A file that has changed since is "altered".
        """
        reader = StationFileReader(wanted)
        digest, entries = b"", list[FileEntry]()
        for record in self._records():
            entry = _take(reader, record)
            if entry is not None:
                entries.append(entry)
                depth = entry.depth
                if depth not in checked.marks:
                    continue
                if reader.marks.get(depth) != checked.marks[depth]:
                    raise BadInput("altered", f"{self._path} has changed while it was read")
                lines = tuple(one.line for one in entries)
                yield Batch(depth - len(lines), digest, entry.epoch, lines, checked.marks[depth])
                entries = []
                digest = checked.marks[depth]
            elif reader.header is not None and not digest:
                digest = reader.header.view.first.digest

    def _records(self) -> Iterator[bytes]:
        file = self._file
        if file is None:
            raise BadInput("no-file", f"{self._path} is not open")
        try:
            file.seek(0)
            packed = file.read(len(_ZSTD_MAGIC)) == _ZSTD_MAGIC
            file.seek(0)
            if not packed:
                yield from _lines(file)
                return
            unpacking = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
            with unpacking.stream_reader(file, read_across_frames=True, closefd=False) as plain:
                yield from _lines(plain)
        except zstandard.ZstdError as error:
            raise BadInput("bad-compression", f"{self._path}: {error}") from error
        except OSError as error:
            raise BadInput("no-file", f"cannot read {self._path}: {error.strerror}") from error


def _lines(file: _Readable) -> Iterator[bytes]:
    waiting = b""
    size = lines = 0
    while data := file.read(_READ_BYTES):
        size += len(data)
        if size > MAX_UNPACKED_BYTES:
            raise BadInput("too-large", f"it unfolds to more than {MAX_UNPACKED_BYTES} bytes")
        *whole, waiting = (waiting + data).split(b"\n")
        yield from whole
        lines += len(whole)
        if len(waiting) > MAX_RECORD_BYTES:
            raise BadInput("bad-record", f"a line is longer than {MAX_RECORD_BYTES} bytes")
    if waiting and lines:
        raise BadInput("cut-off", f"the file ends within line {lines + 1}")
    if waiting:
        yield waiting


def _take(reader: StationFileReader, record: bytes) -> FileEntry | None:
    try:
        return reader.take(record)
    except ProtocolBadInput as error:
        raise BadInput(error.name, error.detail) from error
