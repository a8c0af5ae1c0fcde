"""What leaves the file to be kept elsewhere and what comes back into it: lives, rounds of the archive, books anew."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from hub.store import archive_rounds, lives, refolding
from hub.store.announcing import Announcing
from hub.store.archive_rounds import ArchiveCursor, Round
from hub.store.database import Database
from hub.store.own_log import OwnLog
from hub.store.replaying import Replay
from hub.store.sql import Sql
from protocol.chain import Chapter
from protocol.decisions import TransferSaid
from protocol.identity import Epoch


class Keeping:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(
        self,
        database: Database,
        own: Sequence[OwnLog],
        replay: Replay,
        announcing: Announcing,
        now_us: Callable[[], int],
    ) -> None:
        self._database = database
        self._own = own
        self._replay = replay
        self._announcing = announcing
        self._now_us = now_us

    async def life(self) -> str | None:
        """Name the life of the file; None if nothing of it was ever kept elsewhere."""
        return await self._database.read(lives.read_life)

    async def begin_life(self) -> str:
        """Begin another life."""
        return await self._database.write(lives.begin_life)

    async def archive_cursor(self) -> ArchiveCursor:
        """Give the cursor of an archive that begins with what is durable now."""
        return await self._database.read(archive_rounds.cursor_at)

    async def agrees(self, cursor: ArchiveCursor) -> bool:
        """Say whether the file holds all that an archive was told of it."""
        reached, losses = tuple(cursor.reached.values()), cursor.losses
        return await self._database.read(lambda c: archive_rounds.agrees(c, reached, losses))

    async def round_after(self, cursor: ArchiveCursor) -> Round:
        """Read what is durable and new since `cursor`, of one moment."""
        return await self._database.read(lambda c: archive_rounds.round_after(c, cursor, self._now_us()))

    async def replay(self, rounds: Sequence[Round]) -> int:
        """Take rounds of this file's life, the last of them whole, in one transaction; count the entries that are new.

        What is held already is passed by. Raises `BadInput` ("archive-forks") for those of another life.
        """

        def job(connection: Sql) -> int:
            return self._replay.take(connection, rounds, self._now_us())

        return await self._database.write(job)

    async def withdraw(self, left_out: Sequence[TransferSaid]) -> None:
        """Tell head office of transfers that, without what was left out, nobody has spoken of; all is folded."""
        await self._database.write(lambda c: self._announcing.withdraw(c, left_out, self._now_us()))

    async def begin_epochs(self) -> None:
        """Open a new epoch of each of our own logs on its head, as a file must that was put back."""
        for log in self._own:
            await _begin_epoch(log)

    async def unfold(self) -> None:
        """Empty the books, so that folding on makes them anew of the logs; head office is then told all of it again."""
        feed = self._own[0]
        await _begin_epoch(feed)
        await self._database.write(lambda c: refolding.unfold(c, self._replay.fold))


async def _begin_epoch(log: OwnLog) -> None:
    view = log.view
    epoch = Epoch(view.head.epoch.generation + 1, secrets.randbits(64))
    await log.open_epoch(Chapter(epoch, view.head, view.depth))
