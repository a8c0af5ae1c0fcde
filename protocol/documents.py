"""Head office's documents for a store: about transfers, what it believes the store's stock to be, and fields it sets.

    ["T", at_us, document, from_store, from_area, to_store, to_area, [[item, qty_milli], ...], author, note]
                                                        these goods are to go from the one to the other
    ["M", at_us, document, store, [[item, shipped_milli, received_milli, settled_milli], ...]]
                                                        so much has that store shipped, received, written off so far
    ["Z", at_us, document, author, note]                nothing more is expected of it
    ["S", at_us, document, part, epoch, seq, [[item, area, on_hand_milli], ...], author, note]
                                                        so much there was when the store feed stood there
    ["F", at_us, document, [[item, area, field, milli, place], ...], author, note]
                                                        shelves and bounds as head office wants them

A log of lines as the others are (`protocol.events`): fields are only ever added at the end. Of transfers, what a later
line says of the same document and store takes the place of what an earlier one said. A statement and a document of
fields are said once: a statement over as many lines, each another `part`, as it needs; a line that repeats one is
passed by, one that says something else under the same name is held back.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import astuple

from protocol.decisions import TransferLine
from protocol.errors import BadInput
from protocol.events import MAX_QTY_MILLI
from protocol.hq_decisions import OwnField
from protocol.identity import Epoch

MAX_LINES = 2000
"""Items of one line of a document."""
MAX_PARTS = 10_000
"""Lines of one statement."""
MAX_WORD = 256
"""The longest item, area or place, in characters."""


class TransferApproved(msgspec.Struct, frozen=True, array_like=True, tag="T"):
    """These goods are to go from one store to another; areas as the stores name them."""

    at_us: int
    document: str
    from_store: str
    from_area: str
    to_store: str
    to_area: str
    lines: tuple[TransferLine, ...]
    author: str = ""
    note: str = ""


class MovedLine(msgspec.Struct, frozen=True, array_like=True):
    """What one store did with one item of a transfer; `settled_milli` is what its own decisions took out of transit."""

    item: str
    shipped_milli: int
    received_milli: int
    settled_milli: int = 0


class TransferMoved(msgspec.Struct, frozen=True, array_like=True, tag="M"):
    """All that `store` has told of a transfer so far."""

    at_us: int
    document: str
    store: str
    lines: tuple[MovedLine, ...]


class TransferClosed(msgspec.Struct, frozen=True, array_like=True, tag="Z"):
    """Nothing more is expected: what was shipped and not received is lost."""

    at_us: int
    document: str
    author: str = ""
    note: str = ""


class StatedLine(msgspec.Struct, frozen=True, array_like=True):
    """What head office holds an item's stock in an area to be."""

    item: str
    area: str
    on_hand_milli: int


class StockStated(msgspec.Struct, frozen=True, array_like=True, tag="S"):
    """A part of a stock statement: head office's figures as they follow from the store feed up to `seq` of `epoch`.

    `seq` 0 is before the epoch's first entry. An item and area stand in one part, once.
    """

    at_us: int
    document: str
    part: int
    epoch: str
    seq: int
    lines: tuple[StatedLine, ...]
    author: str = ""
    note: str = ""


class FieldLine(msgspec.Struct, frozen=True, array_like=True):
    """A bound in milli-units (None: none), or a shelf by its place ("": none), of an item in an area."""

    item: str
    area: str
    field: OwnField
    milli: int | None
    place: str = ""


class FieldsSet(msgspec.Struct, frozen=True, array_like=True, tag="F"):
    """Head office sets fields that the store owns: it is one writer among others, and the last one holds."""

    at_us: int
    document: str
    lines: tuple[FieldLine, ...]
    author: str = ""
    note: str = ""


TransferDocument = TransferApproved | TransferMoved | TransferClosed
HqDocument = TransferDocument | StockStated | FieldsSet

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(HqDocument).decode


def encode_document(document: HqDocument) -> bytes:
    """Write a document as its stored line; never holds a newline."""
    return _encode(document)


def decode_document(line: bytes) -> HqDocument:
    """Read a document's line. Raises `BadInput` ("bad-document-line")."""
    try:
        document: HqDocument = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-document-line", str(error)[:300]) from error
    if not document.document:
        raise BadInput("bad-document-line", "a document without a name")
    if isinstance(document, TransferClosed):
        return document
    if len(document.lines) > MAX_LINES:
        raise BadInput("bad-document-line", f"{len(document.lines)} lines")
    for each in document.lines:
        told = astuple(each)[1:]
        if any(abs(milli) > MAX_QTY_MILLI for milli in told if isinstance(milli, int)):
            raise BadInput("bad-document-line", f"{each.item[:80]!r}: a quantity out of bounds")
    if isinstance(document, StockStated):
        _check_statement(document)
    if isinstance(document, FieldsSet):
        _check_fields(document)
    return document


def _check_statement(document: StockStated) -> None:
    try:
        Epoch.parse(document.epoch)
    except BadInput as error:
        raise BadInput("bad-document-line", f"{document.epoch[:80]!r} is no epoch of the feed") from error
    if document.seq < 0 or not 0 <= document.part < MAX_PARTS:
        raise BadInput("bad-document-line", f"part {document.part} as of entry {document.seq}")
    _check_words(*((each.item, each.area) for each in document.lines))
    if len({(each.item, each.area) for each in document.lines}) < len(document.lines):
        raise BadInput("bad-document-line", "an item and area stand twice")


def _check_fields(document: FieldsSet) -> None:
    _check_words(*((each.item, each.area) for each in document.lines))
    if any(len(each.place) > MAX_WORD or (each.milli or 0) < 0 for each in document.lines):
        raise BadInput("bad-document-line", "a bound below zero, or a place of too long a name")
    if len({(each.item, each.area, each.field) for each in document.lines}) < len(document.lines):
        raise BadInput("bad-document-line", "a field stands twice")


def _check_words(*scopes: tuple[str, str]) -> None:
    for scope in scopes:
        if not all(0 < len(word) <= MAX_WORD for word in scope):
            raise BadInput("bad-document-line", f"item and area {scope[0][:80]!r}, {scope[1][:80]!r}")
