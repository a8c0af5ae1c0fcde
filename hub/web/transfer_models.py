"""What REST takes and gives of transfers, and what is printed on a shipment's card."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hub.ledger.transfers import Said, TransferState
from hub.store.entry_bounds import MAX_BOOKED_MILLI
from hub.web.models import Line, Model, Next, Word
from protocol.cards import ShipmentCard, ShipmentEnd, card_text
from protocol.feed_documents import Phase

Document = Annotated[
    str, Field(pattern=r"^[A-Z0-9][A-Z0-9./_-]{0,39}$", description="as it stands on the shipment's card")
]
Name = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]


class ToGo(Model):
    """So much of an item that is to go."""

    item: Word
    qty_milli: Annotated[int, Field(gt=0, le=MAX_BOOKED_MILLI)]


class NewTransfer(Model):
    """A draft. A store that is not named is this one."""

    document: Document
    from_area: Name
    to_area: Name
    lines: Annotated[list[ToGo], Field(min_length=1, max_length=1000)]
    author: Line
    note: Line
    from_store: Name | None = None
    to_store: Name | None = None


class Step(Model):
    """Who takes a step, and why."""

    author: Line
    note: Line


class TransferItem(Model):
    """One item; `transit_milli` = shipped - received - settled. What a close wrote off is `settled_milli`."""

    item: str
    planned_milli: int
    shipped_milli: int
    received_milli: int
    settled_milli: int
    transit_milli: int
    discrepancy_milli: Annotated[int, Field(description="shipped and not received; below zero: received too much")]


class Taken(Model):
    """A step that was taken."""

    at_us: int
    by_hq: bool
    author: str
    note: str

    @classmethod
    def of(cls, said: Said | None) -> Taken | None:
        return None if said is None else cls(at_us=said.at_us, by_hq=said.by_hq, author=said.author, note=said.note)


class Transfer(Model):
    """A transfer and what it has come to, both ends together. `card` is what the shipment's card says."""

    document: str
    phase: Phase
    from_store: str | None
    from_area: str | None
    to_store: str | None
    to_area: str | None
    items: list[TransferItem]
    drafted: Taken | None
    approved: Taken | None
    closed: Taken | None
    card: str | None

    @classmethod
    def of(cls, state: TransferState) -> Transfer:
        route = state.route
        return cls(
            document=state.document,
            phase=state.phase,
            from_store=None if route is None else route.from_store,
            from_area=None if route is None else route.from_area,
            to_store=None if route is None else route.to_store,
            to_area=None if route is None else route.to_area,
            items=[
                TransferItem(
                    item=each.item,
                    planned_milli=each.planned_milli,
                    shipped_milli=each.moved.shipped_milli,
                    received_milli=each.moved.received_milli,
                    settled_milli=each.moved.settled_milli,
                    transit_milli=each.moved.transit_milli,
                    discrepancy_milli=each.discrepancy_milli,
                )
                for each in state.items
            ],
            drafted=Taken.of(state.drafted),
            approved=Taken.of(state.approved),
            closed=Taken.of(state.closed),
            card=shipment_card(state),
        )


class Transfers(Model):
    """Transfers, the one that was spoken of last first."""

    transfers: list[Transfer]
    next: Next


class SaidSo(Model):
    """The journal entry that says so; it is seen in the transfer a moment later."""

    entry: str


def shipment_card(state: TransferState) -> str | None:
    """Give what is printed on a shipment's card; None while nobody approved it. Within a store, its ends are places."""
    route = None if state.approved is None else state.approved.route
    if route is None:
        return None
    within = route.from_store == route.to_store
    return card_text(
        ShipmentCard(
            state.document,
            ShipmentEnd(route.from_store, route.from_area if within else None),
            ShipmentEnd(route.to_store, route.to_area if within else None),
        )
    )
