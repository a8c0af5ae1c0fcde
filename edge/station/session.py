"""One session: what was done in one go, under one name, from its first entry to its end.

    sale, return                        a shopper: until END, another mode, or nothing done for a while
    receive, transfer, waste            a delivery, a round: until END or another mode or document
    count                               `counting.OpenCount`

A session is named by the boot and boot time of its first entry. No two can share that, whatever is restarted, and a
station that reads its log again sees whether it has met the session's beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from edge.codecs.readings import Scan
from edge.station.actions import Lookup, Where
from edge.station.summary import SessionSummary, SummaryLine
from edge.station.undo import carry
from edge.station.worth import in_grams
from protocol.cards import Mode
from protocol.catalogue import WHOLE_MILLI, Item
from protocol.chain import Chapter
from protocol.errors import BadInput
from protocol.events import Delta, When
from protocol.pricing import line_total

SESSION_ENTRIES = 1000
"""The most entries of one session: what comes then begins another, and nothing is refused."""


def session_name(first: When) -> str:
    """Name the session that begins with an entry of this time."""
    return f"{first.boot}-{first.up_us}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a session holds of one entry; `qty_milli` without the sign of the movement."""

    code: str
    aim: str | None
    qty_milli: int
    price_minor: int | None
    when: When
    scans: int = 1


class OpenSession:
    """The entries of one session, those on disk only."""

    def __init__(self, first: When) -> None:
        self.name = session_name(first)
        self._begun = first
        self._last = first
        self._taken: dict[Where, Taken] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def touch(self, when: When) -> None:
        """Learn that something is done in it."""
        self._last = when

    def idle_at_us(self, idle_us: int) -> int:
        """Say when it will have been idle for so long (boot time)."""
        return self._last.up_us + idle_us

    def idle(self, now: When, idle_us: int) -> bool:
        """Tell whether nothing was done for so long; over a reboot, only the wall clocks can say."""
        if self._last.boot != now.boot:
            elapsed_us = now.wall_us - self._last.wall_us
            if not 0 <= elapsed_us < idle_us:
                return True
            self._last = replace(now, up_us=now.up_us - elapsed_us)
        return now.up_us - self._last.up_us >= idle_us

    def add(self, where: Where, delta: Delta) -> None:
        """Take an entry that is on disk."""
        self._taken[where] = Taken(delta.code, delta.aim, abs(delta.qty_milli), delta.price_minor, delta.when)

    def take_back(self, where: Where) -> None:
        """Forget an entry whose reversal is on disk."""
        self._taken.pop(where, None)

    def carried(self, lineage: Sequence[Chapter]) -> None:
        """Follow the entries into the log's newest epoch."""
        self._taken = {carry(where, lineage) or where: taken for where, taken in self._taken.items()}

    def summary(self, mode: Mode, document: str | None, lookup: Lookup) -> SessionSummary:
        """Say what it came to so far."""
        return summarise(self.name, mode, document, self._begun, self._taken.values(), lookup)


def summarise(
    session: str, mode: Mode, document: str | None, begun: When | None, taken: Iterable[Taken], lookup: Lookup
) -> SessionSummary:
    """Add up by code and price. Each entry is rounded to whole minor units by itself, as it was told to the person.

    A count costs nothing, whatever the labels of what was counted say.
    """
    groups: dict[tuple[str, str | None, int | None], _Group] = {}
    for one in taken:
        key = (one.code, one.aim, one.price_minor)
        group = groups.get(key)
        if group is None:
            group = groups[key] = _meaning(one, lookup)
        group.scans += one.scans
        group.qty_milli += one.qty_milli
        if mode is not Mode.COUNT:
            group.cost(one)
    lines = tuple(
        SummaryLine(code, group.item, group.scans, group.qty_milli, price, group.total_minor)
        for (code, _, price), group in groups.items()
    )
    totals = [line.total_minor for line in lines if line.total_minor is not None]
    currencies = {group.currency for group in groups.values() if group.total_minor is not None}
    one_currency = currencies.pop() if len(currencies) == 1 else None
    return SessionSummary(
        session=session,
        mode=mode,
        document=document,
        begun=begun,
        scans=sum(line.scans for line in lines),
        lines=lines,
        total_minor=None if one_currency is None else sum(totals),
        currency=one_currency,
        unpriced=len(lines) - len(totals),
    )


@dataclass(slots=True)
class _Group:
    item: Item | None
    factor_milli: int
    currency: str | None
    label_minor: int | None = None
    weighed: bool = False
    scans: int = 0
    qty_milli: int = 0
    total_minor: int | None = None

    def cost(self, one: Taken) -> None:
        """Add what an entry costs: what its label says, of all that was weighed or of each piece, or by its price."""
        if self.label_minor is not None:
            minor = line_total(self.label_minor, one.scans * WHOLE_MILLI if self.weighed else one.qty_milli)
        elif one.price_minor is not None:
            minor = line_total(one.price_minor, one.qty_milli * self.factor_milli // WHOLE_MILLI)
        else:
            return
        self.total_minor = minor + (self.total_minor or 0)


def _meaning(taken: Taken, lookup: Lookup) -> _Group:
    try:
        goods = lookup(Scan(taken.code, b"", taken.aim), taken.when)
    except BadInput as error:
        if error.name == "catalogue-failing":
            raise
        return _Group(None, WHOLE_MILLI, None)
    label = goods.label_price
    if label is not None and not in_grams(goods) and taken.price_minor is not None:
        # It was told as a price of each piece of it.
        return _Group(goods.item, goods.factor_milli, label.currency)
    if label is not None:
        return _Group(goods.item, goods.factor_milli, label.currency, label.minor, in_grams(goods))
    # A price is told without its currency in the log; the prices of an item are in one.
    currency = next((price.currency for price in goods.prices if price.minor == taken.price_minor), None)
    if currency is None:
        currency = next((price.currency for price in goods.prices), None)
    return _Group(goods.item, goods.factor_milli, currency)
