"""Holds a decision about a count session against what is known of it, before it goes into the journal."""

from __future__ import annotations

from hub.errors import BadInput
from hub.store import count_rows
from hub.store.count_views import FloorOf
from hub.store.epochs import EpochRows
from hub.store.sql import Sql
from protocol.count_decisions import CountDecision, CountPlanned
from protocol.identity import EntryId, PlaceId


def check(sql: Sql, epochs: EpochRows, floor_of: FloorOf, decision: CountDecision) -> None:
    """Raise `BadInput`: "count-planned" (it has a plan), "place-differs" (a shelf of another area), "count-unknown",
    "not-of-count" (what is to be void is no part of it).
    """
    known = count_rows.material(sql, epochs, decision.session)
    if isinstance(decision, CountPlanned):
        if known.plan is not None:
            raise BadInput("count-planned", f"{decision.session!r} was planned before: take another name")
        floor = floor_of(sql)
        for place in decision.shelves:
            area = floor.area(PlaceId(place), decision.at_us)
            if area != decision.area:
                raise BadInput("place-differs", f"{place} is of the area {area}")
        return
    if known.plan is None and not known.parts and not known.done:
        raise BadInput("count-unknown", f"nobody has counted or planned {decision.session!r}")
    if decision.target is not None and EntryId.parse(decision.target) not in known.entries:
        raise BadInput("not-of-count", f"{decision.target} is no part of {decision.session!r}")
