"""The hub's store: the one door to its file, and the only class of this package that others build.

Beyond 300 lines because all parts of the store are put together here, and every question and deed that has no part of
its own has its door here; what they do is in the files they name.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from hub.ledger.transfers import TransferState
from hub.store import (
    chunks,
    floor,
    held_words,
    lookups,
    period_queries,
    periods,
    positions,
    price_history,
    promises,
    queries,
    reader_logs,
    refolding,
    stock_queries,
    supplies,
    transfers,
)
from hub.store.announcing import Announcing
from hub.store.baskets import BasketRow, InBasket, in_basket, open_baskets
from hub.store.books import StoredBooks
from hub.store.carrying import JournalCarry, carry_feed
from hub.store.changes import Changes
from hub.store.clocks import Clocks
from hub.store.comparing import Comparing
from hub.store.configuring import StationSettings
from hub.store.count_records import Records, count_records
from hub.store.counting import CountSessions
from hub.store.counts import Counts
from hub.store.crossings import Crossings
from hub.store.database import Database
from hub.store.deciding import Deciding
from hub.store.engine import Engine
from hub.store.epochs import CATALOGUE, FEED, JOURNAL, EpochRows, epoch_row
from hub.store.filing import Filer
from hub.store.floor import HomeRow, PlaceRow, StoreFloor
from hub.store.folding import Fold
from hub.store.freshness import Freshness
from hub.store.hq_door import HeadOffice
from hub.store.identities import Identities, IdentityDesk
from hub.store.keeping import Keeping
from hub.store.leads import LeadsRow, leads_at
from hub.store.lineage import lineage
from hub.store.lines import Lines
from hub.store.links import Links
from hub.store.live_rows import LiveRows, live_lines, live_steps, read_hash
from hub.store.once import Keyed, Once
from hub.store.own_log import OwnLog
from hub.store.own_rows import OwnRows
from hub.store.period_queries import ClosingRow, CorrectionRow, PeriodRow
from hub.store.periods import Hindrances
from hub.store.positions import PositionRow
from hub.store.price_history import PriceRow, PriceThen
from hub.store.promises import ReservationRow, SafetyRow
from hub.store.reader_logs import LogCommit
from hub.store.rebuilding import Difference, recompute
from hub.store.releases import Releases
from hub.store.replaying import Replay
from hub.store.service_tokens import ServiceTokens
from hub.store.sources import Sources
from hub.store.sql import Sql
from hub.store.sqlite_file import SqliteFile
from hub.store.stated import Stated
from hub.store.sweeping import Sweeping
from hub.store.tag_door import TagDoor
from hub.store.tagging import Tags
from hub.store.transfers import TransferPage, Transfers
from hub.store.unlogged import Unlogged
from hub.store.views import (
    Change,
    DeviceRow,
    FoldProgress,
    ItemRow,
    Lineage,
    LossPage,
    QuarantinePage,
    RecentEvent,
    StationRow,
    StockPage,
    TimelinePage,
    Totals,
)
from hub.store.words import Words
from protocol.catalogue import CatalogueRow, Item, encode_row
from protocol.catalogue_set import SetHash
from protocol.chain import Position
from protocol.dated_words import FloorWord
from protocol.decisions import Adjustment, TransferSaid
from protocol.events import encode_entry
from protocol.identity import HUB_STATION, EntryId, Epoch, ItemId, PlaceId, StationId, StoreId
from protocol.period_words import Finality
from protocol.replication.ports import ReaderState
from protocol.variable_measure import PLAIN, CodeRules


class HubStore:
    """All that a hub remembers. Making it does no I/O; `async with` opens; closing twice is harmless.

    Every method raises `TryAgain` when the disk would not take or give it, and `ContractBroken` while not open.
    """

    def __init__(
        self, where: Path | Engine, store: StoreId, now_us: Callable[[], int], rules: CodeRules = PLAIN
    ) -> None:
        """`now_us` is the hub's UTC in microseconds, `rules` how the store's own labels are read.

        A path is that of a file of SQLite.
        """
        self._now_us = now_us
        self._rules = rules
        self._database = Database(SqliteFile(where) if isinstance(where, Path) else where)
        self._changes = Changes()
        self._seen_epochs = EpochRows()
        epochs, links = EpochRows(), Links(rules)
        books = StoredBooks(epochs)
        feed = OwnRows(FEED, _nonce, to_fold=False, carry=carry_feed)
        words = Words(epochs)
        filer = Filer(store, epochs, books, feed, words)
        journal = OwnRows(JOURNAL, _nonce, to_fold=True, carry=JournalCarry(epochs, books, filer))
        catalogue = OwnRows(CATALOGUE, _nonce, to_fold=False)
        self._journal = journal
        self._live = LiveRows(catalogue, links)
        self._store = store
        said = Transfers(store, epochs)
        stated = Stated()
        sources = Sources()
        lines = Lines(Clocks(), links, words, said.is_inbound, sources)
        counting = CountSessions(epochs, books, StoreFloor)
        unlogged = Unlogged(epochs, books)
        tags = Tags(epochs, lines.clocks, sources, Crossings(epochs, unlogged, links, words), rules)
        sweeping = Sweeping(epochs, counting, links, tags.then)
        announcing = Announcing(store, feed, said, stated)
        self._fold = Fold(
            epochs,
            lines,
            self._live,
            books,
            filer,
            said,
            words,
            journal,
            counting,
            tags,
            sweeping,
            stated,
            announcing,
            unlogged,
        )
        self.feed = OwnLog(self._database, feed, now_us, self._telling(Change(folded=True)))
        self.journal = OwnLog(self._database, journal, now_us, self._telling(Change(committed=True)))
        # New links may want entries read again, which is the fold's work.
        self.catalogue = OwnLog(
            self._database, catalogue, now_us, self._telling(Change(committed=True, catalogue=True))
        )
        self.freshness = Freshness(books.standings, catalogue, words.promises)
        self.counts = Counts(self._database, StoreFloor, now_us)
        self._deciding = Deciding(Once(journal, epochs), epochs, words, books, stated, lines)
        self.station_settings = StationSettings(self._database, self._deciding, self._live, now_us)
        self.releases = Releases(self._database, self._deciding, now_us)
        self.service_tokens = ServiceTokens(self._database, self._deciding, now_us)
        self.identities = Identities(self._database, IdentityDesk(self._deciding), now_us)
        comparing = Comparing(self._database, self.feed, journal, epochs, stated, now_us)
        self.head_office = HeadOffice(self._database, self.feed, comparing)
        self.tags = TagDoor(self._database, now_us)
        replay = Replay(journal, catalogue, self._live, self._fold)
        self.keeping = Keeping(self._database, (self.feed, self.journal, self.catalogue), replay, announcing, now_us)

    def _telling(self, change: Change) -> Callable[[], None]:
        return lambda: self._changes.tell(change)

    async def __aenter__(self) -> Self:
        """Open the file. Raises `TryAgain` (held by another hub) or `BadInput` ("newer-store", "not-a-store")."""
        await self._database.open()
        self._fold.undone()
        self._database.follow(self._fold)
        self._database.follow(self.freshness)
        try:
            for log in (self.feed, self.journal, self.catalogue):
                await log.open()
            if await self._database.read(refolding.is_due):
                await self.keeping.unfold()
            await self._database.write(lambda c: held_words.retry_if_read_otherwise(c, self._rules))
        except BaseException:
            await self._database.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is under way, then close."""
        await self.aclose()

    async def aclose(self) -> None:
        """Finish what is under way, then close."""
        self._changes.end()
        for log in (self.feed, self.journal, self.catalogue):
            log.close()
        await self._database.close()

    async def answers(self) -> None:
        """Return once the thread that writes could do something; while the store is closed, at once."""
        await self._database.answers()

    # Logs that others write

    async def reader_state(self, log: str) -> ReaderState:
        """Give what `commit` last stored for `log`; a fresh state if it was never read. Raises `BadInput`."""
        reader_logs.check_name(log)
        return await self._database.read(lambda c: reader_logs.load_state(c, log))

    async def settled_state(self, log: str) -> ReaderState:
        """Give the same, once every transaction that was begun before has happened or never will. Raises `TryAgain`.

        It is asked in the writer's place, which a database gives to nobody while it still works for who had it.
        """
        return await self._database.write(lambda c: reader_logs.load_state(c, log))

    async def commit(self, commits: Sequence[LogCommit]) -> None:
        """Store entries, states and losses of any number of logs in one transaction, durable on return.

        Raises `BadInput` ("bad-log", "bad-station"), and `ContractBroken` if an entry is stored already.
        """
        for each in commits:
            reader_logs.check_name(each.log)

        def job(connection: Sql) -> None:
            committed = reader_logs.commit(connection, commits, self._now_us())
            self._fold.look_ahead(connection, committed.entries)
            for whole in committed.snapshots:
                self._fold.take_snapshot(connection, whole, self._now_us())

        await self._database.write(job)
        if any(each.chunks or each.losses or each.snapshot is not None for each in commits):
            self._changes.tell(Change(committed=True))

    async def digests(self, log: str, epoch: Epoch, seqs: Sequence[int]) -> dict[int, bytes | None]:
        """Give the chain after each of `seqs` of a log that is read; None where it is not held."""

        def job(connection: Sql) -> dict[int, bytes | None]:
            row = epoch_row(connection, log, epoch)
            return dict.fromkeys(seqs) if row is None else chunks.digests(connection, row, seqs)

        return await self._database.read(job)

    # The fold

    async def fold_some(self, max_entries: int) -> FoldProgress:
        """Fold the next committed chunks, at least one if any waits and about `max_entries` at most, durably.

        As many entries again may be read anew, whose time or item is known better now. What changed is appended to the
        feed in the same transaction. It does less when another transaction waits. Call it until `FoldProgress.lag` is
        0, and again when `changes` tells of commits.
        """
        progress = await self._database.write(
            lambda c: self._fold.some(c, max_entries, self._database.awaited, self._now_us())
        )
        if progress.entries:
            self._changes.tell(Change(folded=True))
        return progress

    async def rebuild(self) -> tuple[Difference, ...]:
        """Recompute the books from the stored lines alone and say where they differ from those that are kept.

        Nothing is changed. Meant for checking: it holds all entries in memory and the page's queries wait for it.
        Raises `TryAgain` while the fold lags.
        """
        return await self._database.read(lambda c: recompute(c, self._rules))

    async def decide(self, decision: Keyed) -> tuple[EntryId, bool]:
        """Append a decision to the journal, under its key once only; give the entry, and whether it was there before.

        Raises `BadInput` ("key-reused": what the key made within the last `KEPT_US` says something else), and as
        `hub.store.checking.check` does.
        """
        return await self._database.write(lambda c: self._deciding.decide(c, decision, self._now_us()))

    async def convert(self, parts: Sequence[Adjustment]) -> tuple[list[EntryId], bool]:
        """Append adjustments that are one deed, all or none; each under a key of its own, or all without.

        Raises `BadInput` as `decide` does.
        """
        return await self._database.write(lambda c: self._deciding.convert(c, parts, self._now_us()))

    # The shop floor, and how goods move on it

    async def lay_out(self, words: Sequence[FloorWord]) -> int:
        """Append what is new of many words on places and homes, all or none; count. Raises `BadInput` as `decide`."""
        return await self._database.write(lambda c: self._deciding.lay_out(c, words, self._now_us()))

    async def places(self, at_us: int) -> tuple[PlaceRow, ...]:
        """List the places there are at a moment (UTC), parents before what is a part of them."""
        return await self._database.read(lambda c: floor.places(c, at_us))

    async def place_history(self, place: PlaceId) -> tuple[PlaceRow, ...]:
        """List what a place was and will be, the newest first."""
        return await self._database.read(lambda c: floor.place_history(c, place))

    async def leads(self, at_us: int) -> tuple[LeadsRow, ...]:
        """List the words on leads and lags that hold at a moment (UTC)."""
        return await self._database.read(lambda c: leads_at(c, at_us))

    async def declare(self, asked: Finality) -> tuple[EntryId, bool]:
        """Declare the figures at `asked.until_us` final: make its rows and heads, and append it to the journal.

        Gives the first entry, and whether its key had made it before. Raises `BadInput` ("not-over", "not-later",
        "not-complete", "station-unknown", "key-reused"), `TryAgain` while the fold lags.
        """
        return await self._database.write(lambda c: self._deciding.declare(c, asked, self._now_us()))

    async def in_the_way(self, until_us: int, excluded: Sequence[str] = ()) -> Hindrances:
        """Say what stands in the way of declaring a moment final. Raises `BadInput` ("station-unknown")."""
        return await self._database.read(lambda c: periods.in_the_way(c, until_us, excluded))

    async def periods(self) -> tuple[PeriodRow, ...]:
        """List the periods that were declared final, the last first."""
        return await self._database.read(period_queries.periods)

    async def corrections(self, until_us: int, limit: int = 500) -> tuple[CorrectionRow, ...]:
        """List corrections of a period, the newest first."""
        return await self._database.read(lambda c: period_queries.corrections_of(c, until_us, limit))

    async def closing(self, until_us: int) -> tuple[ClosingRow, ...]:
        """List the figures at the end of a period, by item and area."""
        return await self._database.read(lambda c: period_queries.closing(c, until_us))

    async def positions(self, at_us: int) -> tuple[PositionRow, ...]:
        """List which station stands where at a moment (UTC)."""
        return await self._database.read(lambda c: positions.positions(c, at_us))

    async def station_at(self, position: str, at_us: int) -> StationId | None:
        """Say which station stood at a position at a moment (UTC)."""
        return await self._database.read(lambda c: positions.station_at(c, position, at_us))

    async def homes(self, at_us: int, *, item: str = "", place: str = "", limit: int = 2000) -> tuple[HomeRow, ...]:
        """List homes at a moment (UTC): of an item, at a place, or all."""
        return await self._database.read(lambda c: floor.homes(c, at_us, item, place, limit))

    # What is kept for whom

    async def reservations(self, *, item: str | None = None, ended: bool = False) -> tuple[ReservationRow, ...]:
        """List the reservations of an item or of all, those that ended only if asked for."""
        return await self._database.read(lambda c: promises.reservations(c, self._now_us(), item=item, ended=ended))

    async def safety(self, *, item: str | None = None) -> tuple[SafetyRow, ...]:
        """List the safety stock of an item or of all."""
        return await self._database.read(lambda c: promises.safety(c, self._now_us(), item=item))

    # Transfers

    async def say_transfer(self, said: TransferSaid) -> EntryId:
        """Write into the journal what somebody says of a transfer; durable on return, in the books a moment later.

        Raises `BadInput` as `hub.store.transfers.check` does.
        """

        def job(connection: Sql) -> EntryId:
            transfers.check(connection, self._store, said)
            at = self._journal.append(connection, [encode_entry(said)], self._now_us())
            return EntryId(HUB_STATION, at.epoch, at.seq)

        return await self._database.write(job)

    async def transfer(self, document: str) -> TransferState | None:
        """Give what a transfer has come to, None if nobody ever spoke of it."""
        return await self._database.read(lambda c: transfers.transfer(c, self._store, document))

    async def transfers(self, *, after: str | None = None, limit: int = 100) -> TransferPage:
        """List transfers; `after` is the `next` of the page before. Raises `BadInput` ("bad-page")."""
        return await self._database.read(lambda c: transfers.transfers(c, self._store, after, limit))

    async def open_transfers(self) -> tuple[TransferState, ...]:
        """List the transfers that nobody has closed."""
        return await self._database.read(lambda c: transfers.open_transfers(c, self._store))

    # Catalogue

    async def items_said(self, items: Sequence[ItemId]) -> dict[ItemId, Item]:
        """Give what the catalogue says of some items; those it does not know are left out."""
        return await self._database.read(lambda c: supplies.items_said(c, items))

    async def suppliers(self) -> supplies.Suppliers:
        """Give the items of each supplier that the catalogue names. Goes through the whole catalogue."""
        return await self._database.read(supplies.suppliers)

    async def apply_catalogue(self, rows: Sequence[CatalogueRow]) -> int:
        """Take rows that differ from the live ones into the catalogue log and the live rows; count them."""
        lines = [encode_row(row) for row in rows]
        return await self._database.write(lambda c: self._live.apply(c, lines, self._now_us()))

    async def catalogue_hash(self) -> SetHash:
        """Give the hash of the live rows."""
        return await self._database.read(read_hash)

    async def catalogue_snapshot(self) -> AsyncIterator[bytes]:
        """Walk the live rows' stored lines in key order, all of one state."""
        for line in await self._database.read(live_lines):
            yield line

    async def walk_catalogue(self, step_rows: int, walk: Callable[[int, Iterator[Sequence[bytes]]], None]) -> None:
        """Have `walk` go, in the reading thread, through the live rows' lines in key order; it is told their number."""
        await self._database.read(lambda c: walk(*live_steps(c, step_rows)))

    async def note_catalogue_held(self, held: Sequence[tuple[StationId, Position, int]]) -> None:
        """Write down which version of the catalogue stations acknowledged, and when (UTC)."""
        await self._database.write(lambda c: price_history.note_held(c, held))

    async def price_at(self, item: ItemId, station: StationId | None, t_us: int, qty_milli: int) -> PriceThen:
        """Say which price of an item was live at a time, at a station's position or the hub. Raises `BadInput`."""
        return await self._database.read(lambda c: price_history.price_at(c, item, station, t_us, qty_milli))

    async def price_history(self, item: ItemId, limit: int = 100) -> tuple[PriceRow, ...]:
        """List every price an item had, the newest known first."""
        return await self._database.read(lambda c: price_history.history(c, item, limit))

    # Stations

    async def record_station_state(self, station: StationId, state_json: bytes, at_us: int) -> None:
        """Remember what a station says of itself: birth, health or offline message, as it came."""
        await self._database.write(lambda c: queries.record_state(c, station, state_json, at_us))
        self._changes.tell(Change(stations=True))

    # Queries

    async def stock(self, *, after: str | None = None, limit: int = 100, search: str = "") -> StockPage:
        """List items that have books; `after` is the `next` of the page before; `search` is part of item, name or code.

        Raises `BadInput` ("bad-page").
        """
        return await self._database.read(lambda c: stock_queries.stock(c, after, limit, search, self._now_us()))

    async def item(self, item: ItemId) -> ItemRow | None:
        """Give an item of the catalogue with its codes and price now."""
        return await self._database.read(lambda c: stock_queries.item(c, item, self._now_us()))

    async def stock_of(self, item: ItemId) -> StockPage:
        """Give the figures of one item in every area."""
        return await self._database.read(lambda c: stock_queries.stock_of(c, item, self._now_us()))

    async def look_up(self, codes: Sequence[str]) -> tuple[lookups.Found, ...]:
        """Say what each of some codes, as a scanner that sends no AIM prefix reads them, means now.

        None: the catalogue does not know it. A code that is none comes back as the `BadInput` that says why.
        """
        return await self._database.read(
            lambda c: lookups.look_up(c, codes, self._rules, self.freshness, self._now_us())
        )

    async def timeline(
        self, item: ItemId, *, area: PlaceId | None = None, after: str | None = None, limit: int = 100
    ) -> TimelinePage:
        """List the entries behind an item's figures, newest first. Raises `BadInput` ("bad-page")."""
        return await self._database.read(
            lambda c: stock_queries.timeline(c, self._seen_epochs, item, area, after, limit)
        )

    async def lineage(self, item: ItemId, *, area: PlaceId | None = None) -> tuple[Lineage, ...]:
        """Say of an item's figure, in every area or in one, what it is made of."""
        return await self._database.read(lambda c: lineage(c, self._seen_epochs, item, area))

    async def count_records(self) -> Records:
        """Give how wrong each item's counts were, and what was sold of it."""
        return await self._database.read(count_records)

    async def stations(self) -> tuple[StationRow, ...]:
        """List all stations that ever said anything."""
        return await self._database.read(queries.stations)

    async def baskets(self) -> tuple[BasketRow, ...]:
        """List the baskets that tills have not closed, also those that a person ended."""
        return await self._database.read(open_baskets)

    async def in_basket(self, opened: EntryId) -> tuple[InBasket, ...]:
        """Say what lies in the basket that an entry opened; nothing in one that its station has closed."""
        return await self._database.read(lambda c: in_basket(c, self._seen_epochs, opened))

    async def devices(self) -> tuple[DeviceRow, ...]:
        """List all stations' peripherals as last reported."""
        return await self._database.read(queries.devices)

    async def recent_events(self, limit: int = 50) -> tuple[RecentEvent, ...]:
        """List the newest entries of all stations and the journal, newest arrival first."""
        return await self._database.read(lambda c: stock_queries.recent_events(c, self._seen_epochs, limit))

    async def quarantine(self, *, after: str | None = None, limit: int = 100) -> QuarantinePage:
        """List what is held back, newest first. Raises `BadInput` ("bad-page")."""
        return await self._database.read(lambda c: queries.quarantine(c, after, limit))

    async def losses(self, *, after: str | None = None, limit: int = 100) -> LossPage:
        """List entries that can never come, newest record first. Raises `BadInput` ("bad-page")."""
        return await self._database.read(lambda c: queries.losses(c, after, limit))

    async def totals(self) -> Totals:
        """Count, for metrics."""
        return await self._database.read(queries.totals)

    def changes(self) -> AsyncIterator[Change]:
        """Tell of what becomes durable from now on, coalesced while the subscriber is busy; ends with the store."""
        return self._changes.subscribe()


def _nonce() -> int:
    return secrets.randbits(64)
