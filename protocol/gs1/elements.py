"""GS1 element strings: application identifiers and their values, one after the other.

    01 09521234543213 17 261231 10 ABC123 <GS> 21 42        as scanned: GS (FNC1) ends a value of no predefined length
    (01)09521234543213(17)261231(10)ABC123(21)42            as people write it

GS1 General Specifications, section 7.8 (how a scanned string is taken apart) and section 4.13 (what goes together).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from protocol.errors import BadInput
from protocol.gs1.ai_table import AI_LENGTHS, AIS, OUTSIDE, Part, Rule

GS = "\x1d"

Elements = Mapping[str, str]
"""Values by application identifier, in the order they were read."""

_BRACKETED = re.compile(r"\(([0-9]{2,4})\)")


def parse_element_string(text: str) -> dict[str, str]:
    """Take a scanned element string apart, and hold it to the rules.

    A GS in front (a scanner's way of telling FNC1) and one at the end are let pass, and so is one after a value that
    ends without it. Raises `BadInput`: "unknown-ai", "bad-ai" (length or characters of a value), "check-digit",
    "bad-date", "ai-repeated" (with another value), "ai-conflict", "ai-missing".
    """
    found: dict[str, str] = {}
    at, end = (1 if text.startswith(GS) else 0), len(text)
    if at == end:
        raise BadInput("bad-ai", "no application identifier")
    while at < end:
        length = AI_LENGTHS.get(text[at : at + 2], 2)
        ai = text[at : at + length]
        rule = AIS.get(ai)
        if rule is None:
            raise BadInput("unknown-ai", f"{ai!r} at character {at + 1}")
        at += length
        stop = text.find(GS, at)
        if stop < 0:
            stop = end
        if rule.predefined and stop > at + rule.most:
            stop = at + rule.most
        value = text[at:stop]
        at = stop + 1 if text.startswith(GS, stop) else stop
        add_element(found, ai, rule, value)
    check_together(found)
    return found


def parse_bracketed(text: str) -> dict[str, str] | None:
    """Read the form for people; None if it is not that. A bracket and digits inside a value would begin the next.

    Raises `BadInput` like `parse_element_string`.
    """
    pieces = _BRACKETED.split(text)
    if pieces[0] or len(pieces) < 3 or pieces[1] not in AIS:
        return None
    found: dict[str, str] = {}
    for ai, value in zip(pieces[1::2], pieces[2::2], strict=True):
        rule = AIS.get(ai)
        if rule is None:
            raise BadInput("unknown-ai", f"({ai})")
        add_element(found, ai, rule, value)
    check_together(found)
    return found


def element_string(elements: Elements) -> str:
    """Write elements as they are scanned."""
    parts: list[str] = []
    last = len(elements) - 1
    for place, (ai, value) in enumerate(elements.items()):
        parts.append(ai + value)
        if place < last and not AIS[ai].predefined:
            parts.append(GS)
    return "".join(parts)


def bracketed(elements: Elements) -> str:
    """Write elements for people."""
    return "".join(f"({ai}){value}" for ai, value in elements.items())


def add_element(found: dict[str, str], ai: str, rule: Rule, value: str) -> None:
    """Check a value by itself and keep it. Raises `BadInput`."""
    check_value(ai, rule, value)
    if found.setdefault(ai, value) != value:
        raise BadInput("ai-repeated", f"({ai}) stands there twice, with different values")


def check_value(ai: str, rule: Rule, value: str) -> None:
    """Hold a value to the format and checks of its AI. Raises `BadInput` ("bad-ai", "check-digit", "bad-date")."""
    size = len(value)
    if not rule.least <= size <= rule.most:
        asked = rule.most if rule.least == rule.most else f"{rule.least} to {rule.most}"
        raise BadInput("bad-ai", f"({ai}) has {size} characters, not {asked}")
    parts = rule.parts
    if len(parts) == 1:
        _check_part(ai, parts[0], value)
        return
    at = 0
    for part in parts:
        piece = value[at : at + part.most]
        if not piece and part.may_lack:
            continue
        if len(piece) < part.least:
            raise BadInput("bad-ai", f"({ai}) ends in the middle of a part")
        _check_part(ai, part, piece)
        at += len(piece)


def _check_part(ai: str, part: Part, piece: str) -> None:
    wrong = OUTSIDE[part.charset].search(piece)
    if wrong is not None:
        raise BadInput("bad-ai", f"({ai}) may not hold {wrong[0]!r}")
    for check in part.checks:
        check(piece)


def check_together(found: Elements) -> None:
    """Check which AIs stand beside which (section 4.13). Raises `BadInput` ("ai-conflict", "ai-missing")."""
    here = found.keys()
    for ai in found:
        rule = AIS[ai]
        if not rule.never.isdisjoint(here):
            for other in here:
                if other != ai and other in rule.never:
                    raise BadInput("ai-conflict", f"({ai}) and ({other}) exclude each other")
        for group in rule.needs:
            if group.any_of.isdisjoint(here) and not any(whole <= here for whole in group.all_of):
                detail = f"({ai}) stands beside ({group.told}), perhaps in another barcode of the label"
                raise BadInput("ai-missing", detail)
