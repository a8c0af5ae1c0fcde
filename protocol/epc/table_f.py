"""How the value of each application identifier is written in an EPC (TDS table F).

The table follows from the formats of the AIs: characters are a text, digits of any number a numeric, digits of a fixed
number a number, and lengths have as many bits as the greatest needs. Keys, dates and others have ways of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec

from protocol.epc import fields
from protocol.epc.bits import BitReader, BitWriter, digits_bits
from protocol.epc.fields import BASE64_URL
from protocol.errors import BadInput
from protocol.gs1.ai_table import AIS


class Coding(msgspec.Struct, frozen=True):
    """How a value, or a part of one, is read and written."""

    read: Callable[[BitReader], str]
    write: Callable[[BitWriter, str], None]


def _digits(count: int) -> Coding:
    return Coding(lambda reader: fields.read_digits(reader, count), fields.write_digits)


def _number(size: int) -> Coding:
    bits = digits_bits(size)
    return Coding(lambda reader: fields.read_number(reader, bits, size), lambda out, text: out.write(int(text), bits))


def _numeric(most: int) -> Coding:
    bits = most.bit_length()
    return Coding(
        lambda reader: fields.read_numeric(reader, bits), lambda out, text: fields.write_numeric(out, text, bits)
    )


def _text(most: int) -> Coding:
    bits = most.bit_length()
    return Coding(lambda reader: fields.read_text(reader, bits), lambda out, text: fields.write_text(out, text, bits))


def _both(count: int, first: Coding, rest: Coding) -> Coding:
    """Write the first `count` characters in one way, and what follows in another."""

    def write(out: BitWriter, text: str) -> None:
        first.write(out, text[:count])
        rest.write(out, text[count:])

    return Coding(lambda reader: first.read(reader) + rest.read(reader), write)


def _letters(reader: BitReader) -> str:
    return BASE64_URL[reader.read(6)] + BASE64_URL[reader.read(6)]


def _write_letters(out: BitWriter, text: str) -> None:
    for one in text:
        out.write(BASE64_URL.index(one), 6)


def _sequence(reader: BitReader) -> str:
    return f"{reader.read(4)}/{reader.read(4)}"


def _write_sequence(out: BitWriter, text: str) -> None:
    out.write(int(text[0]), 4)
    out.write(int(text[2]), 4)


_DATE: Final = Coding(fields.read_date, fields.write_date)
_TIME: Final = Coding(lambda reader: fields.read_time(reader, 2), fields.write_time)
_MOMENT: Final = Coding(fields.read_moment, fields.write_moment)
_DELIMITED: Final = Coding(
    lambda reader: fields.read_delimited(reader, 5), lambda out, text: fields.write_delimited(out, text, 5)
)
_BIT: Final = Coding(lambda reader: str(reader.read(1)), lambda out, text: out.write(int(text), 1))
_MINUS: Final = Coding(lambda reader: "-" if reader.read(1) else "", lambda out, text: out.write(bool(text), 1))

_OWN_WAYS: Final = {
    **dict.fromkeys(("00", "8006", "8017", "8018", "8026"), _digits(18)),
    **dict.fromkeys(("01", "02"), _digits(14)),
    **dict.fromkeys(("410", "411", "412", "413", "414", "415", "416", "417"), _digits(13)),
    "253": _both(13, _digits(13), _text(17)),
    "255": _both(13, _digits(13), _numeric(12)),
    "8003": _both(14, _digits(14), _text(16)),
    "7241": _digits(2),
    **dict.fromkeys(("7023", "8004", "8010"), _DELIMITED),
    **dict.fromkeys(("11", "12", "13", "15", "16", "17", "4326", "7006"), _DATE),
    **dict.fromkeys(("4324", "4325", "7003"), _both(6, _DATE, _TIME)),
    "7007": Coding(fields.read_dates, fields.write_dates),
    **dict.fromkeys(("7011", "8008"), _MOMENT),
    **dict.fromkeys(("4307", "4317"), Coding(_letters, _write_letters)),
    **dict.fromkeys(("4321", "4322", "4323"), _BIT),
    **dict.fromkeys(("4330", "4331", "4332", "4333"), _both(6, _number(6), _MINUS)),
    **dict.fromkeys(("423", "425"), _numeric(15)),
    "7258": Coding(_sequence, _write_sequence),
}
_NOT_IN_EPCS: Final = frozenset(("03", "8007", "8014"))
"""The first and last are barred from tags (TDS F); for accounts the table allows 24 characters, and the AI has 34."""


@cache
def coding_of(ai: str) -> Coding | None:
    """Say how the value of an application identifier is written; None where there is no way."""
    if ai in _OWN_WAYS:
        return _OWN_WAYS[ai]
    if ai not in AIS or ai in _NOT_IN_EPCS:
        return None
    rule = AIS[ai]
    head = rule.parts[0]
    if any(part.charset != "N" for part in rule.parts):
        if head.charset == "N" and len(rule.parts) == 2:
            return _both(head.most, _number(head.most), _text(rule.parts[1].most))
        return _text(rule.most)
    if rule.least == rule.most:
        return _number(rule.most)
    return (
        _numeric(rule.most)
        if len(rule.parts) == 1
        else _both(head.most, _number(head.most), _numeric(rule.parts[1].most))
    )


def read_value(reader: BitReader, ai: str) -> str:
    """Read the value of an AI. Raises `BadInput` ("bad-epc")."""
    return _known(ai).read(reader)


def write_value(out: BitWriter, ai: str, value: str) -> None:
    """Write the value of an AI, which is one of its own. Raises `BadInput` ("bad-epc")."""
    _known(ai).write(out, value)


def _known(ai: str) -> Coding:
    coding = coding_of(ai)
    if coding is None:
        raise BadInput("bad-epc", f"({ai}) is not written in EPCs")
    return coding
