"""Looks a log's whole file over: pages, records, chain, epochs, every line. Nothing in it is changed.

For the file of a stopped agent, or a copy. Memory is bounded whatever the file's size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from edge.buffer.errors import LogUnusable
from edge.buffer.salvage import find_damage
from edge.buffer.sqlite_file import APPLICATION_ID, SCHEMA_VERSION
from protocol.chain import Chapter, Position, extend
from protocol.errors import BadInput
from protocol.events import decode_station_entry
from protocol.identity import Epoch

MOST_TOLD = 20
"""Of each kind of fault; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, by a short stable name, and where."""

    name: str
    detail: str


@dataclass(slots=True)
class Findings:
    """What was looked at and what is wrong with it; `entries` were read, up to `epoch`:`head`."""

    epoch: str = ""
    head: int = 0
    entries: int = 0
    checkpoints: int = 0
    chapters: int = 0
    faults: list[Fault] = field(default_factory=list)
    untold: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, detail: str) -> None:
        """Note a fault; beyond the first few of its kind only count it."""
        if sum(fault.name == name for fault in self.faults) < MOST_TOLD:
            self.faults.append(Fault(name, detail[:300]))
        else:
            self.untold[name] = self.untold.get(name, 0) + 1


def check_file(path: Path) -> Findings:
    """Look a file over. Raises `LogUnusable` if it cannot be opened at all, or is not a station log.

    Faults: "pages" (the checksums kept beside the file, and SQLite's own check), "missing", "chain", "epochs",
    "bounds", "entry" (a line that is none).
    """
    if not path.is_file():
        raise LogUnusable(f"there is no {path}")
    try:
        # Not read-only: the write-ahead log is read where it lies. Nothing is written, nor folded when it closes.
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise LogUnusable(f"{path}: {error}") from error
    findings = Findings()
    try:
        damage = find_damage(path)
        if damage is not None:
            findings.add("pages", damage)
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA query_only = ON")
        if connection.pragma("application_id") != APPLICATION_ID:
            raise LogUnusable(f"{path} is not a station log")
        if connection.pragma("user_version") > SCHEMA_VERSION:
            raise LogUnusable(f"{path} was written by a newer release")
        for (told,) in connection.execute(f"PRAGMA integrity_check({MOST_TOLD})"):
            if told != "ok":
                findings.add("pages", str(told))
        _check_records(connection, findings)
    except (apsw.BusyError, OSError) as error:
        raise LogUnusable(f"{path} is open elsewhere, or cannot be read: {error}") from error
    except apsw.Error as error:
        # A page that cannot be read ends the look, after what was found so far.
        findings.add("pages", f"{type(error).__name__}: {error}")
    finally:
        connection.close()
    return findings


def _check_records(connection: apsw.Connection, findings: Findings) -> None:
    lineage = _lineage(connection, findings)
    bounds = connection.execute("SELECT kept, acked FROM bounds").fetchall()
    kept, acked = bounds[0] if len(bounds) == 1 else (None, None)
    if not lineage and not bounds and not connection.execute("SELECT 1 FROM entry LIMIT 1").fetchall():
        return  # made by an agent that lost power before its first epoch; the next one begins it
    if not lineage or not isinstance(kept, int) or not isinstance(acked, int):
        findings.add("bounds", "nothing says which epoch this is, or what is pruned and acknowledged")
        return
    depth = _check_lines(connection, lineage, kept, findings)
    if not 0 <= kept <= acked <= depth:
        findings.add("bounds", f"pruned up to {kept}, acknowledged up to {acked}, and the last line is {depth}")
    findings.epoch, findings.head = str(lineage[-1].epoch), depth - lineage[-1].depth
    if findings.head < 0:
        findings.add("epochs", f"{lineage[-1].epoch} begins at depth {lineage[-1].depth}, and lines end at {depth}")


def _lineage(connection: apsw.Connection, findings: Findings) -> list[Chapter]:
    lineage: list[Chapter] = []
    rows = connection.execute(
        "SELECT epoch, depth, base_epoch, base_seq, base_digest, carried FROM chapter ORDER BY ordinal"
    )
    for epoch, depth, base_epoch, base_seq, base_digest, carried in rows:
        try:
            base = None if base_epoch is None else Position(Epoch.parse(base_epoch), base_seq, base_digest)
            chapter = Chapter(Epoch.parse(epoch), base, depth, carried)
        except BadInput as error:
            findings.add("epochs", str(error))
            continue
        if lineage:
            before = lineage[-1]
            if base is None or base.epoch != before.epoch or depth != before.depth + base.seq:
                findings.add("epochs", f"{epoch} was not opened on {before.epoch}, which comes before it")
            elif chapter.epoch.generation <= before.epoch.generation:
                findings.add("epochs", f"{epoch} does not come after {before.epoch}")
        elif base is not None or depth:
            findings.add("epochs", f"{epoch} is the first, and has one before it")
        lineage.append(chapter)
    findings.chapters = len(lineage)
    return lineage


def _check_lines(connection: apsw.Connection, lineage: list[Chapter], kept: int, findings: Findings) -> int:
    """Go over every line kept; give the depth of the last."""
    digest = _begin(connection, lineage, kept, findings)
    due = _Due(connection, lineage, kept)
    depth = kept
    rows: Iterator[tuple[int, bytes]] = connection.execute("SELECT depth, CAST(line AS BLOB) FROM entry ORDER BY depth")
    for stored, line in rows:
        if stored != depth + 1:
            findings.add("missing", f"{_place(lineage, depth + 1)} to {_place(lineage, stored - 1)} are not there")
            # What the chain is after a gap, the next digest stored tells.
            digest = None
        depth = stored
        findings.entries += 1
        try:
            decode_station_entry(line)
        except BadInput as error:
            findings.add("entry", f"{_place(lineage, depth)}: {error.detail}")
        digest = None if digest is None else extend(digest, (line,))
        for what, told in due.at(depth):
            if digest is not None and told != digest:
                findings.add("chain", f"{_place(lineage, depth)}: the lines up to here are not those of {what}")
            digest = told
    if due.beyond(depth):
        findings.add("missing", f"a checkpoint lies beyond {_place(lineage, depth)}, the last line there is")
    findings.checkpoints = due.seen
    return depth


def _begin(connection: apsw.Connection, lineage: list[Chapter], kept: int, findings: Findings) -> bytes | None:
    if kept == 0:
        return lineage[0].origin().digest
    found = connection.execute("SELECT digest FROM checkpoint WHERE depth = ?", (kept,)).fetchall()
    digest = found[0][0] if found else None
    if not isinstance(digest, bytes):
        findings.add("chain", f"no digest is stored for {_place(lineage, kept)}, up to which is pruned")
        return None
    return digest


class _Due:
    """The digests stored for depths after `kept`, handed out as the lines come to them."""

    def __init__(self, connection: apsw.Connection, lineage: list[Chapter], kept: int) -> None:
        self._checkpoints: Iterator[tuple[int, bytes]] = connection.execute(
            "SELECT depth, digest FROM checkpoint WHERE depth > ? ORDER BY depth", (kept,)
        )
        self._next = next(self._checkpoints, None)
        self._epochs = [(f"{c.epoch}'s base", c.depth, c.origin().digest) for c in lineage if c.depth > kept]
        self._epochs += [
            (f"what {c.epoch} carried over", c.depth + 1, c.carried)
            for c in lineage
            if c.carried is not None and c.depth >= kept
        ]
        self.seen = 0

    def at(self, depth: int) -> list[tuple[str, bytes]]:
        """Give what is stored for `depth`, and drop what lies before it: its line is missing."""
        found = [(what, digest) for what, at, digest in self._epochs if at == depth]
        while self._next is not None and self._next[0] <= depth:
            if self._next[0] == depth:
                found.append(("the checkpoint", self._next[1]))
                self.seen += 1
            self._next = next(self._checkpoints, None)
        return found

    def beyond(self, depth: int) -> bool:
        """Say whether something is stored for what follows `depth`, the last line."""
        return self._next is not None or any(at > depth + 1 for _, at, _ in self._epochs)


def _place(lineage: list[Chapter], depth: int) -> str:
    """Name a depth by the newest epoch that reaches back to it."""
    chapter = next((one for one in reversed(lineage) if one.depth < depth), lineage[0])
    return f"{chapter.epoch}:{depth - chapter.depth}"
