"""The classic schemes that have a company prefix of told length: their bits to components, and back."""

from __future__ import annotations

import re
from typing import Final

from protocol.epc.bits import BitWriter, digits_bits
from protocol.epc.layouts import PREFIX_BITS, Coding, Layout
from protocol.epc.value import Epc
from protocol.errors import BadInput
from protocol.gs1.check_digits import check_digit

_NOT_82 = re.compile(r"[^!-\"%-?A-Z_a-z]")
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")
_POWERS: Final = tuple(10**count for count in range(26))


def read_classic(layout: Layout, bits: int, size: int) -> Epc:
    """Read an EPC of `size` bits whose header is the layout's. Raises `BadInput` ("bad-epc")."""
    left = size - layout.bits
    if left < 0:
        raise BadInput("bad-epc", f"{size} bits, too few for {layout.scheme}")
    if left:
        if bits & ((1 << left) - 1):
            raise BadInput("bad-epc", f"bits behind the {layout.bits} of {layout.scheme}")
        bits >>= left
    at = layout.bits - 14
    filter_value, partition = bits >> at + 3 & 7, bits >> at & 7
    if partition == 7:
        raise BadInput("bad-epc", "partition 7")
    prefix_bits, prefix_size = PREFIX_BITS[partition], 12 - partition
    at -= prefix_bits
    prefix = bits >> at & ((1 << prefix_bits) - 1)
    if prefix >= _POWERS[prefix_size]:
        raise BadInput("bad-epc", f"a company prefix of more than {prefix_size} digits")
    reference_bits = layout.pair_bits - prefix_bits
    at -= reference_bits
    reference = bits >> at & ((1 << reference_bits) - 1)
    parts = [
        str(prefix).zfill(prefix_size),
        _told(reference, reference_bits, layout.pair_size - prefix_size, layout.reference),
    ]
    if layout.pieces:
        at -= 14
        parts += [_told(bits >> at + 7 & 127, 7, 2, Coding.DIGITS), _told(bits >> at & 127, 7, 2, Coding.DIGITS)]
    tail = _told(bits & ((1 << at) - 1), at, 25, layout.tail)
    if layout.tail is not Coding.ZERO:
        parts.append(tail)
    return classic_epc(layout.scheme, filter_value, tuple(parts))


def write_classic(layout: Layout, epc: Epc) -> bytes:
    """Write an EPC as its tag holds it. Raises `BadInput` ("bad-epc")."""
    expected = 2 + 2 * layout.pieces + (layout.tail is not Coding.ZERO)
    prefix = epc.parts[0] if epc.parts else ""
    if len(epc.parts) != expected or not 6 <= len(prefix) <= 12 or not _DIGITS.fullmatch(prefix):
        raise BadInput("bad-epc", f"{epc.tag_uri} is no {layout.scheme}")
    out = BitWriter()
    out.write(layout.header, 8)
    out.write(epc.filter or 0, 3)
    partition = 12 - len(prefix)
    out.write(partition, 3)
    out.write(int(prefix), PREFIX_BITS[partition])
    reference_bits, reference_size = layout.pair_bits - PREFIX_BITS[partition], layout.pair_size - len(prefix)
    _write(out, epc.parts[1], reference_bits, reference_size, layout.reference)
    if layout.pieces:
        _write(out, epc.parts[2], 7, 2, Coding.DIGITS)
        _write(out, epc.parts[3], 7, 2, Coding.DIGITS)
    _write(out, "" if layout.tail is Coding.ZERO else epc.parts[-1], layout.tail_bits, 25, layout.tail)
    return out.words()


def _told(number: int, bits: int, size: int, coding: Coding) -> str:
    if coding is Coding.NUMBER:
        return str(number)
    if coding is Coding.DIGITS:
        if number >= _POWERS[size]:
            raise BadInput("bad-epc", f"{number} has more than {size} digits")
        return str(number).zfill(size) if size else ""
    if coding is Coding.ZERO:
        if number:
            raise BadInput("bad-epc", "bits that are to be zero")
        return ""
    if coding is Coding.NUMERIC:
        told = str(number)
        if told[0] != "1" or len(told) < 2:
            raise BadInput("bad-epc", "a numeric string that does not begin with 1")
        return told[1:]
    spare = bits % 7
    text = "".join(chr(number >> shift & 127) for shift in range(bits - 7, spare - 1, -7)).rstrip("\0")
    if not text or len(text) > size or _NOT_82.search(text) or number & ((1 << spare) - 1):
        raise BadInput("bad-epc", "a text of characters that are not GS1's")
    return text


def _write(out: BitWriter, text: str, bits: int, size: int, coding: Coding) -> None:
    if coding is Coding.ZERO:
        out.write(0, bits)
    elif coding is Coding.TEXT7:
        if not text or len(text) > min(size, bits // 7) or _NOT_82.search(text):
            raise BadInput("bad-epc", f"{text!r} is no text of {bits // 7} characters")
        number = 0
        for code in text.encode():
            number = number << 7 | code
        out.write(number << bits - 7 * len(text), bits)
    elif coding is Coding.DIGITS:
        if len(text) != size or (size and not _DIGITS.fullmatch(text)):
            raise BadInput("bad-epc", f"{text!r} is not {size} digits")
        out.write(int(text or "0"), bits)
    elif coding is Coding.NUMERIC:
        if not _DIGITS.fullmatch(text) or digits_bits(len(text)) > bits:
            raise BadInput("bad-epc", f"{text!r} is no numeric string")
        out.write(int("1" + text), bits)
    else:
        if not _NUMBER.fullmatch(text):
            raise BadInput("bad-epc", f"{text!r} is no number without leading zeros")
        out.write(int(text), bits)


def classic_epc(scheme: str, filter_value: int | None, parts: tuple[str, ...]) -> Epc:
    """Give the value of components, with what they say as application identifiers (TDS section 7)."""
    kind = scheme[:4]
    prefix, reference = parts[0], parts[1]
    if kind == "sgti":
        ais: tuple[tuple[str, str], ...] = (("01", _gtin(prefix, reference)), ("21", parts[2]))
    elif kind == "sscc":
        body = reference[:1] + prefix + reference[1:]
        ais = (("00", body + check_digit(body)),)
    elif kind == "itip":
        ais = (("8006", _gtin(prefix, reference) + parts[2] + parts[3]), ("21", parts[4]))
    elif kind == "giai":
        ais = (("8004", prefix + reference),)
    elif kind == "cpi-":
        ais = (("8010", prefix + reference), ("8011", parts[2]))
    else:
        key = prefix + reference + check_digit(prefix + reference)
        if kind == "sgln":
            ais = (("414", key),) if parts[2] == "0" else (("414", key), ("254", parts[2]))
        elif kind == "grai":
            ais = (("8003", "0" + key + parts[2]),)
        elif kind == "gsrn":
            ais = (("8017" if scheme.startswith("gsrnp") else "8018", key),)
        else:
            ais = (("253" if kind == "gdti" else "255", key + parts[2]),)
    return Epc(scheme, filter_value, parts, ais)


def _gtin(prefix: str, reference: str) -> str:
    body = reference[:1] + prefix + reference[1:]
    return body + check_digit(body)
