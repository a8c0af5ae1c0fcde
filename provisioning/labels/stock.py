"""The paper that is printed on: sheets, sheets of labels as they are sold, and tape. All lengths in millimetres."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page: its upper left corner, from the page's, and its size."""

    left: float
    top: float
    width: float
    height: float

    def inside(self, margin: float) -> Box:
        """Give the box within it that leaves a margin on all sides."""
        return Box(self.left + margin, self.top + margin, self.width - 2 * margin, self.height - 2 * margin)


@dataclass(frozen=True, slots=True)
class Stock:
    """Labels or cards of one size, in columns and rows of a page; `pitch` is from one to the next.

    `cut`: it is one sheet of paper that is to be cut up.
    """

    name: str
    page: tuple[float, float]
    label: tuple[float, float]
    columns: int = 1
    rows: int = 1
    left: float = 0.0
    top: float = 0.0
    pitch: tuple[float, float] = (0.0, 0.0)
    cut: bool = False

    @property
    def a_page(self) -> int:
        """How many are on a page."""
        return self.columns * self.rows

    def box(self, number: int) -> Box:
        """Give the place of a label by its number on the page, from 0, row by row."""
        row, column = divmod(number, self.columns)
        return Box(self.left + column * self.pitch[0], self.top + row * self.pitch[1], *self.label)

    def boxes(self, skip: int) -> Iterator[tuple[int, Box]]:
        """Give page (from 0) and place of one label after the other, the first `skip` of page 0 being used up."""
        number = skip
        while True:
            page, on_page = divmod(number, self.a_page)
            yield page, self.box(on_page)
            number += 1


A4: Final = (210.0, 297.0)
LETTER: Final = (215.9, 279.4)


def _to_cut(name: str, page: tuple[float, float], label: tuple[float, float], columns: int, rows: int) -> Stock:
    left, top = (page[0] - columns * label[0]) / 2, (page[1] - rows * label[1]) / 2
    return Stock(name, page, label, columns, rows, left, top, label, cut=True)


CARD: Final = (96.0, 52.0)
"""As large as 275 modules of Code 128 need to be read well: the longest card that has no name in it."""
CARDS: Final = {"a4": _to_cut("a4", A4, CARD, 2, 5), "letter": _to_cut("letter", LETTER, CARD, 2, 5)}

_FLEET: Final = (96.0, 66.0)
FLEET: Final = {"a4": _to_cut("a4", A4, _FLEET, 2, 4), "letter": _to_cut("letter", LETTER, _FLEET, 2, 4)}

# Sizes as the manufacturers give them on the packs, margins and pitch from their templates.
_L7160: Final = Stock("avery-l7160", A4, (63.5, 38.1), 3, 7, 7.2, 15.1, (66.04, 38.1))
_L7163: Final = Stock("avery-l7163", A4, (99.1, 38.1), 2, 7, 4.65, 15.1, (101.6, 38.1))
_TAPE: Final = Stock("tape-62", (100.0, 62.0), (100.0, 62.0))
"""62 mm wide without end, as label printers take it; each label is a page, its long side along the tape."""
LABELS: Final = {
    each.name: each
    for each in (
        _L7160,
        _L7163,
        _TAPE,
        _to_cut("a4", A4, (96.0, 40.0), 2, 7),
        _to_cut("letter", LETTER, (96.0, 38.0), 2, 7),
    )
}
