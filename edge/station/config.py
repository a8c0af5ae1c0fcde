"""What a station is set to, as far as its rules need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from protocol.cards import Mode
from protocol.catalogue import Scope
from protocol.identity import DeviceId, PlaceId, StoreId


@dataclass(frozen=True, slots=True)
class StationConfig:
    """The settings of a station.

    `scopes` are those whose prices hold here, narrowest first. `scale` is the device whose weights count, None for any.
    `count_codes`: how many different codes one count may hold. `idle_us`: a sale in which nothing was done for so long
    is over, None for never. `dwell_us`: how long a code must be out of a device's sight to be taken again (`dwell`).
    `store` is where the station stands, None if it need not know which end of a shipment it is; `area` is what its
    place is part of, None if that is the place itself. `baskets`: what is sold falls into the basket that till software
    has opened, and without one nothing is sold.
    """

    place: PlaceId
    mode: Mode
    scopes: tuple[Scope, ...] = ()
    scale: DeviceId | None = None
    weight_wait_us: int = 5_000_000
    count_codes: int = 5000
    idle_us: int | None = None
    dwell_us: Mapping[DeviceId, int] = field(default_factory=dict)
    store: StoreId | None = None
    area: PlaceId | None = None
    baskets: bool = False
