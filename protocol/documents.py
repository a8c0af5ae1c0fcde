"""Head office's documents for a store: what it decided about transfers, and what it heard of their other end.

    ["T", at_us, document, from_store, from_area, to_store, to_area, [[item, qty_milli], ...], author, note]
                                                        these goods are to go from the one to the other
    ["M", at_us, document, store, [[item, shipped_milli, received_milli, settled_milli], ...]]
                                                        so much has that store shipped, received, written off so far
    ["Z", at_us, document, author, note]                nothing more is expected of it

A log of lines as the others are (`protocol.events`): fields are only ever added at the end, and what a later line says
of the same document and store takes the place of what an earlier one said.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import astuple

from protocol.decisions import TransferLine
from protocol.errors import BadInput
from protocol.events import MAX_QTY_MILLI

MAX_LINES = 2000
"""Items of one document."""


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


HqDocument = TransferApproved | TransferMoved | TransferClosed

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
        if any(abs(milli) > MAX_QTY_MILLI for milli in told):
            raise BadInput("bad-document-line", f"{each.item[:80]!r}: a quantity out of bounds")
    return document
