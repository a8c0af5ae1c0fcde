"""The rows of a log that the hub itself writes, as the writer's thread sees them inside its transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import bindparam, delete, select, update

from hub.errors import BadInput, ContractBroken
from hub.store import chunks, tables
from hub.store.sql import Sql
from hub.store.statements import putting
from protocol.chain import Chapter, Position, extend
from protocol.frames import MAX_LINE_BYTES
from protocol.identity import Epoch
from protocol.replication.ports import LogView

CHUNK_ENTRIES = 1000
"""The most lines in one stored chunk."""
CHUNK_BYTES = 512 * 1024
"""The most line bytes in one stored chunk, unless a single line is longer."""

_LOG: Final = tables.log.c
_EPOCH: Final = tables.epoch.c
_CHUNK: Final = tables.chunk.c
_LOG_ID: Final = select(_LOG.id).where(_LOG.name == bindparam("name"))
_NEW_LOG: Final = putting(tables.log, "name", "folds").returning(_LOG.id)
_GROW: Final = (
    update(tables.log)
    .where(_LOG.id == bindparam("log"))
    .values(
        committed=_LOG.committed + bindparam("entries"),
        bytes=_LOG.bytes + bindparam("size"),
        last_us=bindparam("now_us"),
    )
)
_TAKE_UP: Final = update(tables.log).where(_LOG.id == bindparam("log")).values(bytes=_LOG.bytes + bindparam("size"))
_TOLD: Final = (
    select(
        *(_EPOCH.id, _EPOCH.head, _EPOCH.name, _EPOCH.base_epoch, _EPOCH.base_seq, _EPOCH.base_digest),
        *(_EPOCH.depth, _EPOCH.carried),
    )
    .where(_EPOCH.log == bindparam("log"), _EPOCH.told != 0)
    .order_by(_EPOCH.id)
)
_NEW_EPOCH: Final = putting(
    tables.epoch, "log", "name", "base_epoch", "base_seq", "base_digest", "depth", "carried", "told"
).returning(_EPOCH.id)
_TELL_NO_MORE: Final = update(tables.epoch).where(_EPOCH.id == bindparam("row")).values(told=0)
_MOVE_HEAD: Final = update(tables.epoch).where(_EPOCH.id == bindparam("row")).values(head=bindparam("head"))
_AFTER: Final = (_CHUNK.epoch == bindparam("row"), _CHUNK.first > bindparam("seq"))
_STORED_AFTER: Final = select(_CHUNK.id, _CHUNK.first, _CHUNK.n, _CHUNK.body).where(*_AFTER).order_by(_CHUNK.first)
_DROP_AFTER: Final = delete(tables.chunk).where(*_AFTER)
_CUT: Final = (
    update(tables.chunk).where(_CHUNK.id == bindparam("chunk")).values(n=bindparam("n"), body=bindparam("body"))
)


@dataclass(frozen=True, slots=True)
class Carried:
    """Entries that a new epoch takes over: where they stood (chunk row, epoch row, first seq), and their lines."""

    chunk: int
    epoch: int
    first: int
    lines: tuple[bytes, ...]


Carry = Callable[[Sql, Chapter, Sequence[Carried], int], Sequence[bytes]]
"""Called within the transaction that opens a chapter, with the hub's UTC in microseconds; gives the carried lines, as
many, as they stand in it."""


def carry_unchanged(connection: Sql, chapter: Chapter, carried: Sequence[Carried], now_us: int) -> Sequence[bytes]:
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

    def view(self, connection: Sql) -> LogView:
        """Give the log as it stands, creating it with its first epoch if there is none."""
        return self._stand(connection).view

    def append(self, connection: Sql, lines: Sequence[bytes], now_us: int) -> Position:
        """Add lines at the head. Raises `BadInput` ("too-long"), `ContractBroken` for a line feed in a line."""
        now = self._stand(connection)
        if not lines:
            return now.view.head
        for line in lines:
            if len(line) > MAX_LINE_BYTES:
                raise BadInput("too-long", f"an entry of {len(line)} bytes in log {self.name}")
            if b"\n" in line:
                raise ContractBroken("an entry holds a line feed")
        head, size = self._store(connection, now.rows[-1], now.view.head, lines)
        connection.execute(_GROW, {"log": now.log, "entries": len(lines), "size": size, "now_us": now_us})
        self._standing = _Standing(now.log, now.rows, LogView(now.view.lineage, now.view.first, head))
        return head

    def open_epoch(self, connection: Sql, chapter: Chapter, now_us: int) -> LogView:
        """Begin `chapter` and carry into it what is stored after its base. Raises `ContractBroken`."""
        now = self._stand(connection)
        index = self._index_of_base(connection, now, chapter)
        base = chapter.origin()
        carried = [
            part
            for row in now.rows[index:]
            for part in self._take_after(connection, row, _base_seq(chapter) if row == now.rows[index] else 0)
        ]
        first = next((part.lines[0] for part in carried), None)
        if chapter.carried is not None and (first is None or chapter.carried != extend(base.digest, [first])):
            raise ContractBroken(f"{chapter.epoch} carries something else than it says")
        connection.executemany(_TELL_NO_MORE, [(row,) for row in now.rows[index + 1 :]], ("row",))
        lines = self._carry(connection, chapter, carried, now_us)
        # Only what is the same entry as before may be told as such.
        same = bool(lines) and lines[0] == first
        row = self._new_epoch(
            connection, now.log, replace(chapter, carried=extend(base.digest, lines[:1]) if same else None)
        )
        if lines:
            _, size = self._store(connection, row, base, lines)
            connection.execute(_TAKE_UP, {"log": now.log, "size": size})
        self._standing = None
        return self._stand(connection).view

    @staticmethod
    def _index_of_base(connection: Sql, now: _Standing, chapter: Chapter) -> int:
        """Find the chapter that a new one is based on. Raises `ContractBroken` for what is no position of this log."""
        view, base = now.view, chapter.base
        index = None if base is None else view.index(base.epoch)
        if base is None or index is None or not 0 <= base.seq <= view.end_of(index):
            raise ContractBroken(f"{chapter.epoch} is not based on a position of this log")
        if chapter.epoch.generation <= view.head.epoch.generation:
            raise ContractBroken(f"{chapter.epoch} does not come after {view.head.epoch}")
        if chapter.depth != view.lineage[index].depth + base.seq:
            raise ContractBroken(f"{chapter.epoch} begins at depth {chapter.depth}, its base lies elsewhere")
        own = view.lineage[index].origin().digest
        if base.seq > 0 and chunks.digests(connection, now.rows[index], [base.seq])[base.seq] != base.digest:
            raise ContractBroken(f"{chapter.epoch} is based on what this log does not hold")
        if base.seq == 0 and own != base.digest:
            raise ContractBroken(f"{chapter.epoch} is based on what this log does not hold")
        return index

    def _take_after(self, connection: Sql, row: int, seq: int) -> Iterator[Carried]:
        """Remove what is stored after `seq` in an epoch, giving it; a chunk across the edge is cut."""
        cut = chunks.holding(connection, row, seq) if seq else None
        stored = connection.execute(_STORED_AFTER, {"row": row, "seq": seq}).fetchall()
        connection.execute(_DROP_AFTER, {"row": row, "seq": seq})
        if cut is not None and cut.end > seq + 1:
            stays = cut.lines[: seq + 1 - cut.first]
            connection.execute(_CUT, {"chunk": cut.id, "n": len(stays), "body": chunks.pack(stays)})
            yield Carried(cut.id, row, seq + 1, cut.lines[len(stays) :])
        for chunk, first, n, body in stored:
            yield Carried(chunk, row, first, chunks.unpack(body, n))
        connection.execute(_MOVE_HEAD, {"row": row, "head": seq})

    def _store(self, connection: Sql, row: int, head: Position, lines: Sequence[bytes]) -> tuple[Position, int]:
        """Write chunks after `head` and move the epoch's head past them; give the head, and the bytes they take."""
        size = 0
        for part in _parts(lines):
            size += chunks.insert(connection, row, head.seq + 1, head.digest, part, None, self._to_fold)
            head = Position(head.epoch, head.seq + len(part), extend(head.digest, part))
        connection.execute(_MOVE_HEAD, {"row": row, "head": head.seq})
        return head, size

    @staticmethod
    def _new_epoch(connection: Sql, log: int, chapter: Chapter) -> int:
        base = chapter.base
        row = {
            "log": log,
            "name": str(chapter.epoch),
            "base_epoch": None if base is None else str(base.epoch),
            "base_seq": None if base is None else base.seq,
            "base_digest": None if base is None else base.digest,
            "depth": chapter.depth,
            "carried": chapter.carried,
            "told": 1,
        }
        return int(connection.execute(_NEW_EPOCH, row).fetchone()[0])

    def _stand(self, connection: Sql) -> _Standing:
        if self._standing is None:
            self._standing = self._load(connection)
        return self._standing

    def _load(self, connection: Sql) -> _Standing:
        found = connection.execute(_LOG_ID, {"name": self.name}).fetchone()
        if found is None:
            found = connection.execute(_NEW_LOG, {"name": self.name, "folds": int(self._to_fold)}).fetchone()
        log = int(found[0])
        rows = connection.execute(_TOLD, {"log": log}).fetchall()
        if not rows:
            self._new_epoch(connection, log, Chapter(Epoch(1, self._nonce())))
            return self._load(connection)
        lineage = tuple(
            Chapter(
                Epoch.parse(name), None if base is None else Position(Epoch.parse(base), seq, digest), depth, carried
            )
            for _, _, name, base, seq, digest, depth, carried in rows
        )
        row, last = rows[-1][:2]
        head = lineage[-1].origin()
        if last:
            chain = chunks.digests(connection, row, [last])[last]
            if chain is None:
                raise ContractBroken(f"log {self.name} does not hold its own head {last}")
            head = Position(head.epoch, last, chain)
        first = next(chapter for chapter in reversed(lineage) if chapter.depth == 0).origin()
        return _Standing(log, tuple(r[0] for r in rows), LogView(lineage, first, head))


def _base_seq(chapter: Chapter) -> int:
    return 0 if chapter.base is None else chapter.base.seq


def _parts(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    start = size = 0
    for index, line in enumerate(lines):
        if index > start and (index - start == CHUNK_ENTRIES or size + len(line) > CHUNK_BYTES):
            yield lines[start:index]
            start, size = index, 0
        size += len(line)
    yield lines[start:]
