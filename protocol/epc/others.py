"""The classic schemes of a form of their own: CPI-var, GID-96, USDOD-96, ADI-var (TDS section 14.6).

    cpi-var    header 8 | filter 3 | partition 3 | company prefix | part in 6-bit characters | 000000 | serial 40
    gid-96     header 8 | manager 28 | class 24 | serial 36                                   no filter
    usdod-96   header 8 | filter 4 | CAGE or DoDAAC, 6 characters of 8 bits | serial 36
    adi-var    header 8 | filter 6 | CAGE or DoDAAC, 6 of 6 bits | part … 000000 | serial … 000000

A 6-bit character is the low six bits of its ASCII code (table G-1). A CAGE code has five characters, a space before.
"""

from __future__ import annotations

import re
from typing import Final

from protocol.epc.bits import BitReader, BitWriter
from protocol.epc.classic import classic_epc
from protocol.epc.layouts import PREFIX_BITS
from protocol.epc.value import Epc
from protocol.errors import BadInput

HEADERS: Final = {0x2F: "usdod-96", 0x35: "gid-96", 0x3B: "adi-var", 0x3D: "cpi-var"}

_SIX = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789#-/")
_OF_SIX: Final = {code & 63: chr(code) for code in _SIX}
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_PREFIX = re.compile(r"[0-9]{6,12}")
_CAGE = re.compile(r"[0-9A-HJ-NP-Z]{5,6}")
_PART = re.compile(r"[A-Z0-9#/-]{1,24}")
_ADI_PART = re.compile(r"[A-Z0-9/-]{0,32}")
_ADI_SERIAL = re.compile(r"#?[A-Z0-9/-]{1,30}")


def _text(reader: BitReader, most: int) -> str:
    """Read 6-bit characters up to and with the zero that ends them."""
    characters: list[str] = []
    while code := reader.read(6):
        if code not in _OF_SIX or len(characters) == most:
            raise BadInput("bad-epc", "a text of other than 6-bit characters, or too long")
        characters.append(_OF_SIX[code])
    return "".join(characters)


def _end(reader: BitReader) -> None:
    if reader.rest:
        raise BadInput("bad-epc", "bits behind the end")


def read_other(scheme: str, bits: int, size: int) -> Epc:
    """Read an EPC of one of these schemes. Raises `BadInput` ("bad-epc")."""
    reader = BitReader(bits, size)
    reader.read(8)
    filter_value: int | None = None
    if scheme == "gid-96":
        parts: tuple[str, ...] = tuple(str(reader.read(one)) for one in (28, 24, 36))
    elif scheme == "usdod-96":
        filter_value = reader.read(4)
        cage = reader.read(48).to_bytes(6, "big").decode("latin-1").lstrip(" ")
        parts = (cage, str(reader.read(36)))
    elif scheme == "adi-var":
        filter_value = reader.read(6)
        codes = [reader.read(6) for _ in range(6)]
        cage = "".join(_OF_SIX.get(code, " ") for code in (codes[1:] if codes[0] == 32 else codes))
        parts = (cage, _text(reader, 32), _text(reader, 31))
    else:
        filter_value = reader.read(3)
        partition = reader.read(3)
        if partition == 7:
            raise BadInput("bad-epc", "partition 7")
        prefix = reader.read(PREFIX_BITS[partition])
        if prefix >= 10 ** (12 - partition):
            raise BadInput("bad-epc", f"a company prefix of more than {12 - partition} digits")
        part = _text(reader, 18 + partition)
        parts = (str(prefix).zfill(12 - partition), part, str(reader.read(40)))
    _end(reader)
    _check(scheme, parts)
    return classic_epc(scheme, filter_value, parts) if scheme == "cpi-var" else Epc(scheme, filter_value, parts)


def write_other(epc: Epc) -> bytes:
    """Write an EPC of one of these schemes as its tag holds it. Raises `BadInput` ("bad-epc")."""
    scheme, parts = epc.scheme, epc.parts
    _check(scheme, parts)
    out = BitWriter()
    out.write(next(header for header, name in HEADERS.items() if name == scheme), 8)
    if scheme == "gid-96":
        for part, size in zip(parts, (28, 24, 36), strict=True):
            out.write(int(part), size)
    elif scheme == "usdod-96":
        out.write(epc.filter or 0, 4)
        out.write(int.from_bytes(parts[0].rjust(6).encode(), "big"), 48)
        out.write(int(parts[1]), 36)
    elif scheme == "adi-var":
        out.write(epc.filter or 0, 6)
        for code in parts[0].rjust(6).encode():
            out.write(code & 63, 6)
        _write_text(out, parts[1])
        _write_text(out, parts[2])
    else:
        out.write(epc.filter or 0, 3)
        partition = 12 - len(parts[0])
        out.write(partition, 3)
        out.write(int(parts[0]), PREFIX_BITS[partition])
        _write_text(out, parts[1])
        out.write(int(parts[2]), 40)
    return out.words()


def _write_text(out: BitWriter, text: str) -> None:
    for code in text.encode():
        out.write(code & 63, 6)
    out.write(0, 6)


def _check(scheme: str, parts: tuple[str, ...]) -> None:
    forms = {
        "gid-96": (_NUMBER, _NUMBER, _NUMBER),
        "usdod-96": (_CAGE, _NUMBER),
        "adi-var": (_CAGE, _ADI_PART, _ADI_SERIAL),
        "cpi-var": (_PREFIX, _PART, _NUMBER),
    }[scheme]
    if len(parts) != len(forms) or not all(form.fullmatch(part) for form, part in zip(forms, parts, strict=True)):
        raise BadInput("bad-epc", f"{'.'.join(parts)[:80]!r} is no {scheme}")
    if scheme == "cpi-var" and (len(parts[0]) + len(parts[1]) > 30 or int(parts[2]) >= 10**12):
        raise BadInput("bad-epc", "a component identifier that is too long")
