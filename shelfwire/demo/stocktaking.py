"""The end of the day: asks everybody for their figures and puts them side by side.

scanned      the scanners' own counters of yeses
durable      the stations' logs, read from disk while they are down
committed    the hub's count of each log over REST; the scans among so many first entries
folded       likewise, and the movements in the ledger must be as many as those entries make
"""

from __future__ import annotations

from shelfwire.demo.balance import Balance, CatalogueLine, FeedLine, StatementLine, StationLine, stock_lines
from shelfwire.demo.clerk import Clerk
from shelfwire.demo.post import Post
from shelfwire.demo.shop import Shop
from shelfwire.demo.tally import Tally
from shelfwire.demo.waiting import DeadlineMissed, wait_for
from shelfwire.demo.witnesses import HubStation, Unreachable

LAST_ENTRIES_S = 5.0
STATEMENT = "the-day-is-over"


async def take_stock(shop: Shop, tally: Tally, clerks: dict[str, Clerk], decisions: int) -> Balance:
    """Switch the stations off and draw up the sheet; so many `decisions` were made at the hub. Raises `Unreachable`."""
    held = {post.name: (await post.health()).catalogue for post in shop.posts}
    for post in shop.posts:
        await post.stop()
    await _wait_for_closing_marks(shop)
    hub = await shop.hub_witness.stations()
    figures = shop.hq.figures
    at_hub = {line.station: line for line in hub.stations}
    feed = FeedLine(
        entries=figures.feed_entries,
        expected=sum(post.at_rest.told() for post in shop.posts) + decisions,
        journal=len(shop.hq.journal),
        journal_expected=decisions,
        unreadable=figures.unreadable,
        losses=figures.losses,
        forks=figures.forks,
    )
    return Balance(
        stations=tuple(_station_line(post, clerks[post.name], at_hub.get(post.name)) for post in shop.posts),
        stock=stock_lines(
            [(goods.item, goods.name, goods.unit.value, milli) for goods, milli in tally.figures().items()],
            await shop.hub_witness.stock(),
            {item: milli for (item, _), milli in shop.hq.stock().items()},
        ),
        catalogue=CatalogueLine(
            hq=str(shop.hq.catalogue_hash),
            hub=hub.catalogue_hash,
            stations={name: None if one is None else one.set_hash for name, one in held.items()},
            rows=figures.catalogue_rows,
        ),
        feed=feed,
        # Last, since the hub writes into its journal what it comes to.
        statement=await _hear_statement(shop),
    )


async def _hear_statement(shop: Shop) -> StatementLine:
    """Have HQ state its stock, and the hub compare it with what it had told by then."""
    figures, found = len(shop.hq.stock()), None
    if not shop.hq.figures.feed_seq:
        return StatementLine(figures, found)
    await shop.hq.state_stock(STATEMENT)

    async def compared() -> bool:
        nonlocal found
        try:
            found = await shop.hub_witness.differing(STATEMENT, figures)
        except Unreachable:
            return False
        return found is not None

    try:
        await wait_for("the hub to compare what HQ states", compared, LAST_ENTRIES_S)
    except DeadlineMissed:
        # The sheet will show it.
        pass
    return StatementLine(figures, found)


async def _wait_for_closing_marks(shop: Shop) -> None:
    """Give what stations write on their way out time to arrive; if it does not, the sheet will show it."""

    async def there() -> bool:
        try:
            hub = {line.station: line for line in (await shop.hub_witness.stations()).stations}
        except Unreachable:
            return False
        lines = ((hub.get(post.name), len(post.at_rest.entries)) for post in shop.posts)
        return all(line is not None and line.folded == entries for line, entries in lines)

    try:
        await wait_for("the stations' last entries", there, LAST_ENTRIES_S)
    except DeadlineMissed:
        pass


def _station_line(post: Post, clerk: Clerk, hub: HubStation | None) -> StationLine:
    log = post.at_rest
    if hub is None:
        return StationLine(post.name, clerk.scanned_by_hardware, log.scans(), 0, 0, len(log.entries), 0)
    missing = log.booked(hub.folded) - hub.movements
    return StationLine(
        station=post.name,
        scanned=clerk.scanned_by_hardware,
        durable=log.scans(),
        committed=log.scans(hub.committed),
        folded=log.scans(hub.folded) - missing,
        entries=len(log.entries),
        hub_entries=hub.committed,
        quarantined=hub.quarantined + hub.losses,
    )
