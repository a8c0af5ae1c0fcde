"""An offer from the cells of a line: a promotion or markdown, what it costs, where and from when to when. Pure.

offer       its name, unique within the item: a line that names it again replaces it
kind        promotion (the default) or markdown
scope       store (the default), area:<place> or station:<station>
priority    the greatest wins; 10 if nothing is said, so that an offer beats the regular price
min_qty     from how many on
from, to    the store's own clock: 2026-03-29 08:00, or a day: from its beginning, to its end
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import Final, TypeVar

from hub.catalogue.cells import parse_pack, parse_whole
from hub.catalogue.diff import REGULAR
from hub.catalogue.listing import Amount, Offer
from hub.catalogue.local_time import instant_us
from protocol.catalogue import STORE, PriceKind, parse_scope
from protocol.errors import BadInput

OFFER_COLUMNS: Final = ("offer", "kind", "scope", "priority", "min_qty", "from", "to")
USUAL_PRIORITY: Final = 10
_MAX_ID: Final = 64
_MAX_PRIORITY: Final = 1000
_OFFERED: Final = (PriceKind.PROMOTION, PriceKind.MARKDOWN)
_T = TypeVar("_T")

Errors = list[tuple[str, BadInput]]


def read_offer(cells: Mapping[str, str], price: Amount, zone: tzinfo) -> Offer | Errors:
    """Read the cells of `OFFER_COLUMNS`, or say what is wrong with them, by column."""
    wrong: Errors = []

    def read(column: str, reading: Callable[[str], _T], unsaid: _T) -> _T:
        try:
            return reading(cells[column]) if cells[column] else unsaid
        except BadInput as error:
            wrong.append((column, error))
            return unsaid

    offer = Offer(
        id=read("offer", _name, ""),
        kind=read("kind", _kind, PriceKind.PROMOTION),
        price=price,
        scope=read("scope", parse_scope, STORE),
        priority=read("priority", lambda text: parse_whole(text, -_MAX_PRIORITY, _MAX_PRIORITY), USUAL_PRIORITY),
        min_qty_milli=read("min_qty", parse_pack, 0),
        from_us=read("from", lambda text: instant_us(text, zone), 0),
        to_us=read("to", lambda text: instant_us(text, zone, end=True), None),
    )
    if not wrong and offer.to_us is not None and offer.to_us <= offer.from_us:
        wrong.append(("to", BadInput("bad-time", "it ends before it begins")))
    return wrong or offer


def _name(text: str) -> str:
    if len(text) > _MAX_ID or not text.isprintable() or text.startswith(REGULAR):
        raise BadInput("bad-offer", f"more than {_MAX_ID} characters, unprintable, or begins with {REGULAR!r}")
    return text


def _kind(text: str) -> PriceKind:
    for kind in _OFFERED:
        if text == kind:
            return kind
    raise BadInput("bad-kind", f"{text[:40]!r} is not {' or '.join(_OFFERED)}")
