"""Entries that have no effect on the books, kept with their bytes until something releases them."""

from __future__ import annotations

from hub.store.sql import Sql

UNKNOWN_ITEM = "unknown-item"
REFUSED_FRAME = "refused-frame"


def hold(connection: Sql, epoch: int, seq: int, reason: str, detail: str, body: bytes, now_us: int) -> None:
    """Hold an entry back, again if it was released before."""
    connection.execute(
        """INSERT INTO quarantine VALUES (?,?,?,?,?,?,NULL) ON CONFLICT DO UPDATE
           SET reason = excluded.reason, detail = excluded.detail, released_us = NULL""",
        (epoch, seq, reason, detail[:300], body, now_us),
    )


def release(connection: Sql, epoch: int, seq: int, now_us: int) -> None:
    """Note that an entry took effect after all."""
    connection.execute(
        "UPDATE quarantine SET released_us = ? WHERE epoch = ? AND seq = ? AND released_us IS NULL",
        (now_us, epoch, seq),
    )
