"""Decisions asked for under a key, made once: the key stands in the decision's own line in the journal.

The table here is only the way to find it. It is brought up to date from the journal in the very transaction that asks,
so that what a restored file has of the journal it also knows the keys of, and a decision carried into another epoch is
told by its new name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace
from sqlalchemy import bindparam, delete, select

from hub.errors import BadInput
from hub.store import chunks, meta, tables
from hub.store.epochs import JOURNAL, OF_LOGS, EpochRows
from hub.store.own_rows import OwnRows
from hub.store.sql import Sql
from hub.store.statements import replacing
from protocol.configured import StationConfigured
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.dated_words import DatedWord, SourceDeclared
from protocol.decisions import Adjustment, BasketEnded, HeldWord, PromiseWord, SafetyGiven, decode_journal_entry
from protocol.draining import DrainOpened
from protocol.errors import BadInput as BadBytes
from protocol.events import encode_entry
from protocol.hq_decisions import ConflictAnswered, FieldWritten
from protocol.identity import HUB_STATION, EntryId
from protocol.identity_words import Ended, IdentityWord, Invited
from protocol.period_words import Finality
from protocol.releases import ReleaseSaid
from protocol.service_tokens import TokenSaid

Keyed = (
    Adjustment
    | DatedWord
    | HeldWord
    | PromiseWord
    | CountPlanned
    | CountRuled
    | SourceDeclared
    | BasketEnded
    | Finality
    | ConflictAnswered
    | FieldWritten
)
"""Decisions that may be asked for under a key."""
_Said = Keyed | Invited | Ended | DrainOpened | StationConfigured | ReleaseSaid
"""Those of identities and of stations' settings, too, which are not decided at that door."""
KEPT_US: Final = 7 * 86_400_000_000
"""How long a key is remembered; used again later, it makes another decision."""
_READ_TO: Final = "keys-read-to"

_DECIDED: Final = tables.decided.c
_EPOCH: Final = tables.epoch.c
_CHUNK: Final = tables.chunk.c
_IS_TOLD: Final = _EPOCH.told != 0
_FIND: Final = (
    select(_DECIDED.fingerprint, _DECIDED.epoch, _DECIDED.seq)
    .join_from(tables.decided, tables.epoch, _EPOCH.id == _DECIDED.epoch)
    .where(_DECIDED.key == bindparam("key"), _DECIDED.at_us > bindparam("since_us"))
    .where(_IS_TOLD, _DECIDED.seq <= _EPOCH.head)
)
_EPOCHS_FROM: Final = (
    select(_EPOCH.id)
    .select_from(OF_LOGS)
    .where(tables.log.c.name == JOURNAL, _IS_TOLD, _EPOCH.id >= bindparam("epoch"))
    .order_by(_EPOCH.id)
)
_CHUNKS_AFTER: Final = (
    select(_CHUNK.first, _CHUNK.n, _CHUNK.body)
    .where(_CHUNK.epoch == bindparam("epoch"), _CHUNK.first > bindparam("seq"))
    .order_by(_CHUNK.first)
)
_PUT: Final = replacing(tables.decided, "key", "fingerprint", "epoch", "seq", "at_us")
_FORGET: Final = delete(tables.decided).where(_DECIDED.at_us <= bindparam("until_us"))


@dataclass(frozen=True, slots=True)
class Once:
    """Works in the writer's transactions."""

    journal: OwnRows
    epochs: EpochRows

    def made(self, connection: Sql, decision: _Said, now_us: int) -> EntryId | None:
        """Give the entry that a decision's key has made, None if it made none or there is no key.

        Raises `BadInput` ("key-reused") if what the key made says something else.
        """
        if not decision.key:
            return None
        self._read_on(connection, now_us)
        found = connection.execute(_FIND, {"key": decision.key, "since_us": now_us - KEPT_US}).fetchone()
        if found is None:
            return None
        entry = self.epochs.by_id(connection, found[1]).entry(found[2])
        if found[0] != _fingerprint(decision):
            raise BadInput("key-reused", f"it made {entry}, which says something else")
        return entry

    def make(
        self,
        connection: Sql,
        decision: Keyed | IdentityWord | StationConfigured | ReleaseSaid | TokenSaid,
        now_us: int,
    ) -> EntryId:
        """Append a decision. Raises `BadInput` ("too-long")."""
        head = self.journal.append(connection, [encode_entry(decision)], now_us)
        return EntryId(HUB_STATION, head.epoch, head.seq)

    def _read_on(self, connection: Sql, now_us: int) -> None:
        """Take up the keys of what the journal has got since this was last asked, whoever appended it."""
        self.journal.view(connection)
        at = meta.read(connection, _READ_TO)
        epoch, seq = (0, 0) if at is None else map(int, at.split("/"))
        rows = connection.execute(_EPOCHS_FROM, {"epoch": epoch}).fetchall()
        keyed: list[tuple[str, bytes, int, int, int]] = []
        for (row,) in rows:
            seq = seq if row == epoch else 0
            # Chunks of one append each, so the last that was read ends where it was read to.
            for first, n, body in connection.execute(_CHUNKS_AFTER, {"epoch": row, "seq": seq}).fetchall():
                for number, line in enumerate(chunks.unpack(body, n), first):
                    decision = _keyed(line)
                    if decision is not None and decision.at_us > now_us - KEPT_US:
                        keyed.append((decision.key, _fingerprint(decision), row, number, decision.at_us))
                seq = first + n - 1
            epoch = row
        connection.executemany(_PUT, keyed)
        connection.execute(_FORGET, {"until_us": now_us - KEPT_US})
        meta.write(connection, _READ_TO, f"{epoch}/{seq}")


def _keyed(line: bytes) -> _Said | None:
    try:
        entry = decode_journal_entry(line)
    except BadBytes:
        # Of a later release, perhaps; what it says is the fold's matter.
        return None
    return entry if isinstance(entry, _Said) and entry.key else None


def _fingerprint(decision: _Said) -> bytes:
    """Give the hash of what is decided and by whom: of all but the key and the moment, also where it holds from it."""
    if isinstance(decision, DatedWord | SourceDeclared | SafetyGiven) and decision.from_us == decision.at_us:
        decision = replace(decision, from_us=0)
    if isinstance(decision, StationConfigured):
        # Which version it became is not what was asked.
        decision = replace(decision, number=0)
    if isinstance(decision, Invited):
        # Who asks again brings another token, and perhaps another name that was drawn for it.
        decision = replace(decision, identity="", token_sha256="", expires_us=0)
    if isinstance(decision, DrainOpened):
        # For how long, not until when.
        decision = replace(decision, until_us=decision.until_us - decision.at_us)
    if isinstance(decision, Finality):
        # What it comes to is not what was asked.
        decision = replace(decision, part=1, parts=1, heads=(), rows=())
    return hashlib.sha256(encode_entry(replace(decision, key="", at_us=0))).digest()
