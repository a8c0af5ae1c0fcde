"""What a scanned code is: a GTIN, elements of the GS1 system, a store's own label, or a text only links give meaning.

    symbology identifier      text                               read as
    ]E0 ]E4 ]I0 ]I1           digits                             a GTIN; under a store's patterns, a measured label
    ]E0                       8 digits from 0 or 1               UPC-E, expanded
    ]C1 ]e0 ]d2 ]Q3 ]J1       anything but an address            an element string
    any                       http://… https://…                 a Digital Link, or a website
    none                      8, 12, 13 or 14 digits             a GTIN
    none                      with GS in it, or as (01)…         an element string
    any                       plu:4011                           a price look-up number, as keyed at a scale or till
    everything else                                              opaque: the shop's own

The symbology identifier (ISO/IEC 15424), where the scanner sends one, decides before the text does: eight digits in a
Code 39 label are a shop's own number and need no check digit; twelve digits in an ITF symbol are most likely part of a
longer one and are never taken for a UPC-A. Without one, digits alone are never taken for application identifiers: two
codes run together, or a code and its add-on, would look like them (ADR 0009).

A GTIN is told by 14 digits, zeros before it (GS1 General Specifications, section 3.2), so UPC-A 036000291452 and EAN-13
0036000291452 are one code. Its check digit (section 7.9):

    position    N1 N2 N3 N4 N5 N6 N7 N8 N9 N10 N11 N12 N13 | N14
    weight       3  1  3  1  3  1  3  1  3   1   3   1   3 |  1      the weighted sum is a multiple of 10
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from protocol.errors import BadInput
from protocol.events import MAX_TEXT
from protocol.label_price import LabelPrice
from protocol.variable_measure import PLAIN, CodeRules, read_measured


class CodeKind(StrEnum):
    """How a code was written; what it means is in the fields of `ScannedCode`."""

    EAN13 = "ean13"
    EAN8 = "ean8"
    UPCA = "upca"
    UPCE = "upce"
    GTIN14 = "gtin14"
    MEASURED = "measured"
    """A label of the store's own scale, read by one of its patterns."""
    ELEMENT_STRING = "element-string"
    DIGITAL_LINK = "digital-link"
    PLU = "plu"
    """A price look-up number: no code of the goods, but what a person keys for goods that have none."""
    OPAQUE = "opaque"


class ScannedCode(msgspec.Struct, frozen=True, gc=False):
    """A code understood.

    `gtin` is 14 digits, None for what is no trade item. `lookup` is the key the catalogue is asked by: the GTIN, or
    another key behind its AI ("00" and an SSCC), or the opaque text as scanned. `ais` are the elements of an element
    string or Digital Link as they were read. `weight_g` and `price` are what the code itself says of these goods.
    """

    kind: CodeKind
    gtin: str | None
    lookup: str
    ais: tuple[tuple[str, str], ...] = ()
    weight_g: int | None = None
    price: LabelPrice | None = None
    serial: str | None = None


_BY_LENGTH: Final = {8: CodeKind.EAN8, 12: CodeKind.UPCA, 13: CodeKind.EAN13, 14: CodeKind.GTIN14}
_ITF14: Final = {14: CodeKind.GTIN14}
_NEVER: Final[Mapping[int, CodeKind]] = {}
_GTIN_LENGTHS: Final[Mapping[str | None, Mapping[int, CodeKind]]] = {
    None: _BY_LENGTH,
    # EAN-8 is ]E4, so 8 digits here are a UPC-E sent as printed. What comes with an add-on (]E1 to ]E3) stays opaque.
    "]E0": {12: CodeKind.UPCA, 13: CodeKind.EAN13},
    "]E4": {8: CodeKind.EAN8},
    "]I0": _ITF14,
    "]I1": _ITF14,
}
_GS1_SYMBOLS: Final = frozenset(("]C1", "]e0", "]d2", "]Q3", "]J1"))
"""GS1-128, DataBar, and DataMatrix, QR Code and DotCode with FNC1 in front (General Specifications, 5.1.2)."""
_FORBIDDEN = re.compile("[\x00-\x1c\x1e\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but GS, which separates the elements of a GS1 string, and halves of surrogate pairs."""
_PLU = re.compile(r"[Pp][Ll][Uu]:([0-9]{1,6})")
# Each of the 14 digits comes as its ASCII code, 48 too much: 48 * (7 * 3 + 7 * 1) ends in 4.
_ASCII_EXCESS: Final = 48 * 28 % 10


def plu_code(plu: int) -> str:
    """Write an item's number at the scales as a code of the shop's own: "plu:4011", which a code link may name."""
    return f"plu:{plu}"


def read_code(text: str, aim: str | None, rules: CodeRules = PLAIN) -> ScannedCode:
    """Say what `text` is; `aim` is the symbology identifier ("]E0"), None if the scanner sent none.

    `rules` are the store's: patterns of measured labels, and its currency. Raises `BadInput`: "empty-code",
    "code-too-long" (over 4,096 characters), "control-character"; "check-digit" where the length and the symbology make
    it a GTIN and the last digit is not the one due; what `read_measured`, `parse_element_string` and
    `parse_digital_link` raise; "weight-too-fine" and "price-too-fine" for what is no whole gram or minor unit.
    """
    kind = _GTIN_LENGTHS.get(aim, _NEVER).get(len(text))
    if kind is not None and text.isdecimal() and text.isascii():
        gtin = text.zfill(14)
        digits = gtin.encode()
        if (3 * sum(digits[::2]) + sum(digits[1::2])) % 10 != _ASCII_EXCESS:
            raise BadInput("check-digit", f"{text} does not end with the digit due")
        if gtin[1:3] in rules.patterns and kind is not CodeKind.GTIN14:
            return _measured(kind, gtin, rules)
        return ScannedCode(kind, gtin, gtin)
    if not text:
        raise BadInput("empty-code", "no characters")
    if len(text) > MAX_TEXT:
        raise BadInput("code-too-long", f"{len(text)} characters, at most {MAX_TEXT}")
    found = _FORBIDDEN.search(text)
    if found is not None:
        raise BadInput("control-character", f"U+{ord(found[0]):04X} at character {found.start() + 1}")
    plu = _PLU.fullmatch(text)
    if plu is not None:
        return ScannedCode(CodeKind.PLU, None, plu_key(plu[1]))
    return _gs1(text, aim, rules) or ScannedCode(CodeKind.OPAQUE, None, text)


def plu_key(digits: str) -> str:
    """Give the key the catalogue is asked by for a price look-up number: 0083 and 83 are one."""
    return f"plu:{int(digits)}"


def is_plu(key: str) -> bool:
    """Say whether a key of the catalogue is a price look-up number."""
    return key.startswith("plu:")


def _measured(kind: CodeKind, gtin: str, rules: CodeRules) -> ScannedCode:
    label = read_measured(gtin, rules)
    if label is None:
        return ScannedCode(kind, gtin, gtin)
    return ScannedCode(CodeKind.MEASURED, label.gtin, label.gtin, weight_g=label.weight_g, price=label.price)


def _gs1(text: str, aim: str | None, rules: CodeRules) -> ScannedCode | None:
    """Read what is longer than a GTIN. The parts of the GS1 system are imported by the first code that needs them."""
    if text[:4].lower() == "http":
        from protocol.gs1.digital_link import is_address, parse_digital_link

        if is_address(text):
            elements = parse_digital_link(text)
            return None if elements is None else _of_elements(CodeKind.DIGITAL_LINK, elements, text, rules)
    if aim in _GS1_SYMBOLS or (aim is None and "\x1d" in text):
        from protocol.gs1.elements import parse_element_string

        return _of_elements(CodeKind.ELEMENT_STRING, parse_element_string(text), text, rules)
    if aim is None and text.startswith("("):
        from protocol.gs1.elements import parse_bracketed

        elements = parse_bracketed(text)
        return None if elements is None else _of_elements(CodeKind.ELEMENT_STRING, elements, text, rules)
    if aim == "]E0" and len(text) == 8 and text.isdecimal() and text.isascii() and text[0] in "01":
        from protocol.gs1.upc_e import expand

        gtin = read_code(expand(text), aim, rules).lookup
        return ScannedCode(CodeKind.UPCE, gtin, gtin)
    return None


def _of_elements(kind: CodeKind, elements: Mapping[str, str], text: str, rules: CodeRules) -> ScannedCode:
    from protocol.gs1.identity import lookup_of, serial_of
    from protocol.gs1.measures import goods_price, net_weight_g

    return ScannedCode(
        kind=kind,
        gtin=elements.get("01"),
        lookup=lookup_of(elements) or text,
        ais=tuple(elements.items()),
        weight_g=net_weight_g(elements),
        price=goods_price(elements, rules.currency),
        serial=serial_of(elements),
    )
