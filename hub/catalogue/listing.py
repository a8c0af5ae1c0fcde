"""What somebody wants the catalogue to say of an item; a field that is None is left as it is."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.catalogue import STORE, WHOLE_MILLI, PriceKind, Scope, Unit


@dataclass(frozen=True, slots=True)
class Amount:
    """Money: `minor` minor units of `currency` (ISO 4217) for `per_milli` milli-units of an item."""

    minor: int
    currency: str
    per_milli: int = WHOLE_MILLI


@dataclass(frozen=True, slots=True)
class Offer:
    """A price beside the regular one, known by `id` within its item, for as long as it holds (UTC microseconds)."""

    id: str
    kind: PriceKind
    price: Amount
    scope: Scope = STORE
    priority: int = 0
    min_qty_milli: int = 0
    from_us: int = 0
    to_us: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """An item as wanted.

    `codes` are all the codes that mean it (`ScannedCode.lookup`), `packs` how many milli-units those of them stand for
    of which that is said, `plus` its price look-up keys. `price` is the regular one; `offers` are set beside it, and
    those not told here stay.
    """

    item: str
    name: str | None = None
    unit: Unit | None = None
    codes: tuple[str, ...] | None = None
    price: Amount | None = None
    packs: tuple[tuple[str, int], ...] = ()
    plus: tuple[str, ...] | None = None
    offers: tuple[Offer, ...] = ()
    category: str | None = None
    supplier: str | None = None
    pack_milli: int | None = None
    lead_days: int | None = None
    tagged: bool | None = None
