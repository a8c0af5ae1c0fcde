"""What a machine is told that it is to be, by the book's terms: store, position, place and where the broker is."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.enrolment import Papers
from protocol.identity_words import Standing


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where stations find the broker; `host` None: where they enrolled. `name` is its certificate's, if another."""

    host: str | None
    port: int
    name: str | None = None


def papers_of(standing: Standing, store: str, broker: BrokerAddress, now_us: int) -> Papers:
    """Make an identity's papers; `now_us` (UTC) goes with them as the hub's time."""
    invited = standing.terms
    return Papers(
        store=store,
        station=standing.identity,
        position=invited.position,
        place=invited.place,
        area=invited.area or None,
        mode=invited.mode,
        broker_host=broker.host,
        broker_port=broker.port,
        broker_name=broker.name,
        replaces=invited.replaces or None,
        hub_time_us=now_us,
    )
