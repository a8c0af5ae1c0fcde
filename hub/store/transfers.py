"""Transfers of goods: what was said of each, by this store and by head office, and what moved under its document.

What is said comes in two logs, the journal (`TransferSaid`) and head office's documents; both are kept here line by
line, so that a transfer is what `hub.ledger.transfers.settle` makes of them, whichever came first. What moved is not
kept a second time: it is the entries of the books that carry the document.

Beyond 300 lines because what is said and what is asked of a transfer are the same lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, tuple_

from hub.errors import BadInput, ContractBroken
from hub.ledger.entries import Delta, Entry, Reversal
from hub.ledger.transfers import Moved, Route, Said, TransferState, settle
from hub.store import tables
from hub.store.epochs import JOURNAL, OF_LOGS, EpochRow, EpochRows
from hub.store.own_rows import OwnRows
from hub.store.reading import NO_ITEM
from hub.store.sql import Sql
from hub.store.statements import given, greatest, putting, replacing
from protocol.decisions import Adjustment, TransferSaid, TransferStep, decode_journal_entry
from protocol.documents import (
    FieldsSet,
    StockStated,
    TransferApproved,
    TransferClosed,
    TransferDocument,
    TransferMoved,
    decode_document,
)
from protocol.events import Reason, encode_entry
from protocol.feed_documents import Phase
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StoreId

LOOKED_AFTER_US: Final = 90 * 86_400_000_000
"""How long after its last word a closed transfer is looked after for goods that were found, or missed, after all."""
WRITER: Final = "hub"
WRITTEN_OFF: Final = "the transfer is closed, and this is what it did not account for"
MAX_PAGE: Final = 500
_OPEN: Final = select(tables.transfer.c.document).where(tables.transfer.c.closed == 0)

_TRANSFER: Final = tables.transfer.c
_LINE: Final = tables.transfer_line.c
_ENTRY: Final = tables.entry.c
_IS: Final = _TRANSFER.document == bindparam("document")
_INBOUND: Final = select(_TRANSFER.document).where(_TRANSFER.inbound != 0)
_IS_INBOUND: Final = select(_TRANSFER.inbound).where(_IS)
_CLOSED: Final = select(_TRANSFER.document).where(_TRANSFER.closed != 0, _TRANSFER.said_us > bindparam("since_us"))
_RECENT: Final = select(_TRANSFER.document).where((_TRANSFER.closed == 0) | (_TRANSFER.said_us > bindparam("since_us")))
_DOCUMENT_OF: Final = select(_ENTRY.document).where(_ENTRY.epoch == bindparam("epoch"), _ENTRY.seq == bindparam("seq"))
_KEEP_LINE: Final = replacing(tables.transfer_line)
_PUT: Final = putting(tables.transfer)
_KEEP: Final = _PUT.on_conflict_do_update(
    index_elements=["document"],
    set_={
        "said_us": greatest(_TRANSFER.said_us, _PUT.excluded.said_us),
        "inbound": _PUT.excluded.inbound,
        "closed": _PUT.excluded.closed,
    },
)
_AGAIN: Final = replacing(tables.redocument)
_PLACE: Final = select(_TRANSFER.said_us, _TRANSFER.document).where(_IS)
_BELOW: Final = (
    select(_TRANSFER.document)
    .where(
        tuple_(_TRANSFER.said_us, _TRANSFER.document)
        < tuple_(given("said_us", _TRANSFER.said_us), given("document", _TRANSFER.document))
    )
    .order_by(_TRANSFER.said_us.desc(), _TRANSFER.document.desc())
    .limit(bindparam("limit"))
)
_SAID: Final = (
    select(tables.epoch.c.name, _LINE.seq, _LINE.by_hq, _LINE.line)
    .join_from(tables.transfer_line, tables.epoch, tables.epoch.c.id == _LINE.epoch)
    .where(_LINE.document == bindparam("document"))
    .order_by(_LINE.epoch, _LINE.seq)
)
_MOVED: Final = (
    select(tables.scope.c.item, _ENTRY.qty_milli, tables.log.c.name)
    .select_from(
        OF_LOGS.join(tables.entry, _ENTRY.epoch == tables.epoch.c.id).join(
            tables.scope, tables.scope.c.id == _ENTRY.scope
        )
    )
    .where(_ENTRY.document == bindparam("document"), _ENTRY.kind == 0)
    .where(_ENTRY.reason == Reason.TRANSFER.value, _ENTRY.reversed_by.is_(None), tables.scope.c.item != NO_ITEM)
    .order_by(_ENTRY.epoch, _ENTRY.seq)
)


@dataclass(frozen=True, slots=True)
class TransferPage:
    """Transfers, the one that was spoken of last first; `next` asks for the page after, None at the end."""

    transfers: tuple[TransferState, ...]
    next: str | None


class Transfers:
    """Takes what is said, in the writer's thread. `forget` after a transaction that did not happen."""

    def __init__(self, store: StoreId, epochs: EpochRows) -> None:
        self._store = store
        self._epochs = epochs
        self._inbound: set[str] | None = None
        self._touched: set[str] | None = None
        """Documents to be looked at again; None for all of them."""
        self._news: set[str] | None = None
        """Likewise those that head office may have to be told of."""

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self._inbound = None
        self._touched = None
        self._news = None

    def is_inbound(self, connection: Sql, document: str) -> bool:
        """Say whether goods of a document are approved to come to this store: what is received comes out of transit."""
        if self._inbound is None:
            self._inbound = {name for (name,) in connection.execute(_INBOUND)}
        return document in self._inbound

    def take(self, connection: Sql, epoch: EpochRow, seq: int, line: bytes, said: TransferSaid) -> None:
        """Take a line of the journal."""
        self._keep(connection, epoch, seq, line, said.document, said.at_us, by_hq=False)

    def take_document(
        self, connection: Sql, epoch: EpochRow, seq: int, line: bytes, document: TransferDocument
    ) -> None:
        """Take a line of head office's documents."""
        self._keep(connection, epoch, seq, line, document.document, document.at_us, by_hq=True)

    def filed(self, connection: Sql, entries: Iterable[Entry]) -> None:
        """Learn what went into the books."""
        for entry in entries:
            document = None
            if isinstance(entry, Delta):
                document = entry.document
            elif isinstance(entry, Reversal):
                document = self._document_of(connection, entry.reverses)
            if document is not None:
                self._touch(document)

    def news(self, connection: Sql, now_us: int) -> set[str]:
        """Give the documents that may stand otherwise than when this was last asked."""
        news, self._news = self._news, set()
        if news is None:
            return {name for (name,) in connection.execute(_RECENT, {"since_us": now_us - LOOKED_AFTER_US}).fetchall()}
        return news

    def _touch(self, document: str) -> None:
        for touched in (self._touched, self._news):
            if touched is not None:
                touched.add(document)

    def _document_of(self, connection: Sql, entry: EntryId) -> str | None:
        """Give the document of what is taken back; an entry that has none is not even in this table, mostly."""
        epoch = self._epochs.of_entry(connection, entry)
        if epoch is None:
            return None
        row = connection.execute(_DOCUMENT_OF, {"epoch": epoch.id, "seq": entry.seq}).fetchone()
        return None if row is None else row[0]

    def write_off(self, connection: Sql, journal: OwnRows, now_us: int) -> None:
        """Post what closed transfers that left this store have not accounted for; to be called when all is folded."""
        touched, self._touched = self._touched, set()
        if touched is not None and not touched:
            return
        rows = connection.execute(_CLOSED, {"since_us": now_us - LOOKED_AFTER_US}).fetchall()
        lines: list[bytes] = []
        for (name,) in rows:
            if touched is None or name in touched:
                lines += [encode_entry(each) for each in self._missing(connection, name, now_us)]
        journal.append(connection, lines, now_us)

    def _missing(self, connection: Sql, document: str, now_us: int) -> Iterable[Adjustment]:
        """Take what is left out of transit, back to where it left, and from there to shrink."""
        kept = _load(connection, self._store, document)
        route = kept.state.route
        if route is None or route.from_store != self._store or not kept.both_ends_known:
            return
        for item, milli in kept.state.transit.items():
            for qty_milli, reason in ((milli, Reason.TRANSFER), (-milli, Reason.ADJUSTMENT)):
                yield Adjustment(now_us, item, route.from_area, qty_milli, reason, document, WRITER, WRITTEN_OFF)

    def _keep(
        self,
        connection: Sql,
        epoch: EpochRow,
        seq: int,
        line: bytes,
        document: str,
        at_us: int,
        *,
        by_hq: bool,
    ) -> None:
        row = {"document": document, "epoch": epoch.id, "seq": seq, "by_hq": int(by_hq), "line": line}
        connection.execute(_KEEP_LINE, row)
        state = _load(connection, self._store, document).state
        approved = state.approved
        route = None if approved is None else approved.route
        inbound = route is not None and route.to_store == self._store
        was = is_inbound(connection, document)
        closed = int(state.closed is not None)
        connection.execute(_KEEP, {"document": document, "said_us": at_us, "inbound": int(inbound), "closed": closed})
        if inbound != was:
            self._inbound = None
            # What was received by it so far is read anew.
            connection.execute(_AGAIN, {"document": document})
        self._touch(document)


def is_inbound(connection: Sql, document: str) -> bool:
    """Say what `Transfers.is_inbound` says, without remembering."""
    row = connection.execute(_IS_INBOUND, {"document": document}).fetchone()
    return row is not None and bool(row[0])


def transfer(connection: Sql, store: StoreId, document: str) -> TransferState | None:
    """See `HubStore.transfer`."""
    known = connection.execute(_PLACE, {"document": document}).fetchone()
    return None if known is None else _load(connection, store, document).state


def transfers(connection: Sql, store: StoreId, after: str | None, limit: int) -> TransferPage:
    """See `HubStore.transfers`."""
    limit = max(1, min(limit, MAX_PAGE))
    said_us, document = 1 << 62, ""
    if after is not None:
        row = connection.execute(_PLACE, {"document": after}).fetchone()
        if row is None:
            raise BadInput("bad-page", f"{after[:80]!r} is no transfer")
        said_us, document = row
    bound = {"said_us": said_us, "document": document, "limit": limit + 1}
    rows = connection.execute(_BELOW, bound).fetchall()
    found = tuple(_load(connection, store, name).state for (name,) in rows[:limit])
    return TransferPage(found, found[-1].document if len(rows) > limit else None)


def open_transfers(connection: Sql, store: StoreId) -> tuple[TransferState, ...]:
    """See `HubStore.open_transfers`."""
    return tuple(_load(connection, store, name).state for (name,) in connection.execute(_OPEN).fetchall())


def check(connection: Sql, store: StoreId, said: TransferSaid) -> None:
    """Hold what somebody at the hub wants to say of a transfer against what was said before.

    Raises `BadInput`: "transfer-exists", "transfer-unknown", "not-ours" (head office says that of a transfer between
    stores), "transfer-closed", "not-approved".
    """
    state = transfer(connection, store, said.document)
    if said.step is TransferStep.DRAFT:
        if state is not None:
            raise BadInput("transfer-exists", f"{said.document} is {state.phase.value} already")
        if store not in (said.from_store, said.to_store):
            raise BadInput("not-ours", f"{said.document} neither leaves {store} nor comes to it")
        return
    if state is None or state.route is None:
        raise BadInput("transfer-unknown", f"nobody has drafted {said.document}")
    if state.route.from_store != state.route.to_store:
        raise BadInput("not-ours", f"head office approves and closes {said.document}, which goes to another store")
    if state.closed is not None:
        raise BadInput("transfer-closed", f"{said.document} is closed")
    if said.step is TransferStep.CLOSE and state.phase is Phase.DRAFT:
        raise BadInput("not-approved", f"nobody has approved {said.document}")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A transfer, and whether all of its ends have told what they did."""

    state: TransferState
    both_ends_known: bool


def _load(connection: Sql, store: StoreId, document: str) -> _Kept:
    said: list[Said] = []
    told: dict[str, tuple[tuple[int, int], TransferMoved]] = {}
    for epoch, seq, by_hq, line in connection.execute(_SAID, {"document": document}).fetchall():
        number = (Epoch.parse(epoch).generation, seq)
        if by_hq:
            spoken = decode_document(line)
            if isinstance(spoken, StockStated | FieldsSet):
                raise ContractBroken(f"{document} is no transfer")
            if isinstance(spoken, TransferMoved):
                if spoken.store not in told or told[spoken.store][0] < number:
                    told[spoken.store] = (number, spoken)
                continue
            said.append(_said_by_hq(spoken, number))
        else:
            ours = decode_journal_entry(line)
            # A transfer that crosses stores is head office's to approve and to close.
            if isinstance(ours, TransferSaid) and (ours.step is TransferStep.DRAFT or ours.from_store == ours.to_store):
                said.append(_said_here(ours, number))
    moved = _moved_here(connection, document)
    for name, (_, spoken) in told.items():
        if name != store:
            for each in spoken.lines:
                moved[ItemId(each.item)] += Moved(each.shipped_milli, each.received_milli, each.settled_milli)
    state = settle(document, said, moved)
    ends = set() if state.route is None else {state.route.from_store, state.route.to_store}
    return _Kept(state, ends - {store} <= told.keys())


def _said_by_hq(spoken: TransferApproved | TransferClosed, number: tuple[int, int]) -> Said:
    if isinstance(spoken, TransferClosed):
        return Said(TransferStep.CLOSE, spoken.at_us, True, number, spoken.author, spoken.note)
    return Said(
        TransferStep.APPROVE, spoken.at_us, True, number, spoken.author, spoken.note, _route(spoken), _lines(spoken)
    )


def _said_here(said: TransferSaid, number: tuple[int, int]) -> Said:
    return Said(said.step, said.at_us, False, number, said.author, said.note, _route(said), _lines(said))


def _route(said: TransferSaid | TransferApproved) -> Route:
    return Route(StoreId(said.from_store), PlaceId(said.from_area), StoreId(said.to_store), PlaceId(said.to_area))


def _lines(said: TransferSaid | TransferApproved) -> tuple[tuple[ItemId, int], ...]:
    return tuple((ItemId(each.item), each.qty_milli) for each in said.lines)


def _moved_here(connection: Sql, document: str) -> defaultdict[ItemId, Moved]:
    """Add up the entries of this store's books that carry a document: stations ship and receive, decisions settle."""
    moved: defaultdict[ItemId, Moved] = defaultdict(Moved)
    for item, milli, log in connection.execute(_MOVED, {"document": document}):
        if log == JOURNAL:
            moved[item] += Moved(settled_milli=milli)
        elif milli < 0:
            moved[item] += Moved(shipped_milli=-milli)
        else:
            moved[item] += Moved(received_milli=milli)
    return moved
