"""Labels for shelves and other places, and for stations: what is there, readable by people and scanners.

A place's code is the card that moves goods to it; a label too narrow for its bars has it as a QR code. A station's is
no card any station obeys: scanned by mistake it is refused, never sold.

    SW1:DEVICE:HIGH-STREET:ST-ABCDEFGHIJ234:OK     store and identity, closed by check characters as other cards are
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocol.cards import PlaceCard, card_text
from protocol.check_characters import check_characters
from protocol.code128 import code128
from protocol.identity import parse_place
from provisioning.labels.pages import Pages, fits
from provisioning.labels.stock import LABELS, Box
from provisioning.labels.wording import Languages, Wording

_KINDS: Final = {
    "area": Wording("Area", "区域"),
    "shelf": Wording("Shelf", "货架"),
    "pop-up": Wording("Pop-up", "临时货架"),
    "spot": Wording("Spot", "地点"),
}
_PLACE: Final = Wording("Place", "货位")
_STATION: Final = Wording("Station", "工作站")
_MARGIN: Final = 3.0


@dataclass(frozen=True, slots=True)
class PlaceLabel:
    """A place to be labelled; kind and area as the shop floor has them, or ""."""

    place: str
    kind: str = ""
    area: str = ""


@dataclass(frozen=True, slots=True)
class StationLabel:
    """A station to be labelled."""

    identity: str
    position: str


def device_text(store: str, identity: str) -> str:
    """Write what a station's label says to a scanner."""
    names = f"{store.upper()}:{identity.upper()}"
    return f"SW1:DEVICE:{names}:{check_characters(names.replace(':', '-'))}"


def place_labels(
    store: str, labels: Sequence[PlaceLabel], languages: Languages, stock: str, skip: int = 0, *, compress: bool = True
) -> bytes:
    """Print labels of places as PDF; the first `skip` of the sheet are used up. Raises `BadInput` ("bad-place")."""
    codes = [card_text(PlaceCard(parse_place(label.place))) for label in labels]

    def draw(pages: Pages, box: Box, number: int) -> None:
        label, code = labels[number], codes[number]
        barcode = code128(code)
        module = fits(barcode, box.width - 1)
        kind = " ".join(_KINDS.get(label.kind, _PLACE).lines(languages))
        about = "   ".join(part for part in (kind, label.area) if part)
        if module is None:
            _beside_square(pages, box, code, label.place, [about, store], code)
            return
        inner = box.inside(_MARGIN)
        pages.text((inner.left, inner.top + 6), label.place, 20, inner.width, bold=True)
        pages.text((inner.left, inner.top + 10.5), f"{about}   {store}", 8.5, inner.width)
        foot = inner.top + inner.height
        pages.bars(barcode, Box(box.left, inner.top + 12.5, box.width, foot - 3.5 - inner.top - 12.5), module)
        pages.text((inner.left, foot), code, 7, inner.width)

    return _labels("Labels of places", stock, skip, len(labels), draw, compress=compress)


def station_labels(
    store: str,
    labels: Sequence[StationLabel],
    languages: Languages,
    stock: str,
    skip: int = 0,
    *,
    compress: bool = True,
) -> bytes:
    """Print labels of stations as PDF, as `place_labels` does."""

    def draw(pages: Pages, box: Box, number: int) -> None:
        label = labels[number]
        kind = " ".join(_STATION.lines(languages))
        code = device_text(store, label.identity)
        _beside_square(pages, box, code, label.position, [kind, store], label.identity)

    return _labels("Labels of stations", stock, skip, len(labels), draw, compress=compress)


def _beside_square(pages: Pages, box: Box, code: str, title: str, about: Sequence[str], foot: str) -> None:
    side = min(box.height, box.width / 2) - 2
    pages.squares(code, Box(box.left + 1, box.top + (box.height - side) / 2, side, side))
    left = box.left + side + 2
    width = box.left + box.width - left - _MARGIN
    middle = box.top + box.height / 2
    pages.text((left, middle - 3), title, 18, width, bold=True)
    pages.paragraph((left, middle - 1), about, 8.5, width)
    pages.text((left, middle + 11), foot, 7, width)


def _labels(
    title: str, stock: str, skip: int, count: int, draw: Callable[[Pages, Box, int], None], *, compress: bool
) -> bytes:
    sheet = LABELS[stock]
    pages = Pages(title, sheet.page, compress=compress)
    on_page = -1
    for number, (page, box) in zip(range(count), sheet.boxes(skip), strict=False):
        if page != on_page:
            if on_page >= 0:
                pages.next_page()
            if sheet.cut:
                pages.crop_marks(sheet)
            on_page = page
        draw(pages, box, number)
    return pages.finish()
