"""What was said of service tokens, as the journal has it: of each that it was made, and that it was revoked, once."""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.store.epochs import EpochRow
from hub.store.sql import Sql
from hub.store.statements import replacing
from hub.store.tables import epoch, token_said
from protocol.decisions import decode_journal_entry
from protocol.identity import Epoch
from protocol.service_tokens import TokenSaid

_SAID: Final = token_said.c
_PUT: Final = replacing(token_said)
_KEYS: Final = select(_SAID.token, _SAID.revoked)
WORDS: Final = select(epoch.c.name, _SAID.seq, _SAID.line).join(epoch, epoch.c.id == _SAID.epoch)
"""All of them: the name of the journal's epoch, seq and line."""


def take(sql: Sql, teller: EpochRow, seq: int, line: bytes, word: TokenSaid) -> None:
    """Take an entry of the journal; one that was taken before changes nothing."""
    sql.executemany(_PUT, [(word.token, int(word.revoked), teller.id, seq, line)])


def said(sql: Sql) -> frozenset[tuple[str, bool]]:
    """List the tokens of which a word was said: (token, whether the word is that it was revoked)."""
    return frozenset((token, bool(revoked)) for token, revoked in sql.execute(_KEYS).fetchall())


def words(sql: Sql) -> tuple[TokenSaid, ...]:
    """List the words in the journal's order, each once."""
    found: dict[bytes, TokenSaid] = {}
    rows = sql.execute(WORDS).fetchall()
    for name, seq, line in sorted(rows, key=lambda row: (Epoch.parse(row[0]).generation, row[1])):
        word = decode_journal_entry(line)
        if not isinstance(word, TokenSaid):
            raise ContractBroken(f"entry {seq} of the journal's {name} says nothing of a token")
        found.setdefault(line, word)
    return tuple(found.values())
