"""Tells head office, in the store feed, how far transfers are and what became of its figures.

A transfer and a conflict are what many lines come to, and not all of those change anything worth telling: what was told
last is remembered by its digest, and told again, as another revision, only if it is not the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from typing import Final

from sqlalchemy import select

from hub.ledger.transfers import Route, TransferState
from hub.store import tables
from hub.store.own_rows import OwnRows
from hub.store.sql import Sql
from hub.store.stated import Disputed, Stated
from hub.store.stated_queries import ConflictRow, conflict
from hub.store.statements import given, replacing
from hub.store.telling import Teller
from hub.store.transfers import Transfers, transfer
from protocol.decisions import TransferSaid
from protocol.feed_documents import Phase
from protocol.identity import PlaceId, StoreId

_announced = tables.announced.c
_LAST: Final = select(_announced.told, _announced.digest).where(_announced.entry == given("entry", _announced.entry))
_TOLD: Final = replacing(tables.announced)
_conflict = tables.conflict.c
_ALL_CONFLICTS: Final = select(_conflict.document, _conflict.item, _conflict.area).order_by(
    _conflict.at_us, _conflict.document, _conflict.item, _conflict.area
)


class Announcing:
    """Works in the writer's transactions, once all is folded."""

    def __init__(self, store: StoreId, feed: OwnRows, transfers: Transfers, stated: Stated) -> None:
        self._store = store
        self._feed = feed
        self._transfers = transfers
        self._stated = stated
        self._teller = Teller(store)
        self._unnumbered = Teller(store)

    def tell(self, sql: Sql, now_us: int) -> None:
        """Append to the feed what stands otherwise than it was told."""
        documents = self._transfers.news(sql, now_us)
        changed = self._stated.changed()
        if changed is None:
            changed = {Disputed(*row) for row in sql.execute(_ALL_CONFLICTS).fetchall()}
        if not documents and not changed:
            return
        self._teller.begin(self._feed.view(sql).head.epoch)
        lines: list[bytes] = []
        for document in sorted(documents):
            state = transfer(sql, self._store, document)
            if state is not None:
                entry = f"transfer/{document}"
                lines += self._said(sql, entry, partial(_transfer, entry, state))
        for about in sorted(changed):
            row = conflict(sql, about)
            if row is not None:
                entry = "/".join(("conflict", *about))
                lines += self._said(sql, entry, partial(_conflict_line, entry, row))
        self._feed.append(sql, lines, now_us)

    def withdraw(self, sql: Sql, left_out: Iterable[TransferSaid], now_us: int) -> None:
        """Tell head office of transfers that are known no more, by what a restore left out of them; all is folded."""
        self._teller.begin(self._feed.view(sql).head.epoch)
        lines: list[bytes] = []
        for document, said in {said.document: said for said in left_out}.items():
            if transfer(sql, self._store, document) is None:
                entry = f"transfer/{document}"
                lines += self._said(sql, entry, partial(_transfer, entry, _nothing_known(said)))
        self._feed.append(sql, lines, now_us)

    def _said(self, sql: Sql, entry: str, say: Callable[[Teller, int], list[bytes]]) -> list[bytes]:
        """Give what is to be told of an entry, nothing if that was told last."""
        last = sql.execute(_LAST, {"entry": entry}).fetchone()
        told = 0 if last is None else int(last[0])
        digest = sha256(b"\n".join(say(self._unnumbered, 0))).digest()
        if last is not None and last[1] == digest:
            return []
        sql.executemany(_TOLD, [(entry, told + 1, digest)])
        return say(self._teller, told + 1)


def _transfer(entry: str, state: TransferState, teller: Teller, told: int) -> list[bytes]:
    return teller.transfer(entry, told, state)


def _nothing_known(said: TransferSaid) -> TransferState:
    route = Route(StoreId(said.from_store), PlaceId(said.from_area), StoreId(said.to_store), PlaceId(said.to_area))
    return TransferState(said.document, Phase.WITHDRAWN, route, (), None, None, None)


def _conflict_line(entry: str, row: ConflictRow, teller: Teller, told: int) -> list[bytes]:
    return [teller.conflict(entry, told, row)]
