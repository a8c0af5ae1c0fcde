"""The schemes of TDS 2, whose values are application identifiers written one after the other (TDS 14.5 and 14.6).

    header 8 | AIDC data 1 | filter 3 | DSGTIN: kind of date 4, date 16 | key … serial | ("++": hostname) | AIDC data

AIDC data (TDS 15.3) are further AIs, each as its digits of 4 bits and its value, until only zeros remain.
"""

from __future__ import annotations

from typing import Final

from protocol.epc.bits import BitReader, BitWriter
from protocol.epc.fields import read_date, read_digits, write_date, write_digits
from protocol.epc.hostname import read_hostname, write_hostname
from protocol.epc.table_f import coding_of, read_value, write_value
from protocol.epc.value import Epc
from protocol.errors import BadInput
from protocol.gs1.ai_table import AI_LENGTHS, AIS
from protocol.gs1.elements import check_value

_OF_SCHEME: Final = {
    "cpi": ("8010", "8011"),
    "grai": ("8003",),
    "sgln": ("414", "254"),
    "itip": ("8006", "21"),
    "gsrn": ("8018",),
    "gsrnp": ("8017",),
    "gdti": ("253",),
    "sgtin": ("01", "21"),
    "sgcn": ("255",),
    "sscc": ("00",),
    "giai": ("8004",),
    "dsgtin": ("01", "21"),
}
_ORDER: Final = ("cpi", "grai", "sgln", "itip", "gsrn", "gsrnp", "gdti", "sgtin", "sgcn", "sscc", "giai", "dsgtin")
_ORDER_WITH_HOST: Final = ("cpi", "gsrn", "gsrnp", "sgln", "gdti", "grai", "sgcn", "itip", "giai", "sscc")
HEADERS: Final = {
    **{0xF0 + place: f"{name}+" for place, name in enumerate(_ORDER)},
    **{0xE6 + place: f"{name}++" for place, name in enumerate(_ORDER_WITH_HOST)},
    0xFC: "dsgtin++",
    0xFD: "sgtin++",
}
_HEADER_OF: Final = {name: header for header, name in HEADERS.items()}
_DATES: Final = ("11", "13", "15", "16", "17", "7006", "7007")
"""The date in front of a DSGTIN, by the number that says which it is (TDS 14.5.3)."""
_OPTIONAL: Final = frozenset(("254",))


def read_plus(scheme: str, bits: int, size: int) -> Epc:
    """Read an EPC of one of these schemes.

    Raises `BadInput`: "bad-epc", and "bad-ai", "check-digit", "bad-date" for values that cannot be.
    """
    reader = BitReader(bits, size)
    reader.read(9)
    filter_value = reader.read(3)
    name = scheme.rstrip("+")
    ais: list[tuple[str, str]] = []
    date: tuple[str, str] | None = None
    if name == "dsgtin":
        kind = reader.read(4)
        if kind >= len(_DATES):
            raise BadInput("bad-epc", f"kind of date {kind} is reserved")
        date = (_DATES[kind], read_date(reader))
    for ai in _OF_SCHEME[name]:
        _read(reader, ai, ais)
    if date is not None:
        check_value(date[0], AIS[date[0]], date[1])
        ais.append(date)
    hostname = read_hostname(reader) if scheme.endswith("++") else None
    undecoded = _read_more(reader, ais)
    return Epc(scheme, filter_value, ais=tuple(ais), hostname=hostname, undecoded_bits=undecoded)


def _read(reader: BitReader, ai: str, ais: list[tuple[str, str]]) -> None:
    value = read_value(reader, ai)
    if not value and ai in _OPTIONAL:
        return
    check_value(ai, AIS[ai], value)
    if any(one == ai for one, _ in ais):
        raise BadInput("bad-epc", f"({ai}) stands there twice")
    ais.append((ai, value))


def _read_more(reader: BitReader, ais: list[tuple[str, str]]) -> int:
    """Read the +AIDC data; give how many bits are left of an AI that is not known here."""
    while reader.rest and reader.left >= 8:
        start = reader.left
        ai = read_digits(reader, 2)
        if (more := AI_LENGTHS.get(ai, 2) - 2) > 0:
            ai += read_digits(reader, more)
        if coding_of(ai) is None:
            return start
        _read(reader, ai, ais)
    return reader.left if reader.rest else 0


def write_plus(epc: Epc) -> bytes:
    """Write an EPC as its tag holds it: the scheme's own AIs, then the others. Raises `BadInput`."""
    name = epc.scheme.rstrip("+")
    header = _HEADER_OF.get(epc.scheme)
    if header is None or epc.scheme.endswith("++") != (epc.hostname is not None):
        raise BadInput("bad-epc", f"no scheme {epc.scheme} with hostname {epc.hostname}")
    values = dict(epc.ais)
    own = _OF_SCHEME[name]
    dates = [ai for ai in _DATES if name == "dsgtin" and ai in values][:1]
    others = [ai for ai in values if ai not in own and ai not in dates]
    out = BitWriter()
    out.write(header, 8)
    out.write(bool(others), 1)
    out.write(epc.filter or 0, 3)
    if name == "dsgtin":
        if not dates or len(values[dates[0]]) != 6:
            raise BadInput("bad-epc", "a DSGTIN without its date YYMMDD")
        check_value(dates[0], AIS[dates[0]], values[dates[0]])
        out.write(_DATES.index(dates[0]), 4)
        write_date(out, values[dates[0]])
    for ai in own:
        _write(out, ai, values.get(ai, ""))
    if epc.hostname is not None:
        write_hostname(out, epc.hostname)
    for ai in others:
        write_digits(out, ai)
        _write(out, ai, values[ai])
    return out.words()


def _write(out: BitWriter, ai: str, value: str) -> None:
    if value or ai not in _OPTIONAL:
        if ai not in AIS:
            raise BadInput("bad-epc", f"({ai}) is no application identifier")
        check_value(ai, AIS[ai], value)
    write_value(out, ai, value)
