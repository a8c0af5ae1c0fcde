"""Charts as SVG text, with nothing but what a browser knows: bars, columns and lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
_INK, _PALE, _GRID = "#1f2933", "#5b6770", "#d9dee3"
COLOURS = ("#1668a8", "#c2571a", "#7a8b99", "#8a5fa8")
_FONT = 'font-family="system-ui, sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a share from 0 to 1, what it is, the words beside it, and which colour."""

    label: str
    share: float
    words: str
    colour: int = 0


def bars(title: str, rows: Sequence[Bar]) -> str:
    """Draw shares as bars that lie, one below the other."""
    left, right, step, top = 250, 110, 32, 46
    room = WIDTH - left - right
    parts = []
    for place, row in enumerate(rows):
        y = top + place * step
        long = max(0.0, min(1.0, row.share)) * room
        parts += [
            _text(left - 10, y + 15, row.label, anchor="end"),
            f'<rect x="{left}" y="{y}" width="{long:.1f}" height="21" fill="{COLOURS[row.colour]}"/>',
            _text(left + long + 8, y + 15, row.words),
        ]
    return _drawing(title, top + len(rows) * step + 8, parts)


def columns(title: str, under: str, heights: Sequence[tuple[str, int]]) -> str:
    """Draw counts as columns that stand side by side; `under` says what runs along the foot."""
    left, top, tall = 30, 56, 180
    step = (WIDTH - 2 * left) / max(1, len(heights))
    most = max((height for _, height in heights), default=1) or 1
    parts = []
    for place, (label, height) in enumerate(heights):
        x, high = left + place * step, height / most * tall
        middle = x + step / 2
        parts += [
            f'<rect x="{x + 3:.1f}" y="{top + tall - high:.1f}" width="{step - 6:.1f}" height="{high:.1f}"'
            f' fill="{COLOURS[0]}"/>',
            _text(middle, top + tall - high - 5, f"{height:,}", anchor="middle", ink=_PALE),
            _text(middle, top + tall + 18, label, anchor="middle"),
        ]
    parts.append(_text(WIDTH / 2, top + tall + 40, under, anchor="middle", ink=_PALE))
    return _drawing(title, top + tall + 54, parts)


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points (x, y); `steps`: each value holds until the next. `dashed` for what is only believed."""

    label: str
    points: Sequence[tuple[float, float]]
    colour: int = 0
    steps: bool = False
    dashed: bool = False


def lines(
    title: str,
    drawn: Sequence[Line],
    across: Sequence[tuple[float, str]],
    band: Sequence[tuple[float, float, float]] = (),
    unit: str = "",
) -> str:
    """Draw lines over one foot, whose marks are `across`; `band` is (x, low, high), each held until the next."""
    left, right, top, tall = 56, 20, 66, 260
    xs = [x for line in drawn for x, _ in line.points] + [x for x, _ in across]
    ys = [y for line in drawn for _, y in line.points] + [y for _, *both in band for y in both]
    x_from, x_to, y_from, y_to = min(xs), max(xs), min(ys), max(ys)
    pad = (y_to - y_from) * 0.06 or 1.0
    y_from, y_to = y_from - pad, y_to + pad

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            left + (x - x_from) / (x_to - x_from) * (WIDTH - left - right),
            top + (y_to - y) / (y_to - y_from) * tall,
        )

    parts = []
    for number in range(5):
        y = y_from + pad + (y_to - y_from - 2 * pad) * number / 4
        _, high = at(x_from, y)
        parts += [
            f'<line x1="{left}" x2="{WIDTH - right}" y1="{high:.1f}" y2="{high:.1f}" stroke="{_GRID}"/>',
            _text(left - 6, high + 4, f"{y:.0f}{unit}", anchor="end", ink=_PALE),
        ]
    parts += [_text(at(x, y_from)[0], top + tall + 18, label, anchor="middle", ink=_PALE) for x, label in across]
    if band:
        over = _stairs([(x, high) for x, _, high in band], x_to)
        under = _stairs([(x, low) for x, low, _ in band], x_to)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in [*over, *reversed(under)]))
        parts.append(f'<polygon points="{path}" fill="{COLOURS[0]}" fill-opacity="0.18"/>')
    for place, line in enumerate(drawn):
        points = _stairs(line.points, x_to) if line.steps else line.points
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in points))
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        colour = COLOURS[line.colour] if line.colour >= 0 else _INK
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        x = left + place * 235
        parts += [
            f'<line x1="{x}" x2="{x + 22}" y1="46" y2="46" stroke="{colour}" stroke-width="3"{dash}/>',
            _text(x + 28, 50, line.label),
        ]
    return _drawing(title, top + tall + 30, parts)


def _stairs(points: Sequence[tuple[float, float]], until: float) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for x, y in points:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    if found:
        found.append((until, found[-1][1]))
    return found


def _text(x: float, y: float, words: str, anchor: str = "start", ink: str = _INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{ink}">{escape(words)}</text>'


def _drawing(title: str, height: float, parts: Sequence[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}"'
        f' height="{height:.0f}" role="img" aria-label="{escape(title, quote=True)}" {_FONT}>'
    )
    ground = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    heading = f'<text x="16" y="26" fill="{_INK}" font-size="15" font-weight="600">{escape(title)}</text>'
    return "\n".join([head, ground, heading, *parts, "</svg>", ""])
