"""Sets a damaged station log aside and begins one that goes on from it, so that a till sells although its card dies.

    stock.db, -wal, -sums   ->   stock.db.damaged-20260701T120000Z, ...     as they were found, for `edge buffer export`
    the new stock.db        every run of entries that is provably what was stored, under the names they had, the holes
                            between them, and behind all that a new epoch

The new epoch makes the loss known whatever is lost: the hub moves to it and records the station, the epoch before, and
the range from what it has read of that one on (`protocol.replication.following`). At a hole the log begins anew behind
it as soon as the hub has all before it, and the hub records that range as it does for what was pruned.

A page is trusted by its checksum (`page_sums`, or the write-ahead log's own); without checksums, lines are trusted
up to the last chain digest that they lead to, and behind it because there is nothing better.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import apsw

from edge.buffer import wal
from edge.buffer.carving import Value
from edge.buffer.errors import LogUnusable
from edge.buffer.legible import Found, Images, beside, gather, untrusted
from edge.buffer.lineage import position_at
from edge.buffer.page_sums import read_sums
from edge.buffer.sqlite_file import open_file, sync_folder
from edge.buffer.synced import read_synced
from protocol.chain import Chapter, extend
from protocol.identity import Epoch

_SUFFIXES = ("", "-wal", "-sums")


@dataclass(frozen=True, slots=True)
class SetAside:
    """What was done: `why`, `aside` where the damaged file is now, and what the new log begins with.

    `kept` entries were taken over, between `first` and `last` by depth, of `epoch`; None if not even that was legible.
    """

    why: str
    aside: Path
    epoch: Epoch | None
    kept: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Run:
    """Lines at depths after `start` up to `end`, and the chain before and after them."""

    start: int
    start_digest: bytes
    end: int
    end_digest: bytes


def find_damage(log: Path) -> str | None:
    """Say what is wrong with the files of a log that nobody has open; None if nothing is, or there never was one.

    Raises `OSError`.
    """
    return _look(log)[0]


def _look(log: Path) -> tuple[str | None, wal.WalCondition]:
    """Find what is wrong, and how the write-ahead log is."""
    sums = read_sums(log)
    wal_file = beside(log, "-wal")
    begun = wal.begun(wal_file)
    none = wal.WalCondition(0, None)
    if not log.exists():
        return ("the file is gone, and what belongs to it is not" if begun or sums is not None else None), none
    if sums is not None and sums.in_use and not begun:
        return "the write-ahead log is gone", none
    condition = wal.inspect(wal_file, read_synced(log, wal_file))
    if condition.damaged is not None or sums is None:
        return condition.damaged, condition
    newer, _ = wal.newest_sums(wal_file, condition.frames)
    bad = [page for page in untrusted(log, sums) if page not in newer]
    return (f"page {bad[0]} is not what was written, nor are {len(bad) - 1} more" if bad else None), condition


def mend(log: Path, stamp: str, nonce: Callable[[], int], clock: Callable[[], int]) -> SetAside | None:
    """Look at the files of a log that nobody has open, and set them aside if they are damaged; None if they are not.

    What is left of a transaction torn by a power cut is then wiped. Arguments and errors as of `set_aside`.
    """
    finish(log, stamp)
    why, condition = _look(log)
    if why is not None:
        return set_aside(log, why, stamp, nonce, clock)
    wal.forget_behind(beside(log, "-wal"), condition.frames)
    return None


def set_aside(log: Path, why: str, stamp: str, nonce: Callable[[], int], clock: Callable[[], int]) -> SetAside:
    """Begin a new file with what can be saved of `log`, and keep the damaged one under a name that ends in `stamp`.

    `nonce` gives the 64 random bits of an epoch, `clock` UTC in microseconds. Raises `OSError`, `LogUnusable`.
    """
    mending = beside(log, ".mending")
    for suffix in _SUFFIXES:
        beside(mending, suffix).unlink(missing_ok=True)
    try:
        epoch, runs = _save(log, mending, nonce, clock)
    except apsw.Error as error:
        raise LogUnusable(f"{mending}: {error}") from error
    descriptor = os.open(mending, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    mending.replace(beside(log, ".mended"))
    aside = finish(log, stamp)
    kept = sum(run.end - run.start for run in runs)
    return SetAside(why, aside or log, epoch, kept, runs[0].start + 1, runs[-1].end)


def finish(log: Path, stamp: str) -> Path | None:
    """Put a mended file into its place, also after a power cut between; say where the damaged one went, if there was.

    Raises `OSError`.
    """
    mended = beside(log, ".mended")
    if not mended.exists():
        return None
    sync_folder(log.parent)
    aside = _free_name(log, stamp)
    for suffix in reversed(_SUFFIXES):
        if beside(log, suffix).exists():
            beside(log, suffix).replace(beside(aside, suffix))
    sync_folder(log.parent)
    mended.replace(log)
    sync_folder(log.parent)
    return aside


def _save(
    log: Path, mending: Path, nonce: Callable[[], int], clock: Callable[[], int]
) -> tuple[Epoch | None, list[_Run]]:
    """Write the new file; give the epoch that was legible, and what was taken over."""
    connection = open_file(mending, None)
    try:
        # Depths that are left out are used anew: no page may keep what lay there, or the next salvage would find it.
        connection.execute("PRAGMA synchronous = OFF; PRAGMA secure_delete = ON")
        connection.execute("BEGIN")
        images = Images(log)
        found = gather(images, connection)
        if _generation(images.lineage) > _generation(found.lineage):
            found.lineage = images.lineage
        epoch = found.lineage[-1].epoch if found.lineage else None
        if not found.lineage:
            # Its epoch was called something else. This one stands for it: it is told as lost as well.
            found.lineage = (Chapter(Epoch(1, nonce())),)
        origin = found.lineage[0].origin().digest
        # Also what the hub is known to have: it may come back from an old copy.
        runs = list(_runs(connection, found)) or [_Run(0, origin, 0, origin)]
        _write(connection, found, runs, nonce, clock)
        connection.execute("COMMIT")
        return epoch, runs
    finally:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        connection.close()


def _generation(lineage: tuple[Chapter, ...]) -> int:
    return lineage[-1].epoch.generation if lineage else 0


def _runs(connection: apsw.Connection, found: Found) -> Iterator[_Run]:
    """Give the runs of lines that the chain proves, each as long as can be."""
    known = found.digests()
    for start, end in _gapless(connection):
        points = sorted(depth for depth in known if start <= depth <= end)
        if not points:
            continue
        first = points[0]
        for point, following in pairwise(points):
            if _chain(connection, known[point], point, following) != known[following]:
                yield _Run(first, known[first], point, known[point])
                first = following
        yield _Run(first, known[first], end, _chain(connection, known[points[-1]], points[-1], end))


def _gapless(connection: apsw.Connection) -> Iterator[tuple[int, int]]:
    """Give the depths before the first and of the last line of each stretch without a hole."""
    start = end = -1
    for (depth,) in connection.execute("SELECT depth FROM entry WHERE depth > 0 ORDER BY depth"):
        if depth != end + 1:
            if end > start >= 0:
                yield start, end
            start = depth - 1
        end = depth
    if end > start >= 0:
        yield start, end


def _chain(connection: apsw.Connection, digest: bytes, start: int, end: int) -> bytes:
    rows = connection.execute("SELECT line FROM entry WHERE depth BETWEEN ? AND ? ORDER BY depth", (start + 1, end))
    return extend(digest, (line for (line,) in rows))


def _write(
    into: apsw.Connection, found: Found, runs: list[_Run], nonce: Callable[[], int], clock: Callable[[], int]
) -> None:
    """Complete the new file: what `runs` hold, the holes between, the lineage up to the end, and a new epoch there."""
    generation = max(chapter.epoch.generation for chapter in found.lineage) + 1
    start, end = runs[0].start, runs[-1].end
    lineage = tuple(chapter for chapter in found.lineage if chapter.depth <= end)
    base = position_at(lineage, end, runs[-1].end_digest)
    lineage += (Chapter(Epoch(generation, nonce()), base, end),)
    into.execute("DELETE FROM entry WHERE depth <= ? OR depth > ?", (start, end))
    into.execute("CREATE TABLE hole (start INTEGER PRIMARY KEY, end INTEGER NOT NULL)")
    for before, after in pairwise(runs):
        if before.end < after.start:
            into.execute("DELETE FROM entry WHERE depth > ? AND depth <= ?", (before.end, after.start))
            into.execute("INSERT INTO hole VALUES (?, ?)", (before.end, after.start))
    checkpoints = {depth: told for depth, told in found.checkpoints.items() if depth <= end}
    for run in runs:
        if run.start:
            checkpoints[run.start] = run.start_digest, checkpoints.get(run.start, (b"", clock()))[1]
    into.executemany("INSERT INTO checkpoint VALUES (?, ?, ?)", [(depth, *told) for depth, told in checkpoints.items()])
    for ordinal, chapter in enumerate(lineage):
        told: tuple[Value, Value, Value] = (None, None, None)
        if chapter.base is not None:
            told = (str(chapter.base.epoch), chapter.base.seq, chapter.base.digest)
        into.execute(
            "INSERT INTO chapter VALUES (?, ?, ?, ?, ?, ?, ?)",
            (ordinal, str(chapter.epoch), chapter.depth, *told, chapter.carried),
        )
    into.execute("INSERT INTO bounds VALUES (1, ?, ?)", (start, min(max(start, found.acked), end)))
    into.executemany("INSERT OR REPLACE INTO note VALUES (?, ?)", found.notes)


def _free_name(log: Path, stamp: str) -> Path:
    """Name where the damaged file goes: a station without a clock may well have been there at that date before."""
    name, n = beside(log, f".damaged-{stamp}"), 1
    while any(beside(name, suffix).exists() for suffix in _SUFFIXES):
        n += 1
        name = beside(log, f".damaged-{stamp}-{n}")
    return name
