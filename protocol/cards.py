"""The command cards a shop prints: what a person at a scanner tells the station by scanning.

    SW1:MODE:SALE            switch the station's mode: SALE RETURN RECEIVE COUNT TRANSFER WASTE PRICE-CHECK
    SW1:MODE:RECEIVE:PO-17   likewise, and what moves then belongs to this document
    SW1:QTY:12               the next scan counts 12 times, 1 to 9999
    SW1:PLACE:STOCKROOM:RZ   transfer from now on, and to this place of the same store
    SW1:PRICE                the next scan only tells the price
    SW1:UNDO                 take back the last thing this station did
    SW1:AGAIN                the last scan that was held back as a double was meant
    SW1:END                  the count, delivery or sale is complete
    SW1:COUNT:AUTUMN-26:SHELF-3:1:TN
                             count from now on: for this session, at this place, for the first time (pass 1 to 9)
    SW1:WHO:ANNA:6F          this person counts from now on
    SW1:SHIPMENT:TR-17:OAK-STREET/SHOP:HIGH-STREET:O6
                             goods of this transfer leave here, or arrive: its two ends are a store each, and a place of
                             it where the card says one
    SW1:PLU:4011             as if the item of this scale number had been scanned
    SW1:CHECK                begins a hand-over check, and is what its scanners have to read
    SW1:YES  SW1:NO          answers its questions
    SW1:SKIP:NOT-INSTALLED   goes on without its present step, and says why: also NOTHING-TO-TRY TO-BE-REPAIRED
    SW1:SKIP                 likewise, without a reason

Names are written in capitals and closed by two check characters (ISO/IEC 7064, MOD 1271-36, a hyphen counting 36),
because a name of which a part was lost would be as good a name: goods would be booked where no shelf is. Where a card
has several, they are checked together; what stands between them, and points and strokes within, count as hyphens.

Printed as Code 128. Nothing a shop sells begins like this: a GTIN and a GS1 element string begin with a digit (GS1
General Specifications sections 3 and 7), a Digital Link with "http". Whatever begins with `SW`, digits and a
colon is taken for a card, known or not: a damaged or newer card is refused, never sold, and so is one that a keyboard
or a scanner's setting has turned into small letters.

Beyond 300 lines because it is one vocabulary: each card, how it is read and how it is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from protocol.check_characters import check_characters, joint_check
from protocol.errors import BadInput
from protocol.identity import PlaceId, StoreId, parse_place, parse_store


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


@dataclass(frozen=True, slots=True)
class CountCard:
    """The station counts `place` for `session` from now on; `pass_` is which time that is done, from 1."""

    session: str
    place: PlaceId
    pass_: int = 1


@dataclass(frozen=True, slots=True)
class WhoCard:
    """`person` counts from now on."""

    person: str


@dataclass(frozen=True, slots=True)
class ShipmentEnd:
    """One end of a transfer: a store, and a place of it where that matters."""

    store: StoreId
    place: PlaceId | None = None


@dataclass(frozen=True, slots=True)
class ShipmentCard:
    """Goods of the transfer `document` leave `source` or arrive at `destination`, whichever the station stands at."""

    document: str
    source: ShipmentEnd
    destination: ShipmentEnd


@dataclass(frozen=True, slots=True)
class PluCard:
    """The item of this scale number was put on the counter."""

    plu: int


@dataclass(frozen=True, slots=True)
class CheckCard:
    """The hand-over check begins; while it goes on, the code that a scanner is to read."""


@dataclass(frozen=True, slots=True)
class AnswerCard:
    """What the hand-over check asks is so, or is not."""

    yes: bool


class SkipReason(StrEnum):
    """Why a step of the hand-over check is not done."""

    NOT_INSTALLED = "not-installed"
    NOTHING_TO_TRY = "nothing-to-try"
    """There is nothing at hand to try the device with."""
    TO_BE_REPAIRED = "to-be-repaired"


@dataclass(frozen=True, slots=True)
class SkipCard:
    """The hand-over check goes on without its present step; `why` None: the card does not say it."""

    why: SkipReason | None = None


Card = (
    ModeCard
    | QuantityCard
    | PlaceCard
    | PriceCard
    | UndoCard
    | AgainCard
    | EndCard
    | CountCard
    | WhoCard
    | ShipmentCard
    | PluCard
    | CheckCard
    | AnswerCard
    | SkipCard
)

_ANY_CARD = re.compile(r"SW[0-9]+:", re.IGNORECASE)
_DOCUMENT = re.compile(r"[A-Z0-9][A-Z0-9./_-]{0,39}")
_PIECES = re.compile(r"[1-9][0-9]{0,3}")
_PLACE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?")
_NAME = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,38}[A-Z0-9])?")
"""A session or a person."""
_SKIP_REASONS = {why.upper(): why for why in SkipReason}
_PASS = re.compile(r"[1-9]")
_PLU = re.compile(r"[1-9][0-9]{0,4}")


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
        case ["SW1", "CHECK"]:
            return CheckCard()
        case ["SW1", "YES"]:
            return AnswerCard(True)
        case ["SW1", "NO"]:
            return AnswerCard(False)
        case ["SW1", "SKIP"]:
            return SkipCard()
        case ["SW1", "SKIP", why] if why in _SKIP_REASONS:
            return SkipCard(_SKIP_REASONS[why])
        case ["SW1", "END"]:
            return EndCard()
        case ["SW1", "QTY", pieces] if _PIECES.fullmatch(pieces):
            return QuantityCard(int(pieces))
        case ["SW1", "COUNT", session, place, number, check] if (
            _NAME.fullmatch(session)
            and _PLACE.fullmatch(place)
            and _PASS.fullmatch(number)
            and check == joint_check(session, place, number)
        ):
            return CountCard(session.lower(), parse_place(place.lower()), int(number))
        case ["SW1", "WHO", person, check] if _NAME.fullmatch(person) and check == check_characters(person):
            return WhoCard(person.lower())
        case ["SW1", "SHIPMENT", document, source, destination, check] if _DOCUMENT.fullmatch(
            document
        ) and check == joint_check(document, source, destination):
            return _shipment(document, source, destination, text)
        case ["SW1", "PLU", plu] if _PLU.fullmatch(plu):
            return PluCard(int(plu))
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
        case CountCard(session, place, number):
            words = (session.upper(), place.upper(), str(number))
            text = f"SW1:COUNT:{':'.join(words)}:{joint_check(*words)}"
        case WhoCard(person):
            capitals = person.upper()
            text = f"SW1:WHO:{capitals}:{check_characters(capitals)}"
        case ShipmentCard(document, source, destination):
            words = (document, _end_text(source), _end_text(destination))
            text = f"SW1:SHIPMENT:{':'.join(words)}:{joint_check(*words)}"
        case PluCard(plu):
            text = f"SW1:PLU:{plu}"
        case CheckCard():
            text = "SW1:CHECK"
        case AnswerCard(yes):
            text = "SW1:YES" if yes else "SW1:NO"
        case SkipCard(why):
            text = "SW1:SKIP" if why is None else f"SW1:SKIP:{why.upper()}"
    if parse_card(text) != card:
        raise BadInput("bad-card", f"{text[:80]!r} cannot be read back")
    return text


def _shipment(document: str, source: str, destination: str, text: str) -> ShipmentCard:
    card = ShipmentCard(document, _end(source, text), _end(destination, text))
    here, there = card.source, card.destination
    if here.store == there.store and (here.place is None or there.place is None or here.place == there.place):
        raise BadInput("bad-card", f"{text[:80]!r} does not say from which place of the store to which")
    return card


def _end(text: str, card: str) -> ShipmentEnd:
    store, slash, place = text.partition("/")
    if not _PLACE.fullmatch(store) or (slash and not _PLACE.fullmatch(place)):
        raise BadInput("bad-card", f"{card[:80]!r} names no store where it should")
    return ShipmentEnd(parse_store(store.lower()), parse_place(place.lower()) if slash else None)


def _end_text(end: ShipmentEnd) -> str:
    return end.store.upper() if end.place is None else f"{end.store.upper()}/{end.place.upper()}"


_MODES = {mode.value.upper(): mode for mode in Mode}
_MOVING = {text: mode for text, mode in _MODES.items() if mode not in (Mode.COUNT, Mode.PRICE_CHECK)}
