"""The command cards a shop prints: what a person at a scanner tells the station by scanning.

    SW1:MODE:SALE            switch the station's mode: SALE RETURN RECEIVE COUNT TRANSFER WASTE PRICE-CHECK
    SW1:MODE:RECEIVE:PO-17   likewise, and what moves then belongs to this document
    SW1:QTY:12               the next scan counts 12 times, 1 to 9999
    SW1:PLACE:STOCKROOM:F1   transfer from now on, and to this place of the same store
    SW1:PRICE                the next scan only tells the price
    SW1:UNDO                 take back the last thing this station did
    SW1:AGAIN                the last scan that was held back as a double was meant
    SW1:END                  the count, delivery or sale is complete

A place is written in capitals and closed by its two check characters (ISO/IEC 7064, MOD 1271-36, a hyphen counting 36),
because a name of which a part was lost would be as good a name: goods would be booked where no shelf is.

Printed as Code 128. Nothing a shop sells begins like this: a GTIN and a GS1 element string begin with a digit (GS1
General Specifications sections 3 and 7), a Digital Link with "http". Whatever begins with `SW`, digits and a
colon is taken for a card, known or not: a damaged or newer card is refused, never sold, and so is one that a keyboard
or a scanner's setting has turned into small letters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from protocol.errors import BadInput
from protocol.identity import PlaceId, parse_place


class Mode(StrEnum):
    """What a scan at a station means."""

    SALE = "sale"
    RETURN = "return"
    RECEIVE = "receive"
    COUNT = "count"
    TRANSFER = "transfer"
    """Goods leave the place: for transit or, by a place card, for another place of the store."""
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
class PlaceCard:
    """The station transfers goods to `place` from now on."""

    place: PlaceId


@dataclass(frozen=True, slots=True)
class PriceCard:
    """The next scan tells its price and moves nothing."""


@dataclass(frozen=True, slots=True)
class UndoCard:
    """The last thing the station did is taken back."""


@dataclass(frozen=True, slots=True)
class AgainCard:
    """The last scan held back as a double was meant."""


@dataclass(frozen=True, slots=True)
class EndCard:
    """The open session is complete: a count, a delivery, a sale."""


Card = ModeCard | QuantityCard | PlaceCard | PriceCard | UndoCard | AgainCard | EndCard

_ANY_CARD = re.compile(r"SW[0-9]+:", re.IGNORECASE)
_DOCUMENT = re.compile(r"[A-Z0-9][A-Z0-9./_-]{0,39}")
_PIECES = re.compile(r"[1-9][0-9]{0,3}")
_PLACE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?")
_VALUES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
_MODULUS, _RADIX = 1271, 36


def parse_card(text: str) -> Card | None:
    """Read a scanned text; None if it is not a command card at all. Raises `BadInput` ("bad-card")."""
    if not _ANY_CARD.match(text):
        return None
    match text.split(":"):
        case ["SW1", "UNDO"]:
            return UndoCard()
        case ["SW1", "AGAIN"]:
            return AgainCard()
        case ["SW1", "PRICE"]:
            return PriceCard()
        case ["SW1", "PLACE", place, check] if _PLACE.fullmatch(place) and check == check_characters(place):
            return PlaceCard(parse_place(place.lower()))
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
        case PlaceCard(place):
            capitals = place.upper()
            text = f"SW1:PLACE:{capitals}:{check_characters(capitals)}"
        case PriceCard():
            text = "SW1:PRICE"
        case UndoCard():
            text = "SW1:UNDO"
        case AgainCard():
            text = "SW1:AGAIN"
        case EndCard():
            text = "SW1:END"
    if parse_card(text) != card:
        raise BadInput("bad-card", f"{text[:80]!r} cannot be read back")
    return text


def check_characters(text: str) -> str:
    """Give the two check characters of a text of A-Z, 0-9 and hyphens. Raises `BadInput` ("bad-card") for any other.

    A pure system of ISO/IEC 7064: read as a number of base 36, text and check together leave 1 when divided by 1271.
    """
    number = 0
    for character in text:
        value = _VALUES.find(character)
        if value < 0:
            raise BadInput("bad-card", f"{text[:80]!r} is not of A-Z, 0-9 and hyphens")
        number = (number * _RADIX + value) % _MODULUS
    check = (1 - number * _RADIX * _RADIX) % _MODULUS
    return _VALUES[check // _RADIX] + _VALUES[check % _RADIX]


_MODES = {mode.value.upper(): mode for mode in Mode}
_MOVING = {text: mode for text, mode in _MODES.items() if mode not in (Mode.COUNT, Mode.PRICE_CHECK)}
