"""Head office's desk for transfers, simulated: approves and closes them, and tells each store what the other did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from protocol.decisions import TransferLine, TransferSaid, decode_journal_entry
from protocol.documents import HqDocument, MovedLine, TransferApproved, TransferClosed, TransferMoved
from protocol.events import Reason
from protocol.feed import FeedEntry, FeedStatus, MovementEntry
from protocol.feed_documents import FeedDocuments, Phase
from protocol.identity import HUB_STATION, StoreId


@dataclass(frozen=True, slots=True)
class _Told:
    revision: int
    document: str
    item: str | None
    qty_milli: int
    decided: bool


class TransferTwin:
    """What one store's feed tells of transfers, in any order and with any repeats."""

    def __init__(self) -> None:
        self._told: dict[str, _Told] = {}

    def take(self, entry: FeedEntry) -> None:
        """Take a statement of the feed."""
        if not isinstance(entry, MovementEntry) or entry.data.document is None:
            return
        data = entry.data
        known = self._told.get(data.entry)
        if known is not None and data.revision <= known.revision:
            return
        counts = data.status is FeedStatus.STANDS and data.reason is Reason.TRANSFER
        decided = data.entry.startswith(f"{HUB_STATION}/")
        self._told[data.entry] = _Told(
            data.revision, data.document or "", data.item if counts else None, data.qty_milli, decided
        )

    def moved(self, document: str) -> tuple[MovedLine, ...]:
        """Give what the store shipped, received and settled so far, by item."""
        sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for each in self._told.values():
            if each.document != document or each.item is None:
                continue
            if each.decided:
                sums[each.item][2] += each.qty_milli
            elif each.qty_milli < 0:
                sums[each.item][0] -= each.qty_milli
            else:
                sums[each.item][1] += each.qty_milli
        return tuple(MovedLine(item, *milli) for item, milli in sorted(sums.items()))


class StoreLine(Protocol):
    """Head office's line to one store; `shelfwire.simulators.hq.SimulatedHq` is one."""

    @property
    def transfers(self) -> TransferTwin: ...

    @property
    def told(self) -> FeedDocuments: ...

    @property
    def journal(self) -> Sequence[bytes]: ...

    async def write_documents(self, documents: Sequence[HqDocument]) -> None: ...


class TransferOffice:
    """Approves, relays and closes between the stores of `lines`; `now_us` is head office's UTC."""

    def __init__(self, lines: Mapping[StoreId, StoreLine], now_us: Callable[[], int]) -> None:
        self._lines = lines
        self._now_us = now_us
        self._open: dict[str, tuple[StoreId, StoreId]] = {}
        self._told: dict[tuple[str, StoreId], tuple[MovedLine, ...]] = {}

    async def approve(
        self, document: str, source: tuple[StoreId, str], destination: tuple[StoreId, str], lines: Mapping[str, int]
    ) -> None:
        """Have these goods (milli-units by item) go from a store and area to another."""
        self._open[document] = (source[0], destination[0])
        approved = TransferApproved(
            self._now_us(),
            document,
            *source,
            *destination,
            tuple(TransferLine(item, milli) for item, milli in lines.items()),
            "head office",
        )
        for store in self._open[document]:
            await self._lines[store].write_documents([approved])

    def drafts(self) -> list[TransferSaid]:
        """Give what stores have drafted for goods to cross between them, and nobody has approved yet.

        A store that was put back to an earlier moment says so of what it drafted later, and may draft it again.
        """
        found: dict[str, TransferSaid] = {}
        for store in self._lines.values():
            for line in store.journal:
                said = decode_journal_entry(line)
                if (
                    not isinstance(said, TransferSaid)
                    or said.from_store == said.to_store
                    or said.document in self._open
                ):
                    continue
                told = store.told.transfer(said.document)
                if told is None or told.phase is not Phase.WITHDRAWN:
                    found[said.document] = said
        return list(found.values())

    async def approve_draft(self, draft: TransferSaid) -> None:
        """Have the goods of a draft go as it says."""
        await self.approve(
            draft.document,
            (StoreId(draft.from_store), draft.from_area),
            (StoreId(draft.to_store), draft.to_area),
            {line.item: line.qty_milli for line in draft.lines},
        )

    async def relay(self) -> None:
        """Tell each store what is new of the other end of its transfers."""
        for document, (source, destination) in self._open.items():
            for teller, hearer in ((source, destination), (destination, source)):
                moved = self._lines[teller].transfers.moved(document)
                if self._told.get((document, teller), ()) != moved:
                    await self._lines[hearer].write_documents([TransferMoved(self._now_us(), document, teller, moved)])
                    self._told[document, teller] = moved

    async def close(self, document: str) -> None:
        """Expect nothing more of it, having told both stores how it stands."""
        await self.relay()
        for teller, hearer in (self._open[document], self._open[document][::-1]):
            moved = self._lines[teller].transfers.moved(document)
            stands = TransferMoved(self._now_us(), document, teller, moved)
            await self._lines[hearer].write_documents([stands, TransferClosed(self._now_us(), document, "head office")])
