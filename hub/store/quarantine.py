"""Entries that have no effect on the books, kept with their bytes until something releases them."""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import bindparam, update

from hub.store import tables
from hub.store.epochs import EpochRow
from hub.store.sql import Sql
from hub.store.statements import putting
from protocol.errors import BadInput

UNKNOWN_ITEM = "unknown-item"
REFUSED_FRAME = "refused-frame"

_HELD: Final = tables.quarantine.c
_PUT: Final = putting(tables.quarantine, "epoch", "seq", "reason", "detail", "body", "at_us")
_HOLD: Final = _PUT.on_conflict_do_update(
    index_elements=["epoch", "seq"],
    set_={"reason": _PUT.excluded.reason, "detail": _PUT.excluded.detail, "released_us": None},
)
_HOLD_AGAIN: Final = (
    update(tables.quarantine)
    .where(_HELD.epoch == bindparam("epoch"), _HELD.seq == bindparam("seq"))
    .values(released_us=None)
)
_RELEASE: Final = (
    update(tables.quarantine)
    .where(_HELD.epoch == bindparam("epoch"), _HELD.seq == bindparam("seq"), _HELD.released_us.is_(None))
    .values(released_us=bindparam("now_us"))
)


class Bad(NamedTuple):
    """A line that cannot go into the books, where it stands, and why."""

    epoch: EpochRow
    seq: int
    line: bytes
    error: BadInput


def hold_again(connection: Sql, epoch: int, seq: int) -> None:
    """Note that an entry has no effect after all, if it was held back before."""
    connection.execute(_HOLD_AGAIN, {"epoch": epoch, "seq": seq})


def hold(connection: Sql, epoch: int, seq: int, reason: str, detail: str, body: bytes, now_us: int) -> None:
    """Hold an entry back, again if it was released before."""
    row = {"epoch": epoch, "seq": seq, "reason": reason, "detail": detail[:300], "body": body, "at_us": now_us}
    connection.execute(_HOLD, row)


def release(connection: Sql, epoch: int, seq: int, now_us: int) -> None:
    """Note that an entry took effect after all."""
    connection.execute(_RELEASE, {"epoch": epoch, "seq": seq, "now_us": now_us})
