"""What simulated days showed, as it is kept in `bench/results/accuracy.json`."""

from __future__ import annotations

import msgspec


class ShopFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What all days of one kind of shop showed; `items` counts an item once a day.

    `outside` has by reason how many movements were outside their lead or lag, and how many there were.
    """

    name: str
    what: str
    days: int
    items: int
    entries: int
    robbed: int
    exact: int
    sure: int
    sure_and_wrong: int
    silently_wrong: int
    causes: dict[str, int]
    width_pieces: int
    widths: dict[int, int]
    by_arrival: int
    each_once: int
    by_own_clocks: int
    outside: dict[str, tuple[int, int]]

    @property
    def outside_share(self) -> float:
        """The share of movements outside their lead or lag."""
        return sum(few for few, _ in self.outside.values()) / max(1, sum(all_ for _, all_ in self.outside.values()))


class ItemDay(msgspec.Struct, frozen=True, kw_only=True):
    """One item through a day, by hours after midnight: the truth, what the hub told (figure, lo, hi), other books."""

    item: str
    truth: list[tuple[float, int]]
    told: list[tuple[float, int, int, int]]
    arrival: list[tuple[float, int]]
    counts_h: list[float]


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run."""

    at: str
    commit: str
    seconds: float
    items: int
    stations: int
    shops: tuple[ShopFigures, ...]
    item: ItemDay

    def shop(self, name: str) -> ShopFigures:
        """Find a shop."""
        return next(shop for shop in self.shops if shop.name == name)


def holds(found: Accuracy) -> bool:
    """Whether nothing is silently wrong without a cause that stations leave out, and all is exact in a closed shop."""
    among, closed = found.shops[:2]
    return "unexplained" not in among.causes and closed.exact == closed.items
