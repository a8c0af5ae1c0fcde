"""Stock as the store feed tells it: head office's twin of a hub's books, by the rule of `protocol.feed`."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.feed import CountResult, FeedEntry, FeedStatus, Movement, statements
from protocol.identity import ItemId, PlaceId


@dataclass(frozen=True, slots=True)
class _Kept:
    revision: int
    key: tuple[ItemId, PlaceId] | None
    milli: int


class FeedBooks:
    """Stock as the feed tells it: head office's side, in memory. Any order and any repeats give the same."""

    def __init__(self) -> None:
        self._entries: dict[str, _Kept] = {}
        self._stock: dict[tuple[ItemId, PlaceId], int] = {}

    def __len__(self) -> int:
        """Count the entries told of."""
        return len(self._entries)

    def upsert(self, entry: FeedEntry) -> bool:
        """Take a statement; say whether any of it was news."""
        news = [self._take(said) for said in statements(entry)]
        return any(news)

    def _take(self, data: Movement | CountResult) -> bool:
        old = self._entries.get(data.entry)
        if old is not None and data.revision <= old.revision:
            return False
        key = None if data.item is None or data.area is None else (data.item, data.area)
        milli = data.qty_milli if isinstance(data, Movement) else data.variance_milli
        new = _Kept(data.revision, key, milli if data.status is FeedStatus.STANDS else 0)
        if old is not None:
            self._post(old, -1)
        self._post(new, 1)
        self._entries[data.entry] = new
        return True

    def on_hand(self, item: ItemId, area: PlaceId) -> int:
        """Give the stock of one item in one area, in milli-units."""
        return self._stock.get((item, area), 0)

    def stock(self) -> dict[tuple[ItemId, PlaceId], int]:
        """Give the stock of every item and area that was ever told of, in milli-units."""
        return dict(self._stock)

    def _post(self, kept: _Kept, sign: int) -> None:
        if kept.key is not None:
            self._stock[kept.key] = self._stock.get(kept.key, 0) + sign * kept.milli
