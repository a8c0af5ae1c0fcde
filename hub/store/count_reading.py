"""What lines about counts are to `hub.ledger.counting`: parts, shelves that were counted, plans and rulings. Pure."""

from __future__ import annotations

from hub.ledger import entries as ledger
from hub.ledger.counting import UNKNOWN_ITEM, Goods, Part, Plan, Ruling, ShelfDone, Verdict
from hub.ledger.timefit import Timed
from hub.store.reading import NO_ITEM
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.events import Count, ShelfCounted
from protocol.identity import EntryId, ItemId, PlaceId


def part_of(event: Count, read: ledger.Count) -> Part:
    """Make the part of a session that a station's count is; `read` is the ledger's entry of the same line."""
    return Part(
        entry=read.id,
        session=event.session,
        item=UNKNOWN_ITEM if read.scope.item == NO_ITEM else read.scope.item,
        place=PlaceId(event.place),
        qty_milli=read.qty_milli,
        from_us=read.span_us,
        to_us=read.t_us,
        err_us=read.err_us,
        pass_=event.pass_,
        person=event.person,
    )


def shelf_of(identity: EntryId, event: ShelfCounted, timed: Timed) -> ShelfDone:
    """Make a person's word that a shelf is counted; beside a reader it is of goods without tags alone."""
    return ShelfDone(
        entry=identity,
        session=event.session,
        place=PlaceId(event.place),
        from_us=timed.t_us - max(0, event.when.up_us - event.from_up_us),
        to_us=timed.t_us,
        err_us=timed.err_us,
        pass_=event.pass_,
        person=event.person,
        goods=Goods.ALL if event.tags is None else Goods.UNTAGGED,
    )


def plan_of(said: CountPlanned) -> Plan:
    """Make the plan of a session."""
    return Plan(
        session=said.session,
        area=PlaceId(said.area),
        at_us=said.at_us,
        items=None if said.items is None else frozenset(map(ItemId, said.items)),
        shelves=frozenset(map(PlaceId, said.shelves)),
        blind=said.blind,
        closed=said.closed,
        two_passes=said.two_passes,
    )


def ruling_of(identity: EntryId, said: CountRuled) -> Ruling:
    """Make a ruling. Raises `BadInput` ("bad-entry-id")."""
    return Ruling(
        entry=identity,
        verdict=Verdict(said.verdict.value),
        session=said.session,
        item=None if said.item is None else ItemId(said.item),
        pass_=said.pass_,
        target=None if said.target is None else EntryId.parse(said.target),
    )
