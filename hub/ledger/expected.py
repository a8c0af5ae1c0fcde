"""What transfers will bring to an item in an area and take from it, from approval until they are closed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hub.ledger.transfers import TransferState
from protocol.feed_documents import Phase
from protocol.identity import ItemId, PlaceId, StoreId

STORE_AREA = PlaceId("store")
"""Where goods go if nobody has said which area of the store they are for."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Approved to come and not shipped yet; shipped and not received; approved to leave and not shipped yet.

    `documents` are the transfers that these come from, in the order of their names.
    """

    on_order_milli: int = 0
    in_transit_milli: int = 0
    leaving_milli: int = 0
    documents: tuple[str, ...] = ()


NOTHING = Expected()


def expected(transfers: Iterable[TransferState], store: StoreId) -> dict[tuple[ItemId, PlaceId], Expected]:
    """Add up what is to come to, and to leave, each area of `store`."""
    found: dict[tuple[ItemId, PlaceId], Expected] = {}

    def add(item: ItemId, area: PlaceId, document: str, *, coming: int = 0, transit: int = 0, leaving: int = 0) -> None:
        if coming or transit or leaving:
            before = found.get((item, area or STORE_AREA), NOTHING)
            found[item, area or STORE_AREA] = replace(
                before,
                on_order_milli=before.on_order_milli + coming,
                in_transit_milli=before.in_transit_milli + transit,
                leaving_milli=before.leaving_milli + leaving,
                documents=tuple(sorted({*before.documents, document})),
            )

    for each in transfers:
        route = each.route
        if route is None or each.approved is None or each.phase is Phase.CLOSED:
            continue
        for line in each.items:
            unsent = max(0, line.planned_milli - line.moved.shipped_milli)
            if route.to_store == store:
                transit = max(0, line.moved.transit_milli)
                add(line.item, route.to_area, each.document, coming=unsent, transit=transit)
            if route.from_store == store:
                add(line.item, route.from_area, each.document, leaving=unsent)
    return found
