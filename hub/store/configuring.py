"""The door through which positions get their settings: a word in the journal and, at once, the row stations read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from hub.errors import BadInput
from hub.store import entry_bounds
from hub.store.configured import ConfiguredRow, history, newest
from hub.store.database import Database
from hub.store.deciding import Deciding
from hub.store.live_rows import LiveRows
from hub.store.sql import Sql
from protocol.catalogue import encode_row
from protocol.configured import StationConfigured
from protocol.errors import BadInput as BadBytes
from protocol.identity import EntryId
from protocol.station_settings import row_of


@dataclass(frozen=True, slots=True)
class Given:
    """What became of settings that were asked for: their entry and number; `repeated` if their key had made them."""

    entry: EntryId
    number: int
    repeated: bool


class StationSettings:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(self, database: Database, deciding: Deciding, live: LiveRows, now_us: Callable[[], int]) -> None:
        self._database = database
        self._deciding = deciding
        self._live = live
        self._now_us = now_us

    async def give(self, asked: StationConfigured, replaces: int | None = None) -> Given:
        """Make `asked` the next version, whatever number it bears, and send it on its way; once only under its key.

        Raises `BadInput`: "key-reused"; "bad-settings", "bad-place"; "settings-changed" where the version that holds is
        not `replaces`, if that is said; "version-unknown" for one that cannot be restored.
        """
        return await self._database.write(lambda c: self._give(c, asked, replaces))

    async def history(self, position: str) -> tuple[ConfiguredRow, ...]:
        """List the versions of a position's settings, the newest first."""
        return await self._database.read(lambda c: history(c, position))

    async def newest(self) -> tuple[ConfiguredRow, ...]:
        """List the settings that hold, by position."""
        return await self._database.read(newest)

    def _give(self, sql: Sql, asked: StationConfigured, replaces: int | None) -> Given:
        now_us, known = self._now_us(), history(sql, asked.position)
        made = self._deciding.once.made(sql, asked, now_us)
        if made is not None:
            return Given(made, next(row.word.number for row in known if row.entry == made), True)
        holds = known[0].word.number if known else 0
        if replaces is not None and replaces != holds:
            raise BadInput("settings-changed", f"version {holds} holds by now, not {replaces}")
        if asked.restores and all(row.word.number != asked.restores for row in known):
            raise BadInput("version-unknown", f"{asked.position} has had no version {asked.restores}")
        word = replace(asked, number=holds + 1)
        entry_bounds.check(word)
        try:
            line = encode_row(row_of(word.position, word.version))
        except BadBytes as error:
            raise BadInput(error.name, error.detail) from error
        entry = self._deciding.say(sql, word, now_us)
        self._live.apply(sql, [line], now_us)
        return Given(entry, word.number, False)
