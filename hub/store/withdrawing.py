"""What becomes of decisions that a restore to a moment left out: head office is told that they count no more; what was
said of identities and service tokens still holds, for no moment in the books brings a stolen one its trust back; nor a
till that burnt out what was in its basket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hub.ledger.entries import Delta, Scope
from hub.store.archive_rounds import Part
from hub.store.telling import Teller
from protocol.dated_words import PositionGiven
from protocol.decisions import Adjustment, BasketEnded, JournalEntry, TransferSaid, decode_journal_entry
from protocol.errors import BadInput
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StoreId
from protocol.identity_words import IdentityWord
from protocol.replication.ports import LogView
from protocol.service_tokens import TokenSaid


def withdrawals(store: StoreId, feed_epoch: Epoch, journal: Iterable[Part], held: LogView) -> Iterator[bytes]:
    """Give the lines of the feed, to be written in `feed_epoch`, that take back the adjustments among these parts.

    Those that the journal `held` has stay: they were made before the moment, and archived after it.
    """
    teller = Teller(store)
    teller.begin(feed_epoch)
    for identity, _, entry in _left_out(journal, held):
        if isinstance(entry, Adjustment):
            scope = Scope(ItemId(entry.item), PlaceId(entry.area))
            delta = Delta(identity, scope, entry.qty_milli, entry.reason, entry.at_us, 0, 0, 0, entry.document, 0)
            yield teller.movement(str(identity), 1, delta, None, is_reversed=True)


def still_said(journal: Iterable[Part], held: LogView) -> Iterator[bytes]:
    """Give the lines among these parts that `held` is to go on with: of identities, of tokens, of who stands where, and
    of baskets of stations that are lost."""
    for _, line, entry in _left_out(journal, held):
        if isinstance(entry, IdentityWord | PositionGiven | TokenSaid | BasketEnded):
            yield line


def transfers_said(journal: Iterable[Part], held: LogView) -> list[TransferSaid]:
    """Give what was said of transfers in these parts and is not said any more."""
    return [entry for _, _, entry in _left_out(journal, held) if isinstance(entry, TransferSaid)]


def _left_out(journal: Iterable[Part], held: LogView) -> Iterator[tuple[EntryId, bytes, JournalEntry]]:
    """Give what the journal `held` has not got."""
    for part in journal:
        epoch = Epoch.parse(part.epoch)
        index = held.index(epoch)
        last = 0 if index is None else held.end_of(index)
        for seq, line in enumerate(part.lines, part.first):
            try:
                entry = decode_journal_entry(line)
            except BadInput:
                # Of a later release, or held back: it never counted.
                continue
            if seq > last:
                yield EntryId(HUB_STATION, epoch, seq), line, entry
