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

from hub.errors import BadInput
from hub.store import chunks
from hub.store.epochs import JOURNAL, EpochRows
from hub.store.own_rows import OwnRows
from hub.store.sql import Sql
from protocol.decisions import Adjustment, decode_journal_entry
from protocol.errors import BadInput as BadBytes
from protocol.events import encode_entry
from protocol.identity import HUB_STATION, EntryId

KEPT_US: Final = 7 * 86_400_000_000
"""How long a key is remembered; used again later, it makes another decision."""
_READ_TO: Final = "keys-read-to"


@dataclass(frozen=True, slots=True)
class Once:
    """Works in the writer's transactions."""

    journal: OwnRows
    epochs: EpochRows

    def decide(self, connection: Sql, decision: Adjustment, now_us: int) -> tuple[EntryId, bool]:
        """Append a decision unless its key has made one; give the entry, and whether it was there before.

        Raises `BadInput` ("key-reused" if what the key made says something else, "too-long").
        """
        if decision.key:
            self._read_on(connection, now_us)
            found = connection.execute(
                """SELECT fingerprint, epoch, seq FROM decided JOIN epoch ON epoch.id = decided.epoch
                   WHERE key = ? AND at_us > ? AND told AND seq <= head""",
                (decision.key, now_us - KEPT_US),
            ).fetchone()
            if found is not None:
                entry = self.epochs.by_id(connection, found[1]).entry(found[2])
                if found[0] != _fingerprint(decision):
                    raise BadInput("key-reused", f"it made {entry}, which says something else")
                return entry, True
        head = self.journal.append(connection, [encode_entry(decision)], now_us)
        return EntryId(HUB_STATION, head.epoch, head.seq), False

    def _read_on(self, connection: Sql, now_us: int) -> None:
        """Take up the keys of what the journal has got since this was last asked, whoever appended it."""
        self.journal.view(connection)
        at = connection.execute("SELECT value FROM meta WHERE name = ?", (_READ_TO,)).fetchone()
        epoch, seq = (0, 0) if at is None else map(int, at[0].split("/"))
        rows = connection.execute(
            """SELECT epoch.id FROM epoch JOIN log ON log.id = epoch.log
               WHERE log.name = ? AND told AND epoch.id >= ? ORDER BY epoch.id""",
            (JOURNAL, epoch),
        ).fetchall()
        keyed: list[tuple[str, bytes, int, int, int]] = []
        for (row,) in rows:
            seq = seq if row == epoch else 0
            # Chunks of one append each, so the last that was read ends where it was read to.
            for first, n, body in connection.execute(
                "SELECT first, n, body FROM chunk WHERE epoch = ? AND first > ? ORDER BY first", (row, seq)
            ).fetchall():
                for number, line in enumerate(chunks.unpack(body, n), first):
                    decision = _keyed(line)
                    if decision is not None and decision.at_us > now_us - KEPT_US:
                        keyed.append((decision.key, _fingerprint(decision), row, number, decision.at_us))
                seq = first + n - 1
            epoch = row
        connection.executemany("INSERT OR REPLACE INTO decided VALUES (?,?,?,?,?)", keyed)
        connection.execute("DELETE FROM decided WHERE at_us <= ?", (now_us - KEPT_US,))
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (_READ_TO, f"{epoch}/{seq}"))


def _keyed(line: bytes) -> Adjustment | None:
    try:
        entry = decode_journal_entry(line)
    except BadBytes:
        # Of a later release, perhaps; what it says is the fold's matter.
        return None
    return entry if isinstance(entry, Adjustment) and entry.key else None


def _fingerprint(decision: Adjustment) -> bytes:
    """Give the hash of what is decided and by whom: of all but the key and the moment."""
    return hashlib.sha256(encode_entry(replace(decision, key="", at_us=0))).digest()
