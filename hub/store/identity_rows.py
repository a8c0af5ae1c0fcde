"""What was said of identities, word by word as the journal has it, and what each is by all of it.

An identity is what `protocol.identity_words.after` makes of its words in the journal's order. What a new epoch of the
journal carried on stands here under both names, and counts once; what may not follow is without effect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy import select

from hub.errors import ContractBroken
from hub.store.epochs import EpochRow
from hub.store.sql import Row, Sql
from hub.store.statements import given, replacing
from hub.store.tables import epoch, identity_word
from protocol.decisions import decode_journal_entry
from protocol.errors import BadInput
from protocol.identity import Epoch
from protocol.identity_words import IdentityWord, Invited, Standing, after

_WORD: Final = identity_word.c
_PUT: Final = replacing(identity_word)
WORDS: Final = select(_WORD.identity, epoch.c.name, _WORD.seq, _WORD.line).join(epoch, epoch.c.id == _WORD.epoch)
_WORDS_OF: Final = WORDS.where(_WORD.identity == given("identity", _WORD.identity))
_INVITED_BY: Final = select(_WORD.identity).where(_WORD.token == given("token", _WORD.token)).limit(1)


def take(sql: Sql, teller: EpochRow, seq: int, line: bytes, word: IdentityWord) -> None:
    """Take an entry of the journal; one that was taken before changes nothing."""
    token = word.token_sha256 if isinstance(word, Invited) else None
    sql.executemany(_PUT, [(word.identity, teller.id, seq, token, line)])


def standing(sql: Sql, identity: str) -> Standing | None:
    """Say what an identity is; None: nothing was ever said of it."""
    return _standing(sql.execute(_WORDS_OF, {"identity": identity}).fetchall())


def standings(sql: Sql) -> tuple[Standing, ...]:
    """List all identities by name."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    for row in sql.execute(WORDS).fetchall():
        rows[row[0]].append(row)
    found = (_standing(rows[name]) for name in sorted(rows))
    return tuple(each for each in found if each is not None)


def invited_by(sql: Sql, token_sha256: str) -> Standing | None:
    """Give the identity whose last invitation has this token."""
    row = sql.execute(_INVITED_BY, {"token": token_sha256}).fetchone()
    found = None if row is None else standing(sql, row[0])
    return found if found is not None and found.invitation.token_sha256 == token_sha256 else None


def history(sql: Sql, identity: str) -> tuple[IdentityWord, ...]:
    """List what was said of an identity, the first first."""
    return tuple(_words(sql.execute(_WORDS_OF, {"identity": identity}).fetchall()))


def _standing(rows: Iterable[Row]) -> Standing | None:
    found: Standing | None = None
    for word in _words(rows):
        try:
            found = after(found, word)
        except BadInput:
            # Of a history that was cut off: what it followed is not here.
            continue
    return found


def _words(rows: Iterable[Row]) -> Iterable[IdentityWord]:
    """Give the words in the journal's order, each once."""
    seen: set[bytes] = set()
    for _, name, seq, line in sorted(rows, key=lambda row: (Epoch.parse(row[1]).generation, row[2])):
        if line in seen:
            continue
        seen.add(line)
        word = decode_journal_entry(line)
        if not isinstance(word, IdentityWord):
            raise ContractBroken(f"entry {seq} of the journal's {name} is no word on an identity")
        yield word
