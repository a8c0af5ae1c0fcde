"""Holds the books of a simulated day against where the goods really are, and says what led them astray."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hub.store.reading import LEAD_LAG_US
from hub.store.views import StockRow
from protocol.events import Reason
from tests.shop import naive
from tests.shop.codes import code_of, item_of
from tests.shop.day import Day
from tests.shop.world import Goods, Passage


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the hub says of an item, in pieces, and what is true; `why` is what no interval of its could know."""

    item: str
    truth: int
    on_hand: int
    lo: int
    hi: int
    why: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether the one figure is the truth."""
        return self.on_hand == self.truth

    @property
    def silently_wrong(self) -> bool:
        """Whether the truth lies outside all that the hub says is possible."""
        return not self.lo <= self.truth <= self.hi


@dataclass(frozen=True, slots=True)
class Judged:
    """One day, judged. `robbed` items, stolen from after their last count, are left out: no book can know.

    The peers' figures count items that are exact: books kept in the order of arrival, with each entry once, and by the
    stations' own clocks. `outside` of `passages` were farther from their scan than the hub's lead or lag.
    """

    seed: int
    verdicts: Sequence[Verdict]
    robbed: int
    entries: int
    passages: int
    outside: int
    by_arrival: int
    each_once: int
    by_own_clocks: int

    @property
    def exact(self) -> int:
        """Items whose one figure is the truth."""
        return sum(verdict.exact for verdict in self.verdicts)

    @property
    def silently_wrong(self) -> list[Verdict]:
        """Items whose truth the hub thinks impossible."""
        return [verdict for verdict in self.verdicts if verdict.silently_wrong]

    @property
    def widths(self) -> list[int]:
        """How many pieces each item's interval is wide."""
        return [verdict.hi - verdict.lo for verdict in self.verdicts]


def judge(day: Day, rows: Iterable[StockRow]) -> Judged:
    """Judge a day by the stock that the hub tells at its end."""
    figures = {row.item: row for row in rows}
    verdicts: list[Verdict] = []
    robbed: set[int] = set()
    for goods in day.goods:
        last = goods.counts[-1]
        if any(stolen_us >= last.from_us for stolen_us in goods.stolen_us):
            robbed.add(goods.number)
            continue
        row = figures[item_of(goods.number)]
        assert not any(milli % 1000 for milli in (row.on_hand_milli, row.lo_milli, row.hi_milli))
        verdicts.append(
            Verdict(
                row.item,
                goods.in_shop,
                row.on_hand_milli // 1000,
                row.lo_milli // 1000,
                row.hi_milli // 1000,
                tuple(_beyond_knowing(goods)),
            )
        )
    heard = naive.heard(day)
    once = naive.each_once(heard)
    truth = {code_of(goods.number): goods.in_shop for goods in day.goods if goods.number not in robbed}
    passages = [passage for goods in day.goods for passage in goods.passages]
    return Judged(
        seed=day.seed,
        verdicts=verdicts,
        robbed=len(robbed),
        entries=len(once),
        passages=len(passages),
        outside=sum(_is_outside(passage) for passage in passages),
        by_arrival=_right(truth, naive.stock(day, heard)),
        each_once=_right(truth, naive.stock(day, once)),
        by_own_clocks=_right(truth, naive.stock(day, naive.by_own_clocks(day, once))),
    )


def outside_by_reason(days: Iterable[Day]) -> dict[Reason, tuple[int, int]]:
    """Count, by reason, the movements that were outside their lead or lag, and all."""
    outside: Counter[Reason] = Counter()
    every: Counter[Reason] = Counter()
    for day in days:
        for goods in day.goods:
            for passage in goods.passages:
                every[passage.reason] += 1
                outside[passage.reason] += _is_outside(passage)
    return {reason: (outside[reason], every[reason]) for reason in every}


def _right(truth: Mapping[str, int], stock: Mapping[str, int]) -> int:
    return sum(stock.get(code, 0) == pieces for code, pieces in truth.items())


def _is_outside(passage: Passage) -> bool:
    lead_us, lag_us = LEAD_LAG_US.get(passage.reason, (0, 0))
    return not passage.scanned_us - lead_us <= passage.moved_us <= passage.scanned_us + lag_us


def _beyond_knowing(goods: Goods) -> Iterable[str]:
    """Name what happened across the item's last count and is outside what the stations could tell."""
    last = goods.counts[-1]
    for passage in goods.passages:
        early, late = sorted((passage.moved_us, passage.scanned_us))
        if _is_outside(passage) and early <= last.until_us and late >= last.from_us:
            yield f"{passage.reason.value} outside its lead or lag"
    for absence in goods.absences:
        if absence.from_us <= last.until_us and absence.until_us >= last.from_us:
            yield absence.why
