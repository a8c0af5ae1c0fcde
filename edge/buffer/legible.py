"""What is legible in the files of a damaged log: rows of single pages that are what was written."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from edge.buffer import wal
from edge.buffer.carving import Value, index_rows, table_rows
from edge.buffer.page_sums import Sums, read_pages, read_sums
from protocol.chain import DIGEST_BYTES, Chapter, Position
from protocol.errors import BadInput
from protocol.identity import Epoch

PAGE_BYTES = 4096


@dataclass(slots=True)
class Found:
    """What is legible besides the lines."""

    lineage: tuple[Chapter, ...] = ()
    acked: int = 0
    checkpoints: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    notes: list[tuple[str, bytes]] = field(default_factory=list)

    def digests(self) -> dict[int, bytes]:
        """Give the chain at every depth at which it is known."""
        known = {chapter.depth: chapter.origin().digest for chapter in self.lineage}
        return known | {depth: digest for depth, (digest, _) in self.checkpoints.items()}


class Images:
    """Every trustworthy image of a page: those in the file, then those in its write-ahead log as they came."""

    def __init__(self, log: Path) -> None:
        self._log = log
        sums = read_sums(log)
        self.lineage = () if sums is None else sums.lineage
        """The epochs as the checksums' file names them."""
        bad = set() if sums is None else set(untrusted(log, sums))
        self._frames: list[tuple[int, bytes]] = []
        self._newest: dict[int, bytes | None] = {}
        for frame in wal.legible_frames(beside(log, "-wal")):
            if isinstance(frame, int):
                self._newest[frame] = None
            else:
                self._newest[frame.page] = frame.image
                self._frames.append((frame.page, frame.image))
        self._in_file = {page for page, _ in _pages_of(log)} - bad

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        yield from ((page, image) for page, image in _pages_of(self._log) if page in self._in_file)
        yield from self._frames

    def newest(self, page: int) -> bytes | None:
        """Give the newest image of a page, None if there is none to be trusted."""
        if page in self._newest:
            return self._newest[page]
        if page not in self._in_file:
            return None
        with self._log.open("rb") as file:
            file.seek((page - 1) * PAGE_BYTES)
            return file.read(PAGE_BYTES)


def gather(images: Images, into: apsw.Connection) -> Found:
    """Store every line that is legible, and give what else is."""
    found = Found()
    chapters: dict[int, dict[int, Chapter]] = {}
    note_root: int | None = None
    for page, image in images:
        lines: list[tuple[int, bytes]] = []
        told: dict[int, Chapter] = {}
        for rowid, values in table_rows(image, page, images.newest):
            match values:
                case (None, bytes(line)) if b"\n" not in line:
                    lines.append((rowid, line))
                case (None, bytes(digest), int(wall_us)) if len(digest) == DIGEST_BYTES:
                    found.checkpoints[rowid] = digest, wall_us
                case (None, int(kept), int(acked)) if rowid == 1 and 0 <= kept <= acked:
                    found.acked = acked
                case ("table", "note", "note", int(root), str(_)):
                    note_root = root
                case (None, str(_), int(_), _, _, _, _):
                    chapter = _chapter(values)
                    if chapter is not None:
                        told[rowid] = chapter
                case _:
                    pass
        into.executemany("INSERT OR IGNORE INTO entry VALUES (?, ?)", lines)
        if told:
            chapters[page] = told
    found.lineage = _lineage({ordinal: one for page in chapters.values() for ordinal, one in page.items()})
    notes = None if note_root is None else index_rows(note_root, images.newest)
    for note in notes or ():
        match note:
            case (str(key), bytes(value)):
                found.notes.append((key, value))
            case _:
                pass
    return found


def _chapter(values: Sequence[Value]) -> Chapter | None:
    _, epoch, depth, base_epoch, base_seq, base_digest, carried = values
    if not isinstance(epoch, str) or not isinstance(depth, int) or not isinstance(carried, bytes | None):
        return None
    try:
        if base_epoch is None:
            return Chapter(Epoch.parse(epoch), None, depth, carried)
        if isinstance(base_epoch, str) and isinstance(base_seq, int) and isinstance(base_digest, bytes):
            base = Position(Epoch.parse(base_epoch), base_seq, base_digest)
            return Chapter(Epoch.parse(epoch), base, depth, carried)
    except BadInput:
        pass
    return None


def _lineage(chapters: dict[int, Chapter]) -> tuple[Chapter, ...]:
    """Put chapters in their order; give those that hang together, from the first."""
    lineage: list[Chapter] = []
    while (chapter := chapters.get(len(lineage))) is not None:
        base = chapter.base
        before = lineage[-1] if lineage else None
        if (base is None) != (before is None):
            break
        if base is not None and before is not None:
            grown = base.epoch == before.epoch and chapter.depth == before.depth + base.seq
            if not grown or chapter.epoch.generation <= before.epoch.generation:
                break
        lineage.append(chapter)
    return tuple(lineage)


def untrusted(log: Path, sums: Sums) -> Iterator[int]:
    """Name the pages that are not what was written; those that are missing too."""
    there = 0
    for page, image in _pages_of(log):
        there = page
        if page <= len(sums.pages) and zlib.crc32(image) != sums.pages[page - 1]:
            yield page
    yield from range(there + 1, len(sums.pages) + 1)


def _pages_of(log: Path) -> Iterator[tuple[int, bytes]]:
    return enumerate(read_pages(log, PAGE_BYTES), 1) if log.exists() else iter(())


def beside(log: Path, suffix: str) -> Path:
    """Name a file that belongs to a log."""
    return log.with_name(f"{log.name}{suffix}")
