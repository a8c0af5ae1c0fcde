"""How figures and other people's text are shown to a person: quantities, money, times, ages, scanned codes. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from protocol.pricing import minor_digits

_MINUS: Final = "\N{MINUS SIGN}"
_THIN: Final = "\N{NARROW NO-BREAK SPACE}"
_FIRST_US: Final = 0
_LAST_US: Final = 253_402_300_799_999_999
_MOST_MARKS: Final = 4
"""Combining marks on one letter: more than any language writes, and few enough to stay within a line."""
_JOINERS: Final = "\u200c\u200d"
"""Zero-width, but Persian, Hindi and emoji are misspelt without them."""

_BLANKS: Final = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters by their category, but nothing to be seen."""

SHOWN_CHARACTERS: Final = 80
SHOWN_BYTES: Final = 256
_HEX_PER_LINE: Final = 16


def whole(n: int) -> str:
    """Write an integer, its thousands apart: "12 345"."""
    text = f"{abs(n):,}".replace(",", _THIN)
    return _MINUS + text if n < 0 else text


def quantity(milli: int, unit: str = "each") -> str:
    """Write milli-units: "3", "1.250" of what is sold by the piece; "1.250 kg" of what is weighed."""
    units, rest = divmod(abs(milli), 1000)
    text = whole(units)
    if rest or unit != "each":
        text += f".{rest:03d}"
    if unit != "each":
        text += f"{_THIN}{unit}"
    return _MINUS + text if milli < 0 else text


def moved(milli: int, unit: str = "each") -> str:
    """Write a movement, its sign always: "+3", "+1.250 kg"."""
    return ("+" if milli > 0 else "") + quantity(milli, unit)


def money(minor: int, currency: str) -> str:
    """Write minor units of an ISO 4217 currency: "2.49 EUR", "300 JPY"."""
    digits = minor_digits(currency)
    units, rest = divmod(abs(minor), 10**digits)
    text = whole(units) + (f".{rest:0{digits}d}" if digits else "")
    return f"{_MINUS if minor < 0 else ''}{text}{_THIN}{currency}"


def clock_time(t_us: int, now_us: int) -> str:
    """Write UTC as short as it can be understood: "14:02:10" today, "21 Nov 14:02:10" this year, else with the year."""
    if not _FIRST_US <= t_us <= _LAST_US:
        return "beyond any calendar"
    then, now = _utc(t_us), _utc(now_us)
    if then.date() == now.date():
        return f"{then:%H:%M:%S}"
    return f"{then.day} {then:%b %H:%M:%S}" if then.year == now.year else f"{then.day} {then:%b %Y %H:%M:%S}"


def iso_time(t_us: int) -> str:
    """Write UTC as RFC 3339 in milliseconds; "" for a time beyond any calendar."""
    if not _FIRST_US <= t_us <= _LAST_US:
        return ""
    return _utc(t_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def give_or_take(err_us: int) -> str:
    """Write a time's error: "± 40 ms", "± 3 s", "± 2 h"; "" where there is none."""
    if err_us <= 0:
        return ""
    if err_us < 1_000_000:
        return f"±{_THIN}{_up(err_us, 1000)}{_THIN}ms"
    return f"±{_THIN}{duration(err_us)}"


def duration(us: int) -> str:
    """Write a span as a person would say it, rounded up: "5 s", "3 min", "2 h 10 min", "4 d"."""
    seconds = _up(max(0, us), 1_000_000)
    if seconds < 90:
        return f"{seconds}{_THIN}s"
    minutes = _up(seconds, 60)
    if minutes < 90:
        return f"{minutes}{_THIN}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}{_THIN}h" + (f" {minutes}{_THIN}min" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{whole(days)}{_THIN}d" + (f" {hours}{_THIN}h" if hours and days < 7 else "")


def to_go(seconds: int | None) -> str:
    """Write how long something still takes, to follow what it is: ", about 40 s"; "" where nobody can say."""
    return "" if seconds is None else f", about {duration(seconds * 1_000_000)}"


def plain(text: str, most: int = SHOWN_CHARACTERS) -> str:
    """Make anybody's text fit to be shown on one line: bounded, and nothing in it invisible or in command.

    Control characters become their pictures (␛), those that turn or hide text become ⟨U+202E⟩, piled-up marks are
    cut. What is too long ends with "…" and its length. Markup is the template's matter, which escapes.
    """
    shown: list[str] = []
    marks = 0
    for character in text[:most]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks > _MOST_MARKS:
            continue
        shown.append(_seen(character, category))
    if len(text) > most:
        shown.append(f"… ({whole(len(text))} characters)")
    return "".join(shown)


@dataclass(frozen=True, slots=True)
class ShownBytes:
    """Bytes for a person: rows of (offset, hex, text), and how many bytes there are beyond them."""

    rows: tuple[tuple[str, str, str], ...]
    more: int


def hex_rows(body: bytes, most: int = SHOWN_BYTES) -> ShownBytes:
    """Lay out bytes in rows of sixteen; in the text every byte that is not printable ASCII is a dot."""
    rows = []
    for start in range(0, min(len(body), most), _HEX_PER_LINE):
        part = body[start : min(start + _HEX_PER_LINE, most)]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        rows.append((f"{start:04x}", part.hex(" "), text))
    return ShownBytes(tuple(rows), max(0, len(body) - most))


def _seen(character: str, category: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    hidden = category in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS
    return f"⟨U+{code:04X}⟩" if hidden or character in _BLANKS else character


def _utc(t_us: int) -> datetime:
    seconds, micros = divmod(t_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def _up(n: int, by: int) -> int:
    return -(-n // by)
