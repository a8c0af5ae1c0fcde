"""The tables of a log's file: what is read and written, in SQL, and what a failing disk means.

entry        depth, line                  depths are contiguous; the line at a depth never changes
chapter      epoch, depth, base           which depths are which epoch's entries: `lineage`
checkpoint   depth, digest, wall_us       where `chaining` lets them fall
bounds       kept, acked                  what lies up to depth `kept` is pruned
note         key, value
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import apsw

from edge.buffer.chaining import Checkpoint
from edge.buffer.errors import LogCorrupt, LogFailing, LogFull, LogRefused
from edge.buffer.sqlite_file import open_file
from protocol.chain import Chapter, Position
from protocol.errors import BadInput
from protocol.identity import Epoch

_FOLD_WAL_PAGES = 1000
_FOLD_WAL_AT_LAST_PAGES = 4000
_SYNCS_REMEMBERED = 1024


class Tables:
    """An open log file, for the one thread that opened it. Whatever the storage does is a `LogRefused`."""

    def __init__(self, path: Path, vfs: str | None = None) -> None:
        """Open or create the file. Raises `LogUnusable` and its kinds."""
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._wal_pages = 0
        self._fold_at = _FOLD_WAL_PAGES
        self.syncs_us: deque[int] = deque(maxlen=_SYNCS_REMEMBERED)
        self.last_sync_s = 0.0
        self.commits = 0
        self._db = open_file(path, vfs)
        self._db.set_wal_hook(self._wal_grew)

    def close(self) -> None:
        """Close the file. What cannot be tidied now is found again at the next start."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do what follows durably or not at all. Raises `LogRefused` if it was not done."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            started = time.perf_counter_ns()
            self._db.execute("COMMIT")
            self.last_sync_s = (time.perf_counter_ns() - started) / 1e9
            self.syncs_us.append(round(self.last_sync_s * 1e6))
            self.commits += 1
        except apsw.Error as error:
            self._roll_back()
            raise refusal(error) from error
        except BaseException:
            self._roll_back()
            raise

    def chapters(self) -> tuple[Chapter, ...]:
        """Read the lineage; nothing in a new file."""
        told = self._ask(
            "SELECT epoch, depth, base_epoch, base_seq, base_digest, carried FROM chapter ORDER BY ordinal"
        )
        try:
            return tuple(
                Chapter(
                    Epoch.parse(epoch),
                    None if base_epoch is None else Position(Epoch.parse(base_epoch), seq, digest),
                    depth,
                    carried,
                )
                for epoch, depth, base_epoch, seq, digest, carried in told
            )
        except BadInput as error:
            raise LogCorrupt(f"a chapter cannot be read: {error}") from error

    def save_chapters(self, lineage: Iterable[Chapter]) -> None:
        """Write the lineage anew, inside a transaction."""
        self._db.execute("DELETE FROM chapter")
        for ordinal, chapter in enumerate(lineage):
            base = chapter.base
            told = (None, None, None) if base is None else (str(base.epoch), base.seq, base.digest)
            self._db.execute(
                "INSERT INTO chapter VALUES (?, ?, ?, ?, ?, ?, ?)",
                (ordinal, str(chapter.epoch), chapter.depth, *told, chapter.carried),
            )

    def bounds(self) -> tuple[int, int, int]:
        """Read the depths up to which is pruned, acknowledged by the reader, and stored."""
        found = self._ask("SELECT kept, acked, (SELECT max(depth) FROM entry) FROM bounds")
        if not found:
            raise LogCorrupt("nothing says what is pruned and acknowledged")
        kept, acked, last = found[0]
        return kept, acked, max(kept, last or 0)

    def save_bounds(self, kept: int, acked: int) -> None:
        """Write the depths up to which is pruned and acknowledged, inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO bounds VALUES (1, ?, ?)", (kept, acked))

    def insert_lines(self, after: int, lines: Sequence[bytes]) -> None:
        """Store lines at the depths that follow `after`, inside a transaction."""
        if len(lines) == 1:
            self._db.execute("INSERT INTO entry VALUES (?, ?)", (after + 1, lines[0]))
        elif lines:
            # One statement for all of them: half the time of one each, which pays for the chain.
            self._db.execute(
                "INSERT INTO entry SELECT ? + rowid, value FROM carray(?)", (after, apsw.carray(tuple(lines)))
            )

    def lines(self, after: int, count: int, max_bytes: int) -> list[bytes]:
        """Read up to `count` lines that follow depth `after`: one at least, then while they are within `max_bytes`."""
        found: list[bytes] = []
        taken = 0
        last = after
        with _storage():
            cursor = self._db.execute(
                "SELECT depth, line FROM entry WHERE depth BETWEEN ? AND ? ORDER BY depth", (after + 1, after + count)
            )
            for depth, line in cursor:
                taken += len(line)
                if found and taken > max_bytes:
                    break
                found.append(line)
                last = depth
            else:
                if len(found) < count:
                    raise LogCorrupt(f"of {count} lines after {after} only {len(found)} are there")
            cursor.close()
        if last != after + len(found):
            raise LogCorrupt(f"between {after} and {last} lines are missing")
        return found

    def insert_checkpoints(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Store checkpoints, inside a transaction."""
        for one in checkpoints:
            self._db.execute("INSERT INTO checkpoint VALUES (?, ?, ?)", (one.depth, one.digest, one.wall_us))

    def checkpoint_at_or_before(self, depth: int) -> Checkpoint | None:
        """Find the last checkpoint no deeper than `depth`."""
        found = self._ask(
            "SELECT depth, digest, wall_us FROM checkpoint WHERE depth <= ? ORDER BY depth DESC LIMIT 1", (depth,)
        )
        return Checkpoint(*found[0]) if found else None

    def marks(self, kept: int) -> list[tuple[int, int]]:
        """Read depth and time of all checkpoints from the last one no deeper than `kept`."""
        return self._ask(
            "SELECT depth, wall_us FROM checkpoint"
            " WHERE depth >= coalesce((SELECT max(depth) FROM checkpoint WHERE depth <= ?), 0) ORDER BY depth",
            (kept,),
        )

    def delete_lines(self, last: int) -> None:
        """Delete every line up to depth `last`, inside a transaction."""
        self._db.execute("DELETE FROM entry WHERE depth <= ?", (last,))

    def delete_checkpoints(self, last: int) -> None:
        """Forget every checkpoint up to depth `last`, inside a transaction."""
        self._db.execute("DELETE FROM checkpoint WHERE depth <= ?", (last,))

    def notes(self) -> dict[str, bytes]:
        """Read every note."""
        return dict(self._ask("SELECT key, value FROM note"))

    def save_notes(self, notes: Mapping[str, bytes | None]) -> None:
        """Write notes, deleting those that are None, inside a transaction."""
        for key, value in notes.items():
            if value is None:
                self._db.execute("DELETE FROM note WHERE key = ?", (key,))
            else:
                self._db.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (key, value))

    def used_bytes(self) -> int:
        """Tell what the rows take; pages freed by deleting are used again and do not count."""
        [(size,)] = self._ask(
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        return cast("int", size)

    def bytes_on_disk(self) -> int:
        """Tell how large the file and its write-ahead log are. For any thread."""
        return sum(file.stat().st_size for file in (self._path, self._wal) if file.exists())

    def tidy(self, *, idle: bool) -> None:
        """Fold the write-ahead log into the file if it has grown: sooner when nothing waits for the disk."""
        if self._wal_pages >= (self._fold_at if idle else max(self._fold_at, _FOLD_WAL_AT_LAST_PAGES)):
            try:
                self._db.wal_checkpoint()
                self._wal_pages = 0
                self._fold_at = _FOLD_WAL_PAGES
            except apsw.Error:
                # Nothing is lost: the WAL is part of the file. Try again when it has grown as much again.
                self._fold_at = self._wal_pages + _FOLD_WAL_PAGES

    def _ask(self, sql: str, values: tuple[int, ...] = ()) -> list[Any]:
        with _storage():
            return self._db.execute(sql, values).fetchall()

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


def refusal(error: apsw.Error) -> LogRefused:
    """Name what the storage did."""
    if isinstance(error, apsw.FullError):
        return LogFull(f"no room on the disk: {error}")
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError, apsw.SQLError)):
        return LogCorrupt(str(error))
    return LogFailing(f"{type(error).__name__}: {error}")


@contextmanager
def _storage() -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise refusal(error) from error
