"""GS1 Digital Link: application identifiers written as a web address.

    https://example.com/some/stem/01/09506000134352/10/ABC/21/1234?17=261231&3103=000195&lang=de#top
                                  key qualifiers in their order     other AIs, and what is not ours

GS1 Digital Link Standard, URI Syntax, section 4 (grammar), and its release 1.1 for the short names that later releases
dropped and old labels keep. Any host and any stem will do; what makes an address a Digital Link is a key and
a value of the right form, followed by nothing but AIs and values. An address that is not is somebody's website.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from protocol.errors import BadInput
from protocol.gs1.ai_table import AIS, OUTSIDE
from protocol.gs1.check_digits import has_check_digit
from protocol.gs1.elements import Elements, add_element, check_together
from protocol.gs1.identity import key_of

CANONICAL: Final = "https://id.gs1.org"

_ADDRESS = re.compile(r"https?://([^/?#]+)(/[^?#]*)?(?:\?([^#]*))?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNSAFE = re.compile(r"[^0-9A-Za-z._~-]")
_DIGITS = re.compile(r"[0-9]{1,4}")
_BASE64 = re.compile(r"[A-Za-z0-9_-]{11,}")
_EPC = re.compile(r"eh(?:[0-9a-f]{2}){8,}|ex[A-Za-z0-9_-]{11,}")
_GTIN_SIZES: Final = (8, 12, 13, 14)
_SHORT_NAMES: Final = {
    "sscc": "00", "gtin": "01", "gdti": "253", "gcn": "255", "ginc": "401", "gsin": "402", "gln": "414",
    "payTo": "415", "party": "417", "grai": "8003", "giai": "8004", "itip": "8006", "cpid": "8010", "gmn": "8013",
    "gsrnp": "8017", "gsrn": "8018", "cpv": "22", "lot": "10", "ser": "21", "glnx": "254", "cpsn": "8011",
    "srin": "8019", "refno": "8020",
}  # fmt: skip
_BASE64_URL: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def is_address(text: str) -> bool:
    """Tell whether a text is a web address, so that it may be a Digital Link."""
    return text[:8].lower().startswith(("http://", "https://"))


def parse_digital_link(text: str) -> dict[str, str] | None:
    """Give the elements of a Digital Link, key first; None for an address that is none.

    Raises `BadInput`: "bad-digital-link" for what has a key and then breaks the grammar, "compressed-link" for the
    compressed form (URI Syntax, section 6, and EPC binary strings), and what `parse_element_string` raises.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        return None
    segments = (match[2] or "").split("/")[1:]
    while segments and not segments[-1]:
        segments.pop()
    start = _key_at(segments)
    if start is None:
        _refuse_compressed(match[1], segments)
        return None
    found: dict[str, str] = {}
    path = segments[start:]
    ais = [_ai_of(one) for one in path[::2]]
    for ai, raw in zip(ais, path[1::2], strict=True):
        if ai is None:
            raise BadInput("bad-digital-link", "a segment of the path that is no application identifier")
        value = _decoded(raw)
        add_element(found, ai, AIS[ai], value.zfill(14) if ai == "01" and len(value) in _GTIN_SIZES else value)
    _check_order([ai for ai in ais if ai is not None])
    _add_query(found, match[3] or "")
    check_together(found)
    return found


def _ai_of(segment: str) -> str | None:
    ai = _SHORT_NAMES.get(segment, segment)
    return ai if ai in AIS else None


def _key_at(segments: Sequence[str]) -> int | None:
    """Find the key: the first AI that may be one, has a value of its form, and pairs behind it to the end."""
    for place in range(len(segments) % 2, len(segments) - 1, 2):
        ai = _ai_of(segments[place])
        if ai is None or AIS[ai].link is None:
            continue
        rule = AIS[ai]
        try:
            value = _decoded(segments[place + 1])
        except BadInput:
            continue
        fits = len(value) in _GTIN_SIZES if ai == "01" else rule.least <= len(value) <= rule.most
        if fits and not OUTSIDE[rule.parts[0].charset].search(value[: rule.parts[0].most]):
            return place
    return None


def _check_order(ais: list[str]) -> None:
    key, qualifiers = ais[0], ais[1:]
    sequences = AIS[key].link or ()
    for sequence in sequences:
        rest = iter(sequence)
        if all(one in rest for one in qualifiers):
            return
    told = "".join(f"({ai})" for ai in qualifiers)
    raise BadInput("bad-digital-link", f"{told} in this order may not follow ({key}) in the path")


def _add_query(found: dict[str, str], query: str) -> None:
    for pair in re.split("[&;]", query):
        name, is_pair, raw = pair.partition("=")
        name = _decoded(name) if "%" in name else name
        if not _DIGITS.fullmatch(name):
            continue
        rule = AIS.get(name)
        if rule is None:
            raise BadInput("unknown-ai", f"{name} in the query")
        if not is_pair or not rule.in_query or name in found:
            raise BadInput("bad-digital-link", f"({name}) may not stand in the query like that")
        add_element(found, name, rule, _decoded(raw))


def _decoded(segment: str) -> str:
    if "%" not in segment:
        return segment
    raw = bytearray()
    at = 0
    try:
        for escape in _PERCENT.finditer(segment):
            if escape[1] is None:
                raise BadInput("bad-digital-link", "a percent sign without two hexadecimal digits")
            raw += segment[at : escape.start()].encode() + bytes.fromhex(escape[1])
            at = escape.end()
        return (raw + segment[at:].encode()).decode()
    except UnicodeError as error:
        raise BadInput("bad-digital-link", "percent signs that hide no UTF-8") from error


def _refuse_compressed(host: str, segments: Sequence[str]) -> None:
    """Tell a compressed link from any short address: by GS1's own host, by its form, or by the GTIN in it."""
    last = segments[-1] if segments else ""
    part_way = len(segments) > 2 and _ai_of(segments[-3]) == "01" and len(segments[-2]) in _GTIN_SIZES
    if _EPC.fullmatch(last) or (
        _BASE64.fullmatch(last) and (part_way or host.lower() == "id.gs1.org" or _holds_gtin(last))
    ):
        raise BadInput("compressed-link", "a compressed Digital Link; print the label with the plain one")


def _holds_gtin(text: str) -> bool:
    """Read 01 and a GTIN in 47 bits from the first 55 of base 64; its check digit holds by chance once in 3,600."""
    bits = 0
    for character in text[:10]:
        bits = bits << 6 | _BASE64_URL.index(character)
    gtin = bits >> 5 & (1 << 47) - 1
    return bits >> 52 == 1 and gtin < 10**14 and has_check_digit(str(gtin).zfill(14))


def digital_link(elements: Elements, stem: str = CANONICAL) -> str | None:
    """Write elements as a Digital Link, its canonical form by default; None if they have no key.

    The key is the first there is, its qualifiers follow in the order of the standard, the rest is the query.
    """
    key = key_of(elements)
    if key is None:
        return None
    sequence = max(AIS[key].link or ((),), key=lambda one: sum(ai in elements for ai in one))
    path = [key, *(ai for ai in sequence if ai in elements)]
    query = "&".join(f"{ai}={_encoded(value)}" for ai, value in elements.items() if ai not in path)
    return stem + "".join(f"/{ai}/{_encoded(elements[ai])}" for ai in path) + ("?" + query if query else "")


def _encoded(value: str) -> str:
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", value)
