"""Reads back what was printed, from an uncompressed PDF: its texts, its bars and its QR codes, by ways of its own.

The bars are told by reportlab's table of Code 128, the squares by ISO/IEC 18004 read here: neither is what drew them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from reportlab.graphics.barcode.code128 import _patterns  # type: ignore[import-untyped]

POINTS_A_MM: Final = 72 / 25.4
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_NUMBER = r"(-?[\d.]+)"
_RECTANGLE = re.compile(rf"{_NUMBER} {_NUMBER} {_NUMBER} {_NUMBER} re f\*?")
_SHOWN = re.compile(r"/(F\S+) [\d.]+ Tf|\(((?:[^\\()]|\\.)*)\) Tj", re.DOTALL)
_ESCAPE = re.compile(r"\\([0-7]{3}|.)", re.DOTALL)


@dataclass
class Page:
    """A page: texts in the order they were written, filled rectangles as (left, bottom, width, height) in mm."""

    texts: list[str] = field(default_factory=list)
    rectangles: list[tuple[float, float, float, float]] = field(default_factory=list)


def pages_of(pdf: bytes) -> list[Page]:
    """Take a PDF apart that was written uncompressed."""
    chinese = _chinese_fonts(pdf)
    found = []
    for stream in _STREAM.findall(pdf):
        content = stream.decode("latin-1")
        page = Page()
        for rectangle in _RECTANGLE.findall(content):
            left, bottom, width, height = (float(part) / POINTS_A_MM for part in rectangle)
            page.rectangles.append((left, bottom, width, height))
        font = ""
        for named, shown in _SHOWN.findall(content):
            if named:
                font = named
            else:
                raw = _ESCAPE.sub(_unescaped, shown).encode("latin-1")
                page.texts.append(raw.decode("utf-16-be" if font in chinese else "cp1252"))
        found.append(page)
    return found


def _chinese_fonts(pdf: bytes) -> set[str]:
    """Give the resource names of fonts written in UTF-16: those whose encoding is UniGB-UCS2-H."""
    text = pdf.decode("latin-1")
    objects = dict(re.findall(r"(\d+) 0 obj\n(.*?)endobj", text, re.DOTALL))
    named = re.findall(r"/(F\S+) (\d+) 0 R", text)
    return {name for name, number in named if "UniGB-UCS2-H" in objects.get(number, "")}


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 3:
        return chr(int(code, 8))
    return {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}.get(code, code)


@dataclass(frozen=True)
class Bars:
    """A Code 128 as it stands on the page, in mm: its text, its module, its height, where its bars begin and end."""

    text: str
    module: float
    height: float
    left: float
    right: float


def barcodes(page: Page) -> list[Bars]:
    """Read every Code 128 of a page: bars of one height on one line, that begin with a start character."""
    lines: dict[tuple[float, float], list[tuple[float, float]]] = defaultdict(list)
    for left, bottom, width, height in page.rectangles:
        if height > 5:
            lines[round(bottom, 3), round(height, 3)].append((left, width))
    found = []
    for (_, height), bars in sorted(lines.items(), reverse=True):
        bars.sort()
        at = 0
        while at < len(bars):
            # A symbol ends where the white is wider than any space in one.
            end = at + 1
            while end < len(bars) and bars[end][0] - sum(bars[end - 1]) < 8 * min(width for _, width in bars):
                end += 1
            found.append(_read_bars(bars[at:end], height))
            at = end
    return found


def _read_bars(bars: list[tuple[float, float]], height: float) -> Bars:
    left, right = bars[0][0], sum(bars[-1])
    widths = [bars[0][1]]
    for before, bar in pairwise(bars):
        widths += [bar[0] - sum(before), bar[1]]
    module = (right - left) / (11 * ((len(widths) - 7) // 6) + 13)
    units = [round(width / module) for width in widths]
    assert all(abs(width / module - unit) < 0.02 for width, unit in zip(widths, units, strict=True)), "not in modules"
    letters = {pattern: value for value, pattern in _patterns.items()}
    values = [letters[_pattern(units[at : at + 6])] for at in range(0, len(units) - 7, 6)]
    assert units[-7:] == [2, 3, 3, 1, 1, 1, 2], "no stop character"
    assert values[0] == 104, "no start B"
    check = (104 + sum(place * value for place, value in enumerate(values[1:-1], 1))) % 103
    assert values[-1] == check, "check character"
    return Bars("".join(chr(32 + value) for value in values[1:-1]), module, height, left, right)


def _pattern(units: list[int]) -> str:
    """Write widths as reportlab does: bars as A to D, spaces as a to d."""
    return "".join(("abcd" if at % 2 else "ABCD")[unit - 1] for at, unit in enumerate(units))


_ROWS_OF_BLOCKS: Final = {
    # version: for L, M, Q, H the blocks as (how many, data codewords of each); ISO/IEC 18004 table 9, versions 1 to 6
    1: ((1, 19), (1, 16), (1, 13), (1, 9)),
    2: ((1, 34), (1, 28), (1, 22), (1, 16)),
    3: ((1, 55), (1, 44), (2, 17), (2, 13)),
    4: ((1, 80), (2, 32), (2, 24), (4, 9)),
    6: ((2, 68), (4, 27), (4, 19), (4, 15)),
}
_VERSION_5: Final = (((1, 108),), ((2, 43),), ((2, 15), (2, 16)), ((2, 11), (2, 12)))
_LEVELS: Final = {0b01: 0, 0b00: 1, 0b11: 2, 0b10: 3}
_MASKS: Final[tuple[Callable[[int, int], int], ...]] = (
    lambda y, x: (y + x) % 2,
    lambda y, _: y % 2,
    lambda _, x: x % 3,
    lambda y, x: (y + x) % 3,
    lambda y, x: (y // 2 + x // 3) % 2,
    lambda y, x: y * x % 2 + y * x % 3,
    lambda y, x: (y * x % 2 + y * x % 3) % 2,
    lambda y, x: ((y + x) % 2 + y * x % 3) % 2,
)
_ALPHANUMERIC: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def squares(page: Page) -> list[tuple[str, float]]:
    """Read every QR code of a page: (text, module in mm), from top to bottom and left to right.

    Undamaged ones up to version 6, of digits, alphanumeric characters or bytes; its format must be without an error.
    """
    small = [each for each in page.rectangles if each[3] <= 5]
    found = []
    while small:
        # The uppermost dark row left begins a code, by the upper edge of its finder pattern: seven modules.
        left, bottom, width, height = max(small, key=lambda each: (round(each[1], 2), -each[0]))
        module = height
        assert abs(width / module - 7) < 0.02, "no finder pattern"
        top = bottom + height
        corner = [each for each in small if abs(each[1] - bottom) < module / 4 and 0 <= each[0] - left < 45 * module]
        last = max(each for each in corner if abs(each[2] / module - 7) < 0.02)
        size = round((last[0] + last[2] - left) / module)
        dark = [[0] * size for _ in range(size)]
        rest = []
        for each in small:
            x, y = round((each[0] - left) / module), round((top - each[1] - each[3]) / module)
            if 0 <= x < size and 0 <= y < size:
                assert abs(left + x * module - each[0]) < module / 10, "beside the grid"
                for at in range(x, x + round(each[2] / module)):
                    dark[y][at] = 1
            else:
                rest.append(each)
        small = rest
        found.append((_read_squares(dark), module))
    return found


def _read_squares(dark: list[list[int]]) -> str:
    size = len(dark)
    version = (size - 17) // 4
    spots = [(8, 0), (8, 1), (8, 2), (8, 3), (8, 4), (8, 5), (8, 7), (8, 8), (7, 8)]
    spots += [(y, 8) for y in range(5, -1, -1)]
    written = 0
    for y, x in spots:
        written = written << 1 | dark[y][x]
    form = written ^ 0b101010000010010
    assert _remainder(form >> 10) == form & 0x3FF, "format"
    level, mask = _LEVELS[form >> 13], _MASKS[form >> 10 & 7]
    bits = [dark[y][x] ^ (mask(y, x) == 0) for y, x in _way(size, version)]
    words = [int("".join(str(int(bit)) for bit in bits[at : at + 8]), 2) for at in range(0, len(bits) - 7, 8)]
    blocks = _VERSION_5[level] if version == 5 else (_ROWS_OF_BLOCKS[version][level],)
    lengths = [length for count, length in blocks for _ in range(count)]
    data: list[list[int]] = [[] for _ in lengths]
    at = 0
    for place in range(max(lengths)):
        for number, length in enumerate(lengths):
            if place < length:
                data[number].append(words[at])
                at += 1
    return _text("".join(f"{word:08b}" for block in data for word in block))


def _remainder(data: int) -> int:
    rest = data << 10
    for bit in range(14, 9, -1):
        if rest >> bit & 1:
            rest ^= 0b10100110111 << (bit - 10)
    return rest


def _way(size: int, version: int) -> Iterator[tuple[int, int]]:
    """Give the modules of data in the order they are filled: pairs of columns from the right, up and down in turn."""
    up = True
    right = size - 1
    while right > 0:
        if right == 6:
            right -= 1
        for y in range(size - 1, -1, -1) if up else range(size):
            for x in (right, right - 1):
                if not _is_pattern(y, x, size, version):
                    yield y, x
        up = not up
        right -= 2


def _is_pattern(y: int, x: int, size: int, version: int) -> bool:
    finder = (y < 9 and x < 9) or (y < 9 and x >= size - 8) or (y >= size - 8 and x < 9)
    middle = size - 7
    aligned = version > 1 and abs(y - middle) <= 2 and abs(x - middle) <= 2
    return finder or aligned or 6 in (y, x)


def _text(bits: str) -> str:
    said = ""
    at = 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return int(bits[at - count : at], 2)

    while len(bits) - at >= 4 and (mode := take(4)):
        if mode == 1:
            count = take(10)
            while count > 0:
                digits = min(3, count)
                said += f"{take((4, 7, 10)[digits - 1]):0{digits}d}"
                count -= digits
        elif mode == 2:
            count = take(9)
            for _ in range(count // 2):
                pair = take(11)
                said += _ALPHANUMERIC[pair // 45] + _ALPHANUMERIC[pair % 45]
            if count % 2:
                said += _ALPHANUMERIC[take(6)]
        else:
            assert mode == 4, f"mode {mode}"
            said += bytes(take(8) for _ in range(take(8))).decode()
    return said
