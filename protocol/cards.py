"""The command cards a shop prints: what a person at a scanner tells the station by scanning.

    SW1:MODE:SALE            switch the station's mode: SALE RETURN RECEIVE COUNT TRANSFER WASTE PRICE-CHECK
    SW1:MODE:RECEIVE:PO-17   likewise, and what moves then belongs to this document
    SW1:QTY:12               the next scan counts 12 times, 1 to 9999
    SW1:UNDO                 take back the last thing this station did
    SW1:END                  close the open count

Printed as Code 128. Nothing a shop sells begins like this: a GTIN and a GS1 element string begin with a digit (GS1
General Specifications sections 3 and 7), a Digital Link with "http". Whatever begins with `SW`, digits and a
colon is taken for a card, known or not: a damaged or newer card is refused, never sold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from protocol.errors import BadInput


class Mode(StrEnum):
    """What a scan at a station means."""

    SALE = "sale"
    RETURN = "return"
    RECEIVE = "receive"
    COUNT = "count"
    TRANSFER = "transfer"
    """Goods leave the place for transit."""
    WASTE = "waste"
    PRICE_CHECK = "price-check"
    """Tells the price; moves nothing."""


MAX_CARD_QUANTITY = 9999


@dataclass(frozen=True, slots=True)
class ModeCard:
    """The station works in `mode` from now on; `document` is what its movements belong to."""

    mode: Mode
    document: str | None = None


@dataclass(frozen=True, slots=True)
class QuantityCard:
    """The next scan stands for this many pieces."""

    pieces: int


@dataclass(frozen=True, slots=True)
class UndoCard:
    """The last thing the station did is taken back."""


@dataclass(frozen=True, slots=True)
class EndCard:
    """The open count is complete."""


Card = ModeCard | QuantityCard | UndoCard | EndCard

_ANY_CARD = re.compile(r"SW[0-9]+:")
_DOCUMENT = re.compile(r"[A-Z0-9][A-Z0-9./_-]{0,39}")
_PIECES = re.compile(r"[1-9][0-9]{0,3}")


def parse_card(text: str) -> Card | None:
    """Read a scanned text; None if it is not a command card at all. Raises `BadInput` ("bad-card")."""
    if not _ANY_CARD.match(text):
        return None
    match text.split(":"):
        case ["SW1", "UNDO"]:
            return UndoCard()
        case ["SW1", "END"]:
            return EndCard()
        case ["SW1", "QTY", pieces] if _PIECES.fullmatch(pieces):
            return QuantityCard(int(pieces))
        case ["SW1", "MODE", mode] if mode in _MODES:
            return ModeCard(_MODES[mode])
        case ["SW1", "MODE", mode, document] if mode in _MOVING and _DOCUMENT.fullmatch(document):
            return ModeCard(_MOVING[mode], document)
        case _:
            raise BadInput("bad-card", f"{text[:80]!r} is no command card this station knows")


def card_text(card: Card) -> str:
    """Write what is printed on a card, as `parse_card` reads it. Raises `BadInput` ("bad-card")."""
    match card:
        case ModeCard(mode, None):
            text = f"SW1:MODE:{mode.value.upper()}"
        case ModeCard(mode, document):
            text = f"SW1:MODE:{mode.value.upper()}:{document}"
        case QuantityCard(pieces):
            text = f"SW1:QTY:{pieces}"
        case UndoCard():
            text = "SW1:UNDO"
        case EndCard():
            text = "SW1:END"
    if parse_card(text) != card:
        raise BadInput("bad-card", f"{text[:80]!r} cannot be read back")
    return text


_MODES = {mode.value.upper(): mode for mode in Mode}
_MOVING = {text: mode for text, mode in _MODES.items() if mode not in (Mode.COUNT, Mode.PRICE_CHECK)}
