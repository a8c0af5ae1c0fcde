"""What was said of releases: a word for each time somebody offered or withdrew one, the last one of each holds."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.store.epochs import EpochRow
from hub.store.sql import Sql
from hub.store.statements import replacing
from hub.store.tables import epoch, release_said
from protocol.decisions import decode_journal_entry
from protocol.identity import Epoch
from protocol.releases import ReleaseSaid

_SAID: Final = release_said.c
_PUT: Final = replacing(release_said)
_WORDS: Final = select(epoch.c.name, _SAID.seq, _SAID.line).join(epoch, epoch.c.id == _SAID.epoch)


def take(sql: Sql, teller: EpochRow, seq: int, line: bytes, word: ReleaseSaid) -> None:
    """Take an entry of the journal; one that was taken before changes nothing."""
    sql.executemany(_PUT, [(word.release, teller.id, seq, line)])


def standing(sql: Sql) -> tuple[ReleaseSaid, ...]:
    """List the releases by the word that holds of each, the one spoken of last at the end."""
    last: dict[str, ReleaseSaid] = {}
    for name, seq, line in sorted(
        sql.execute(_WORDS).fetchall(), key=lambda row: (Epoch.parse(row[0]).generation, row[1])
    ):
        word = decode_journal_entry(line)
        if not isinstance(word, ReleaseSaid):
            raise ContractBroken(f"entry {seq} of the journal's {name} says nothing of a release")
        last.pop(word.release, None)
        last[word.release] = word
    return tuple(last.values())
