"""What somebody wants the catalogue to say of an item; a field that is None is left as it is."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.catalogue import Unit


@dataclass(frozen=True, slots=True)
class Amount:
    """Money: `minor` minor units of `currency` (ISO 4217)."""

    minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Listing:
    """An item as wanted. `codes` are all the codes that mean it (`ScannedCode.lookup`); `price` is the regular one."""

    item: str
    name: str | None = None
    unit: Unit | None = None
    codes: tuple[str, ...] | None = None
    price: Amount | None = None
