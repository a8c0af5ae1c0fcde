"""The continuous archive: what is committed goes to a second medium, round by round, from where a lost file comes back.

The medium is the archive's memory. When it is begun, and again after every failure, the archive reads there how far it
came, and holds that against the file: a file that does not agree, because an older copy was put in its place by hand,
begins another life, as does one whose medium knows nothing of it. A life wants a backup of its own to begin from.
"""

from __future__ import annotations

from pathlib import Path

from hub.errors import TryAgain
from hub.store.archive_files import SEGMENT_BYTES, Segment, SegmentWriter, Start, read_segment, segments_in
from hub.store.archive_rounds import ArchiveCursor, Round
from hub.store.folder import sync_folder
from hub.store.store import HubStore
from hub.store.worker import Worker
from protocol.identity import StoreId

ARCHIVE = "archive"
"""The archive's folder on the medium. The medium's own is never made: without the medium, it must not be there."""


class Archive:
    """One store's archive, while its file is open. `close` it; twice is harmless."""

    def __init__(self, store: HubStore, name: StoreId, medium: Path) -> None:
        self._store = store
        self._name = name
        self._folder = medium / ARCHIVE
        self._thread = Worker("hub-archive")
        self._life: str | None = None
        self._cursor = ArchiveCursor()
        self._next = 1
        self._prior = b""
        self._writer: SegmentWriter | None = None

    @property
    def life(self) -> str | None:
        """The life that is archived, None until a medium was found."""
        return self._life

    async def tell(self) -> bool:
        """Archive what is new, a round at most; say whether more is waiting. Raises `TryAgain`, `BadInput`."""
        if self._life is None:
            await self._begin()
        told = await self._store.keeping.round_after(self._cursor)
        try:
            await self._thread.run(lambda: self._append(told))
        except OSError as error:
            # Whatever is on the medium now, it is looked at again.
            self._life = None
            raise TryAgain(f"{self._folder}: {error.strerror or error}") from error
        self._cursor.advance(told)
        return not told.whole

    async def turn(self) -> None:
        """End the segment: what comes next is in another, which a backup made now begins with."""
        await self._thread.run(self._close_segment)

    def segment(self, life: str) -> int | None:
        """Give the number of the segment that is being written, or will be."""
        if life != self._life:
            return None
        return self._next if self._writer is None else self._writer.number

    async def prune(self, oldest: dict[str, int]) -> None:
        """Remove segments that no kept backup needs: `oldest` names the first wanted, by life. Raises `TryAgain`."""
        try:
            await self._thread.run(lambda: self._prune(oldest))
        except OSError as error:
            raise TryAgain(f"{self._folder}: {error.strerror or error}") from error

    async def close(self) -> None:
        """End what is under way."""
        await self._thread.run(self._close_segment)
        self._thread.stop()

    async def _begin(self) -> None:
        keeping = self._store.keeping
        life = await keeping.life()
        try:
            await self._thread.run(self._close_segment)
            self._next, found = await self._thread.run(lambda: self._look(life))
        except OSError as error:
            raise TryAgain(f"{self._folder}: {error.strerror or error}") from error
        if life is None or found is None or not await keeping.agrees(found[0]):
            life = await keeping.begin_life()
            found = await keeping.archive_cursor(), b""
            self._next = 1
        self._cursor, self._prior = found
        self._life = life

    def _look(self, life: str | None) -> tuple[int, tuple[ArchiveCursor, bytes] | None]:
        """Find the number after the last segment of a life, and where the last that counts ends."""
        if not self._folder.is_dir():
            self._folder.mkdir()
            sync_folder(self._folder.parent)
        mine = [segment for segment in segments_in(self._folder, self._name) if segment.life == life]
        following = mine[-1].number + 1 if mine else 1
        for segment in reversed(mine):
            held = read_segment(segment.path)
            if held is not None:
                cursor = held.start.cursor()
                for told in held.rounds:
                    cursor.advance(told)
                return following, (cursor, held.digest)
        return following, None

    def _append(self, told: Round) -> None:
        writer = self._writer
        if writer is None and not self._folder.is_dir():
            raise FileNotFoundError(f"{self._folder} is not there")
        if writer is not None:
            writer.check()
        if not told.is_news and told.whole:
            return
        if writer is None:
            if self._life is None:
                raise OSError("the archive was not begun")
            cursor = self._cursor
            start = Start(
                self._name,
                self._life,
                told.at_us,
                self._prior,
                tuple(cursor.reached.values()),
                cursor.states,
                cursor.losses,
            )
            number, self._next = self._next, self._next + 1
            writer = self._writer = SegmentWriter(self._folder, number, start)
        writer.append(told)
        self._prior = writer.digest
        if writer.bytes >= SEGMENT_BYTES:
            self._close_segment()

    def _close_segment(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def _prune(self, oldest: dict[str, int]) -> None:
        for segment in segments_in(self._folder, self._name):
            is_foreign = segment.life != self._life and segment.life not in oldest
            if is_foreign or segment.number < oldest.get(segment.life, 0):
                segment.path.unlink(missing_ok=True)


def current_segment(medium: Path, name: StoreId, life: str) -> int | None:
    """Give the number of the newest segment of a life, as a command beside the hub sees it; None without any."""
    try:
        numbers = [segment.number for segment in segments_in(medium / ARCHIVE, name) if segment.life == life]
    except OSError:
        return None
    return max(numbers, default=None)


def segments_from(medium: Path, name: StoreId, life: str, first: int) -> list[Segment]:
    """List the segments of a life from number `first` on. Raises `TryAgain`."""
    try:
        found = segments_in(medium / ARCHIVE, name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise TryAgain(f"{medium / ARCHIVE}: {error.strerror or error}") from error
    return [segment for segment in found if segment.life == life and segment.number >= first]
