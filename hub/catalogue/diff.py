"""From what is live to what is wanted: the fewest rows that have to be appended to the catalogue log.

Links are closed and begun anew, never edited, so what a code meant before stays true of what was scanned before. A
new price is a row beside the old one, which gives way to it by its later valid-from: it can be shipped ahead, and a
till whose clock lags still finds one. Rows come in an order in which every prefix is sound: first what is new, then
what ends, so that a code is never without its item between two frames.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from hub.catalogue.listing import Amount, Listing, Offer
from protocol.catalogue import (
    STORE,
    WHOLE_MILLI,
    CatalogueRow,
    CodeLink,
    Item,
    LiveRow,
    Price,
    PriceKind,
    RowKey,
    Unit,
    link_at,
    row_key,
    tombstone,
)
from protocol.codes import is_plu
from protocol.pricing import for_a_unit, winning_price

REGULAR: Final = "regular-"
"""What the ids of regular prices that are imported begin with."""
ALWAYS_US: Final = 0
"""The valid-from of a code's first link and an item's first price: before it they meant nothing else."""


@dataclass(slots=True)
class _Live:
    """The live rows, by what they are about."""

    items: dict[str, Item] = field(default_factory=dict)
    links_of_code: defaultdict[str, list[CodeLink]] = field(default_factory=lambda: defaultdict(list))
    links_of_item: defaultdict[str, list[CodeLink]] = field(default_factory=lambda: defaultdict(list))
    prices: defaultdict[str, list[Price]] = field(default_factory=lambda: defaultdict(list))


@dataclass(slots=True)
class _Changes:
    """Rows to append, by key, so that a key is said once; in the order in which the log gets them."""

    items: dict[RowKey, CatalogueRow] = field(default_factory=dict)
    prices: dict[RowKey, CatalogueRow] = field(default_factory=dict)
    begun: dict[RowKey, CatalogueRow] = field(default_factory=dict)
    closed: dict[RowKey, CatalogueRow] = field(default_factory=dict)
    gone: dict[RowKey, CatalogueRow] = field(default_factory=dict)

    def rows(self) -> Iterator[CatalogueRow]:
        # A link that is closed where another of the same code begins at the very instant is simply replaced.
        closed = (row for key, row in self.closed.items() if key not in self.begun)
        return chain(self.items.values(), self.prices.values(), self.begun.values(), closed, self.gone.values())


def changes(
    live: Iterable[LiveRow], wanted: Iterable[Listing], at_us: int, *, complete: bool = False
) -> list[CatalogueRow]:
    """Say what to append so that, from `at_us` (UTC) on, every wanted item is as listed.

    A code that means another item at `at_us` is moved. What is scheduled for later stays scheduled. If `wanted` is
    `complete`, live items it does not list go: their codes mean nothing from `at_us` on, and the item and its prices
    are dropped at once. Of prices, the regular one of the whole store is compared and replaced; of promotions,
    markdowns and narrower prices those that are told by their id. Codes and price look-up numbers are told apart: a
    list of the one says nothing of the other. A code whose pack holds another quantity now is closed and begun anew.
    """
    known = _sorted_out(live)
    listings = {listing.item: listing for listing in wanted}
    made = _Changes()
    for listing in listings.values():
        _item(known, listing, made)
        if listing.price is not None:
            _price(known.prices[listing.item], listing.item, listing.price, at_us, made)
        _offers(known.prices[listing.item], listing.item, listing.offers, made)
        packs = dict(listing.packs)
        for codes, plus in ((listing.codes, False), (listing.plus, True)):
            if codes is not None:
                factors = {code: packs.get(code) for code in codes}
                _codes(known, listing.item, factors, at_us, made, plus=plus)
    if complete:
        for item in known.items.keys() - listings.keys():
            _drop(known, known.items[item], at_us, made)
    return list(made.rows())


def _sorted_out(live: Iterable[LiveRow]) -> _Live:
    known = _Live()
    for row in live:
        if isinstance(row, Item):
            known.items[row.item] = row
        elif isinstance(row, CodeLink):
            known.links_of_code[row.code].append(row)
            known.links_of_item[row.item].append(row)
        elif isinstance(row, Price):
            known.prices[row.item].append(row)
    return known


def _item(known: _Live, listing: Listing, made: _Changes) -> None:
    old = known.items.get(listing.item, Item(listing.item, listing.item, Unit.EACH))
    new = Item(
        listing.item,
        old.name if listing.name is None else listing.name,
        old.unit if listing.unit is None else listing.unit,
        old.category if listing.category is None else listing.category,
        old.supplier if listing.supplier is None else listing.supplier,
        old.pack_milli if listing.pack_milli is None else listing.pack_milli,
        old.lead_days if listing.lead_days is None else listing.lead_days,
        old.tagged if listing.tagged is None else listing.tagged,
    )
    if known.items.get(listing.item) != new:
        made.items[row_key(new)] = new


def _price(live: Iterable[Price], item: str, wanted: Amount, at_us: int, made: _Changes) -> None:
    ours = [
        price
        for price in live
        if price.kind is PriceKind.REGULAR and price.scope == STORE and price.priority == 0 and price.min_qty_milli == 0
    ]
    held = winning_price(ours, at_us, 0, (STORE,))
    from_us = at_us if ours else ALWAYS_US
    new = Price(
        item,
        f"{REGULAR}{from_us}",
        PriceKind.REGULAR,
        wanted.minor,
        wanted.currency,
        valid_from_us=from_us,
        sell_factor_milli=wanted.per_milli,
    )
    if held is not None and (held.minor, held.currency) == (for_a_unit(new).minor, new.currency):
        return
    made.prices[row_key(new)] = new
    for price in ours:
        # The one held until now stays, for tills whose clocks lag and until the new one begins; those it beat go.
        if held is not None and price.valid_from_us < held.valid_from_us:
            made.gone[row_key(price)] = tombstone(row_key(price))


def _offers(live: Iterable[Price], item: str, offers: Iterable[Offer], made: _Changes) -> None:
    held = {price.id: price for price in live}
    for offer in offers:
        new = Price(
            item,
            offer.id,
            offer.kind,
            offer.price.minor,
            offer.price.currency,
            offer.scope,
            offer.priority,
            offer.min_qty_milli,
            offer.from_us,
            offer.to_us,
            offer.price.per_milli,
        )
        if held.get(offer.id) != new:
            made.prices[row_key(new)] = new


def _codes(
    known: _Live, item: str, factors: Mapping[str, int | None], at_us: int, made: _Changes, *, plus: bool | None = None
) -> None:
    for code, factor_milli in factors.items():
        links = known.links_of_code[code]
        held = link_at(links, at_us)
        if held is None or held.item != item or factor_milli not in (None, held.factor_milli):
            new = CodeLink(code, item, factor_milli or WHOLE_MILLI, valid_from_us=at_us if links else ALWAYS_US)
            made.begun[row_key(new)] = new
            _close(links, at_us, made)
    for link in known.links_of_item[item]:
        held = link_at(known.links_of_code[link.code], at_us)
        if link.code not in factors and held is not None and held.item == item and plus in (None, is_plu(link.code)):
            _close(known.links_of_code[link.code], at_us, made)


def _drop(known: _Live, item: Item, at_us: int, made: _Changes) -> None:
    _codes(known, item.item, {}, at_us, made)
    for link in known.links_of_item[item.item]:
        if link.valid_from_us > at_us:
            made.gone[row_key(link)] = tombstone(row_key(link))
    for price in known.prices[item.item]:
        made.gone[row_key(price)] = tombstone(row_key(price))
    made.gone[row_key(item)] = tombstone(row_key(item))


def _close(links: Iterable[CodeLink], at_us: int, made: _Changes) -> None:
    """Close every link in force, also those hidden by a later one: they would come to light again."""
    for link in links:
        if link.valid_from_us <= at_us and (link.valid_to_us is None or link.valid_to_us > at_us):
            closed = CodeLink(link.code, link.item, link.factor_milli, link.valid_from_us, at_us)
            made.closed[row_key(closed)] = closed
