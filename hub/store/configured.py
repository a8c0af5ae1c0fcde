"""Settings that were given to positions, version by version as the journal has them.

What a new epoch of the journal carried on stands here under both names, and counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.store.epochs import EpochRow
from hub.store.sql import Row, Sql
from hub.store.statements import given, replacing
from hub.store.tables import configured, epoch
from protocol.configured import StationConfigured
from protocol.decisions import decode_journal_entry
from protocol.identity import HUB_STATION, EntryId, Epoch

_GIVEN: Final = configured.c
_PUT: Final = replacing(configured)
_WORDS: Final = select(_GIVEN.position, epoch.c.name, _GIVEN.seq, _GIVEN.line).join(epoch, epoch.c.id == _GIVEN.epoch)
_WORDS_OF: Final = _WORDS.where(_GIVEN.position == given("position", _GIVEN.position))


@dataclass(frozen=True, slots=True)
class ConfiguredRow:
    """A version of a position's settings, and the entry of the journal that gave it."""

    entry: EntryId
    word: StationConfigured


def take(sql: Sql, teller: EpochRow, seq: int, line: bytes, word: StationConfigured) -> None:
    """Take an entry of the journal; one that was taken before changes nothing."""
    sql.executemany(_PUT, [(word.position, teller.id, seq, line)])


def history(sql: Sql, position: str) -> tuple[ConfiguredRow, ...]:
    """List the versions of a position's settings, the newest first."""
    return tuple(reversed(_rows(sql.execute(_WORDS_OF, {"position": position}).fetchall())))


def newest(sql: Sql) -> tuple[ConfiguredRow, ...]:
    """List the settings that hold, by position."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sql.execute(_WORDS).fetchall():
        rows[row[0]].append(row)
    return tuple(_rows(rows[position])[-1] for position in sorted(rows))


def _rows(rows: Iterable[Row]) -> list[ConfiguredRow]:
    """Give the words in the journal's order, each once, under its newest name."""
    found: dict[bytes, ConfiguredRow] = {}
    for _, name, seq, line in sorted(rows, key=lambda row: (Epoch.parse(row[1]).generation, row[2])):
        word = decode_journal_entry(line)
        if not isinstance(word, StationConfigured):
            raise ContractBroken(f"entry {seq} of the journal's {name} gives no settings")
        found[line] = ConfiguredRow(EntryId(HUB_STATION, Epoch.parse(name), seq), word)
    return list(found.values())
