"""Who let whom in: what was said of identities and of service tokens, in the order in which the journal has it."""

from __future__ import annotations

from hub.errors import ContractBroken
from hub.store import identity_rows, token_words
from hub.store.sql import Sql
from protocol.decisions import decode_journal_entry
from protocol.identity import Epoch
from protocol.identity_words import IdentityWord
from protocol.service_tokens import TokenSaid

AuditWord = IdentityWord | TokenSaid


def audit(sql: Sql) -> tuple[AuditWord, ...]:
    """List all of it, the first first. What a new epoch of the journal carried on is told once."""
    rows = [row[1:] for row in sql.execute(identity_rows.WORDS).fetchall()]
    rows += sql.execute(token_words.WORDS).fetchall()
    found: dict[bytes, AuditWord] = {}
    for name, seq, line in sorted(rows, key=lambda row: (Epoch.parse(row[0]).generation, row[1])):
        word = decode_journal_entry(line)
        if not isinstance(word, AuditWord):
            raise ContractBroken(f"entry {seq} of the journal's {name} is no word on an identity or a token")
        found.setdefault(line, word)
    return tuple(found.values())
