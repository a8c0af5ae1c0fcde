"""The tables of a log's file: what is read and written, in SQL, and what a failing disk means.

entry        depth, line                  depths are contiguous; the line at a depth never changes
chapter      epoch, depth, base           which depths are which epoch's entries: `lineage`
checkpoint   depth, digest, wall_us       where `chaining` lets them fall
bounds       kept, acked                  what lies up to depth `kept` is pruned
note         key, value

One file although it is past 300 lines: whoever changes a table sees all the SQL there is for it.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import apsw

from edge.buffer import wal
from edge.buffer.chaining import Checkpoint
from edge.buffer.errors import LogCorrupt, LogFailing, LogFull, LogRefused
from edge.buffer.lineage import Hole
from edge.buffer.page_sums import PageSums
from edge.buffer.place import Place
from edge.buffer.reserve import Reserve, claim
from edge.buffer.sqlite_file import WAL_KEPT_BYTES, open_file
from edge.buffer.synced import SyncedNote
from protocol.chain import Chapter, Position
from protocol.errors import BadInput
from protocol.identity import Epoch

_FOLD_WAL_PAGES = 1000
_FOLD_WAL_AT_LAST_PAGES = 4000
_SYNCS_REMEMBERED = 1024
_STEP_BYTES = 1024 * 1024
"""What the reserve gives at a time."""
_GROWTH_BYTES = _STEP_BYTES - 64 * 1024
"""What the file takes of that at once: the rest is for what the file system needs to note it."""


class Tables:
    """An open log file, for the one thread that opened it. Whatever the storage does is a `LogRefused`."""

    def __init__(self, path: Path, vfs: str | None = None, reserve_bytes: int = 0) -> None:
        """Open or create the file. Raises `LogUnusable` and its kinds."""
        self._path = path
        self._wal = path.with_name(f"{path.name}-wal")
        self._thread_io = Path(f"/proc/self/task/{threading.get_native_id()}/io")
        self._written_before = self._thread_wrote()
        self._in_doubt = False
        self._left_some = False
        """A transaction that was not done may have left frames in the write-ahead log."""
        self._sound_frames: int | None = None
        """How many frames of it count; 0 once all is folded. None before this process knows."""
        self._is_short = False
        self._wal_pages = 0
        self._fold_at = _FOLD_WAL_PAGES
        self.syncs_us: deque[int] = deque(maxlen=_SYNCS_REMEMBERED)
        self.last_sync_s = 0.0
        self.commits = 0
        self._db = open_file(path, vfs)
        # Of a layer of somebody else's nothing is known by the file's path.
        self._sums = PageSums(path) if vfs is None else None
        self._synced = SyncedNote(path, self._wal)
        self._place = Place(path) if vfs is None else None
        self._db.set_wal_hook(self._wal_grew)
        self.reserve = Reserve(path.with_name(f"{path.name}-reserve"), reserve_bytes)
        self._claims = reserve_bytes > 0

    def close(self) -> None:
        """Close the file. What cannot be tidied now is found again at the next start."""
        if self._sums is None or self._fold(self._wal_pages or None):
            if self._sums is not None:
                self._sums.leave()
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        self._synced.close()
        if self._place is not None:
            self._place.close()
        self._db.close()

    def use(self, lineage: tuple[Chapter, ...]) -> None:
        """Have the pages guarded from now on (`page_sums`), and the write-ahead log missed if it should go.

        It is also made as large as it becomes: no scan shall wait for that.
        """
        if self._sums is None:
            return
        self._sums.lineage = lineage
        try:
            if not wal.begun(self._wal):
                self._commit_no_change()
            missed = True
        except (apsw.Error, OSError):
            self._roll_back()
            missed = False  # no room for it now
        self._sums.use(self._db.pragma("page_size"), missed=missed)
        if missed:
            self._claim_wal()

    def fold(self, lineage: tuple[Chapter, ...]) -> None:
        """Fold the write-ahead log now, because the epochs are these: what is lost with it can then still be named."""
        if self._sums is not None:
            self._sums.lineage = lineage
        self._fold_or_later()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do what follows durably or not at all. Raises `LogRefused` if it was not done."""
        if self._place is not None and not self._place.is_ours():
            raise LogFailing(f"{self._path} was taken away while it was open; what is written to it now would be gone")
        doubted = self._in_doubt
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            if self._is_short:
                self._claim_file()
            self._in_doubt = True
            started = time.perf_counter_ns()
            self._db.execute("COMMIT")
            self.last_sync_s = (time.perf_counter_ns() - started) / 1e9
            self._in_doubt = False
            if self._sums is not None:
                self._synced.frames_synced(self._wal_pages)
            self.syncs_us.append(round(self.last_sync_s * 1e6))
            self.commits += 1
        except apsw.Error as error:
            self._left_some = True
            if isinstance(error, apsw.FullError):
                self._in_doubt = doubted  # its last page was not written, so that it cannot stand there whole
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

    def holes(self) -> list[Hole]:
        """Read which lines among those that should be here are lost."""
        if not self._db.table_exists("main", "hole"):
            return []
        return [Hole(start, end) for start, end in self._ask("SELECT start, end FROM hole ORDER BY start")]

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

    def bytes_written(self) -> int | None:
        """Tell what was written to both since they were opened, None if the kernel does not count. For any thread.

        The thread that owns the file writes to nothing else, so this is its `wchar` of proc_pid_io(5). What the file
        system adds of its own, its journal and whole blocks, is not in it.
        """
        now = self._thread_wrote()
        return None if now is None or self._written_before is None else now - self._written_before

    def tidy(self, *, idle: bool) -> None:
        """Fold the write-ahead log into the file if it has grown: sooner when nothing waits for the disk.

        After a commit whose sync failed, first write over what it may have left: see `_settle_doubt`.
        """
        if self._in_doubt:
            self._settle_doubt()
        if self._left_some and self._sums is not None:
            self._wipe_left()
        self._claim_wal()
        can_wait = not idle and not self._is_short
        if self._wal_pages >= (max(self._fold_at, _FOLD_WAL_AT_LAST_PAGES) if can_wait else self._fold_at):
            self._fold_or_later()

    def make_room(self) -> bool:
        """Find room on a disk that has none left: from the reserve, or by using the write-ahead log anew.

        Says whether anything was gained. Whoever filled the disk is still at it: what the reserve gives is taken at
        once, here for the write-ahead log, by the next commit for the file. From here on no commit goes into the
        write-ahead log that could not be folded, or deleting could not make room either.
        """
        self._is_short = True
        self._set_growth(_GROWTH_BYTES)
        if self._wal_pages and self._fold_or_later():
            return True
        lacks = max(0, WAL_KEPT_BYTES - self._wal.stat().st_size) if self._wal.exists() else 0
        gave = self.reserve.give(lacks + _STEP_BYTES)
        if gave and lacks:
            claim(self._wal, WAL_KEPT_BYTES)
        return gave

    def keep_reserve(self) -> None:
        """Take back what was given up of the reserve, if the disk has room again."""
        self.reserve.keep()
        if self._is_short and not self.reserve.missing:
            self._is_short = False
            self._set_growth(0)

    def _fold_or_later(self) -> bool:
        if self._fold(self._wal_pages or None):
            self._wal_pages = self._sound_frames = 0
            self._fold_at = _FOLD_WAL_PAGES
            return True
        # Nothing is lost: the WAL is part of the file. Try again when it has grown as much again.
        self._fold_at = self._wal_pages + _FOLD_WAL_PAGES
        return False

    def _fold(self, frames: int | None) -> bool:
        if self._sums is not None and not self._sums.will_fold(frames):
            return False
        # Folded whole, it is begun anew by the next commit.
        self._synced.begun_anew()
        try:
            there, done = self._db.wal_checkpoint()
        except apsw.Error:
            return False
        return there == done

    def _settle_doubt(self) -> None:
        """Write over a commit that was refused because its sync failed.

        SQLite has forgotten it, but in the file it may stand whole: a process started now would find it there and take
        it for stored. The next commit is written in its place, so one that changes nothing is made; it need not be
        durable to be what the next process finds.
        """
        try:
            self._commit_no_change()
            self._in_doubt = False
        except apsw.Error:
            self._roll_back()

    def _wipe_left(self) -> None:
        """Wipe what a transaction left that was not done (`wal.forget_behind`), once it is known where that begins."""
        if self._sound_frames is None:
            return
        try:
            wal.forget_behind(self._wal, self._sound_frames)
            self._left_some = False
        except OSError:
            pass  # the disk is no better yet

    def _commit_no_change(self) -> None:
        """Write a page to the write-ahead log and sync it. An update to what is there already would write nothing."""
        rows = self._db.execute("SELECT * FROM bounds").fetchall()
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("DELETE FROM bounds")
        self._db.executemany("INSERT INTO bounds VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def _claim_wal(self) -> None:
        """Have the write-ahead log as large as it becomes. After a commit, whose sync makes its name durable too."""
        if self._claims:
            claim(self._wal, WAL_KEPT_BYTES)
            self._claims = False

    def _set_growth(self, step: int) -> None:
        """Have the file grow by `step` bytes at a time; 0 for as much as it needs (SQLITE_FCNTL_CHUNK_SIZE)."""
        chunk = ctypes.c_int(step)
        self._db.file_control("main", apsw.SQLITE_FCNTL_CHUNK_SIZE, ctypes.addressof(chunk))

    def _claim_file(self) -> None:
        """Have the file as large as its pages, with those about to be committed (SQLITE_FCNTL_SIZE_HINT)."""
        size = ctypes.c_longlong(self._db.pragma("page_count") * self._db.pragma("page_size"))
        try:
            self._db.file_control("main", apsw.SQLITE_FCNTL_SIZE_HINT, ctypes.addressof(size))
        except apsw.IOError as error:
            raise apsw.FullError("no room for the file to grow") from error

    def _thread_wrote(self) -> int | None:
        try:
            counts = dict(line.split(b": ") for line in self._thread_io.read_bytes().splitlines())
            return int(counts[b"wchar"])
        except (OSError, ValueError, KeyError):
            return None

    def _ask(self, sql: str, values: tuple[int, ...] = ()) -> list[Any]:
        with _storage():
            return self._db.execute(sql, values).fetchall()

    def _wal_grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._wal_pages = self._sound_frames = pages
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
