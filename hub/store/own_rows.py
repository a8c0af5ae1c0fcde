"""The rows of a log that the hub itself writes, as the writer's thread sees them inside its transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hub.errors import BadInput, ContractBroken
from hub.store import chunks
from protocol.chain import Chapter, Position, extend
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch
from protocol.replication.ports import LogView

CHUNK_ENTRIES = 1000
"""The most lines in one stored chunk."""
CHUNK_BYTES = 512 * 1024
"""The most line bytes in one stored chunk, unless a single line is longer."""
MAX_LINEAGE = 32
"""The most epochs a log tells of; opening one more drops the oldest."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Entries that a new epoch takes over: where they stood (chunk row, epoch row, first seq), and their lines."""

    chunk: int
    epoch: int
    first: int
    lines: tuple[bytes, ...]


Carry = Callable[[sqlite3.Connection, Chapter, Sequence[Carried], int], Sequence[bytes]]
"""Called within the transaction that opens a chapter, with the hub's UTC in microseconds; gives the carried lines, as
many, as they stand in it."""


def carry_unchanged(
    connection: sqlite3.Connection, chapter: Chapter, carried: Sequence[Carried], now_us: int
) -> Sequence[bytes]:
    """Take the lines over as they are."""
    return [line for part in carried for line in part.lines]


@dataclass(frozen=True, slots=True)
class _Standing:
    """The row of the log, the rows of its chapters, oldest first, and its view."""

    log: int
    rows: tuple[int, ...]
    view: LogView


class OwnRows:
    """One of our own logs. Remembers its head between transactions; `forget` after one that did not happen."""

    def __init__(self, name: str, nonce: Callable[[], int], to_fold: bool, carry: Carry = carry_unchanged) -> None:
        """`nonce` gives 64 random bits for the first epoch; `to_fold`: the fold reads this log."""
        self.name = name
        self._nonce = nonce
        self._to_fold = to_fold
        self._carry = carry
        self._standing: _Standing | None = None

    def forget(self) -> None:
        """Read the head from the file again when next needed."""
        self._standing = None

    def view(self, connection: sqlite3.Connection) -> LogView:
        """Give the log as it stands, creating it with its first epoch if there is none."""
        return self._stand(connection).view

    def append(self, connection: sqlite3.Connection, lines: Sequence[bytes], now_us: int) -> Position:
        """Add lines at the head. Raises `BadInput` ("too-long"), `ContractBroken` for a line feed in a line."""
        now = self._stand(connection)
        if not lines:
            return now.view.head
        for line in lines:
            if len(line) > MAX_LINE_BYTES:
                raise BadInput("too-long", f"an entry of {len(line)} bytes in log {self.name}")
            if b"\n" in line:
                raise ContractBroken("an entry holds a line feed")
        head = self._store(connection, now.log, now.rows[-1], now.view.head, lines)
        connection.execute(
            "UPDATE log SET committed = committed + ?, last_us = ? WHERE id = ?", (len(lines), now_us, now.log)
        )
        self._standing = _Standing(now.log, now.rows, LogView(now.view.lineage, now.view.first, head))
        return head

    def open_epoch(self, connection: sqlite3.Connection, chapter: Chapter, now_us: int) -> LogView:
        """Begin `chapter` and carry into it what is stored after its base. Raises `ContractBroken`."""
        now = self._stand(connection)
        base = chapter.base
        if base is None:
            raise ContractBroken("only a log's first epoch has no base")
        newest = max(
            Epoch.parse(name) for (name,) in connection.execute("SELECT name FROM epoch WHERE log = ?", (now.log,))
        )
        if chapter.epoch.generation <= newest.generation:
            raise ContractBroken(f"{chapter.epoch} does not come after {newest}")
        keep = self._chapters_up_to(connection, now, base)
        carried = [
            part
            for index, row in enumerate(now.rows)
            if index >= keep - 1
            for part in self._take_after(connection, row, base.seq if index == keep - 1 else 0)
        ]
        connection.executemany("UPDATE epoch SET told = 0 WHERE id = ?", [(row,) for row in now.rows[keep:]])
        lines = self._carry(connection, chapter, carried, now_us)
        row = self._new_epoch(connection, now.log, chapter)
        if lines:
            self._store(connection, now.log, row, chapter.origin(), lines)
        self._standing = None
        return self._stand(connection).view

    def _chapters_up_to(self, connection: sqlite3.Connection, now: _Standing, base: Position) -> int:
        """Count the chapters that stay told: up to the base's; none if the base's epoch is unknown here."""
        for index, (row, known) in enumerate(zip(now.rows, now.view.lineage, strict=True)):
            if known.epoch == base.epoch:
                own = known.origin().digest if base.seq == 0 else chunks.digests(connection, row, [base.seq])[base.seq]
                if own != base.digest:
                    raise ContractBroken(f"the base {base.epoch} {base.seq} is not what this log holds there")
                return index + 1
        if base.seq != 0:
            raise ContractBroken(f"the base's epoch {base.epoch} is not of this log")
        return 0

    def _take_after(self, connection: sqlite3.Connection, row: int, seq: int) -> Iterator[Carried]:
        """Remove what is stored after `seq` in an epoch, giving it; a chunk across the edge is cut."""
        cut = chunks.holding(connection, row, seq) if seq else None
        stored = connection.execute(
            "SELECT id, first, n, body FROM chunk WHERE epoch = ? AND first > ? ORDER BY first", (row, seq)
        ).fetchall()
        connection.execute("DELETE FROM chunk WHERE epoch = ? AND first > ?", (row, seq))
        if cut is not None and cut.end > seq + 1:
            stays = cut.lines[: seq + 1 - cut.first]
            connection.execute(
                "UPDATE chunk SET n = ?, body = ? WHERE id = ?", (len(stays), chunks.pack(stays), cut.id)
            )
            yield Carried(cut.id, row, seq + 1, cut.lines[len(stays) :])
        for chunk, first, n, body in stored:
            yield Carried(chunk, row, first, chunks.unpack(body, n))
        connection.execute("UPDATE epoch SET head = ? WHERE id = ?", (seq, row))

    def _store(
        self, connection: sqlite3.Connection, log: int, row: int, head: Position, lines: Sequence[bytes]
    ) -> Position:
        """Write chunks after `head` and move the epoch's head past them."""
        size = 0
        for part in _parts(lines):
            size += chunks.insert(connection, row, head.seq + 1, head.digest, part, None, self._to_fold)
            head = Position(head.epoch, head.seq + len(part), extend(head.digest, part))
        connection.execute("UPDATE epoch SET head = ? WHERE id = ?", (head.seq, row))
        connection.execute("UPDATE log SET bytes = bytes + ? WHERE id = ?", (size, log))
        return head

    def _new_epoch(self, connection: sqlite3.Connection, log: int, chapter: Chapter) -> int:
        base = chapter.base
        row = connection.execute(
            """INSERT INTO epoch (log, name, base_epoch, base_seq, base_digest, told)
               VALUES (?,?,?,?,?,1) RETURNING id""",
            (log, str(chapter.epoch))
            + ((None, None, None) if base is None else (str(base.epoch), base.seq, base.digest)),
        ).fetchone()
        connection.execute(
            """UPDATE epoch SET told = 0 WHERE log = ?1 AND id NOT IN
               (SELECT id FROM epoch WHERE log = ?1 AND told ORDER BY id DESC LIMIT ?2)""",
            (log, MAX_LINEAGE),
        )
        return int(row[0])

    def _stand(self, connection: sqlite3.Connection) -> _Standing:
        if self._standing is None:
            self._standing = self._load(connection)
        return self._standing

    def _load(self, connection: sqlite3.Connection) -> _Standing:
        log: int = connection.execute(
            "INSERT INTO log (name, folds) VALUES (?,?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
            (self.name, self._to_fold),
        ).fetchone()[0]
        rows = connection.execute(
            "SELECT id, name, base_epoch, base_seq, base_digest, head FROM epoch WHERE log = ? AND told ORDER BY id",
            (log,),
        ).fetchall()
        if not rows:
            self._new_epoch(connection, log, Chapter(Epoch(1, self._nonce())))
            return self._load(connection)
        lineage = tuple(
            Chapter(Epoch.parse(name), None if base is None else Position(Epoch.parse(base), seq, digest))
            for _, name, base, seq, digest, _ in rows
        )
        row, head = rows[-1][0], lineage[-1].origin()
        last: int = rows[-1][5]
        if last:
            digest = chunks.digests(connection, row, [last])[last]
            if digest is None:
                raise ContractBroken(f"log {self.name} does not hold its own head {last}")
            head = Position(head.epoch, last, digest)
        return _Standing(log, tuple(r[0] for r in rows), LogView(lineage, lineage[0].origin(), head))


def _parts(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for index, line in enumerate(lines):
        if index > start and (index - start == CHUNK_ENTRIES or size + len(line) > CHUNK_BYTES):
            yield lines[start:index]
            start, size = index, 0
        size += len(line)
    yield lines[start:]
