"""Pages of text, bars and squares, written as PDF: the only place where the PDF library is known. Pure: bytes out.

Lengths are in millimetres from a page's upper left corner, sizes of type in points; the same drawing makes the same
bytes. Bars are as wide as whole dots of a printer of 300 dpi, so that none is rounded wider than another.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

import segno
from reportlab.lib.units import mm  # type: ignore[import-untyped]
from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # type: ignore[import-untyped]
from reportlab.pdfbase.pdfmetrics import (  # type: ignore[import-untyped]
    getRegisteredFontNames,
    registerFont,
    stringWidth,
)
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from protocol.code128 import Barcode
from provisioning.labels.inert import CHINESE, inert, runs
from provisioning.labels.stock import Box, Stock

DOT: Final = 25.4 / 300
LEAST_DOTS: Final = 4
"""Of a bar's module: 0.339 mm, which scanners read from a hand's breadth to half a metre."""
MOST_DOTS: Final = 6
QR_QUIET: Final = 4
"""ISO/IEC 18004 section 6.3.8: modules that stay white around it."""

_LEAST_POINTS: Final = 5.5
_LEADING: Final = 0.47
"""Millimetres from line to line for a point of type."""
_CUT: Final = "…"
_MARK: Final = 4.0


def fits(barcode: Barcode, width: float) -> float | None:
    """Give the width of a module for which a barcode with its quiet zones fits into `width`; None: for none."""
    dots = min(MOST_DOTS, int(width / barcode.width / DOT + 1e-9))
    return None if dots < LEAST_DOTS else dots * DOT


class Pages:
    """A document being drawn, on one page at a time. `compress` is for tests to turn off."""

    def __init__(self, title: str, page: tuple[float, float], *, compress: bool = True) -> None:
        if CHINESE not in getRegisteredFontNames():
            registerFont(UnicodeCIDFont(CHINESE))
        self._into = io.BytesIO()
        self._height = page[1]
        size = (page[0] * mm, page[1] * mm)
        self._canvas = Canvas(self._into, pagesize=size, pageCompression=int(compress), invariant=1)
        self._canvas.setTitle(title)
        self._canvas.setCreator("Shelfwire")

    def next_page(self) -> None:
        """End the page, and begin another."""
        self._canvas.showPage()

    def finish(self) -> bytes:
        """End the document."""
        self._canvas.save()
        return self._into.getvalue()

    def text(
        self, at: tuple[float, float], text: str, points: float, width: float, *, bold: bool = False, grey: bool = False
    ) -> float:
        """Write a line whose foot stands at `at`, in smaller type if it is wider than `width`, or cut; give its width.

        The text is anybody's: what is printed is `inert`.
        """
        shown = inert(text)
        while points > _LEAST_POINTS and _width(shown, points, bold=bold) > width * mm:
            points -= 0.5
        if _width(shown, points, bold=bold) > width * mm:
            while shown and _width(shown + _CUT, points, bold=bold) > width * mm:
                shown = shown[:-1]
            shown += _CUT
        canvas = self._canvas
        canvas.setFillGray(0.35 if grey else 0)
        x, y = at[0] * mm, (self._height - at[1]) * mm
        for font, run in runs(shown, bold=bold):
            canvas.setFont(font, points)
            canvas.drawString(x, y, run)
            x += stringWidth(run, font, points)
        canvas.setFillGray(0)
        return float(_width(shown, points, bold=bold) / mm)

    def paragraph(
        self, at: tuple[float, float], lines: Iterable[str], points: float, width: float, *, bold: bool = False
    ) -> float:
        """Write lines below `at`, each as `text` does; give where the last one stands."""
        x, y = at
        for line in lines:
            y += points * _LEADING
            self.text((x, y), line, points, width, bold=bold)
        return y

    def bars(self, barcode: Barcode, box: Box, module: float) -> None:
        """Draw a barcode in the middle of a box, as high as that is; it must be as wide as the quiet zones need."""
        left = box.left + (box.width - barcode.width * module) / 2
        for at, width in barcode.bars:
            self._rectangle(Box(left + at * module, box.top, width * module, box.height))

    def squares(self, text: str, box: Box) -> None:
        """Draw a QR code, as large as fits with its quiet zone into a box."""
        matrix = segno.make(text, error="m", micro=False).matrix
        module = min(box.width, box.height) / (len(matrix) + 2 * QR_QUIET)
        left, top = box.left + QR_QUIET * module, box.top + QR_QUIET * module
        for y, row in enumerate(matrix):
            # Dark modules side by side are one rectangle: no viewer then shows a hair between them.
            edges = [x for x, (one, two) in enumerate(pairwise((0, *row, 0))) if one != two]
            for begin, end in zip(edges[::2], edges[1::2], strict=True):
                self._rectangle(Box(left + begin * module, top + y * module, (end - begin) * module, module))

    def crop_marks(self, stock: Stock) -> None:
        """Show where to cut: short lines at the edges of the sheet, and a cross at each inner corner."""
        self._canvas.setLineWidth(0.3)
        self._canvas.setStrokeGray(0.4)
        for x1, y1, x2, y2 in _cuts(stock):
            self._canvas.line(x1 * mm, (self._height - y1) * mm, x2 * mm, (self._height - y2) * mm)

    def _rectangle(self, box: Box) -> None:
        bottom = self._height - box.top - box.height
        self._canvas.rect(box.left * mm, bottom * mm, box.width * mm, box.height * mm, stroke=0, fill=1)


def _width(shown: str, points: float, *, bold: bool) -> float:
    return sum(float(stringWidth(run, font, points)) for font, run in runs(shown, bold=bold))


def _cuts(stock: Stock) -> Iterator[tuple[float, float, float, float]]:
    xs = [stock.left + column * stock.label[0] for column in range(stock.columns + 1)]
    ys = [stock.top + row * stock.label[1] for row in range(stock.rows + 1)]
    for x in xs:
        yield x, ys[0] - 1 - _MARK, x, ys[0] - 1
        yield x, ys[-1] + 1, x, ys[-1] + 1 + _MARK
    for y in ys:
        yield xs[0] - 1 - _MARK, y, xs[0] - 1, y
        yield xs[-1] + 1, y, xs[-1] + 1 + _MARK, y
    for x in xs[1:-1]:
        for y in ys:
            yield x - 1, y, x + 1, y
            yield x, y - 1, x, y + 1
