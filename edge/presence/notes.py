"""Where the tags are, as notes of the stock log: changed in the transaction that appends what changed.

So log and notes never differ, whenever the power goes, and no entry needs to be read again to begin. Tags are spread
over a fixed number of notes, that one change writes a page or two and not all of them.

    "tags/2a7" -> MessagePack [[epc, device, antenna, zone, seen_us, present], ...]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from edge.presence.changes import Change, Standing
from protocol.errors import BadInput
from protocol.events import Presence
from protocol.identity import DeviceId

NOTES = 1024
"""50,000 tags make notes of some 3 KB. With another number, notes written before would not be found again."""
_PREFIX = "tags/"


class _Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    epc: bytes
    device: str
    antenna: int
    zone: str
    seen_us: int
    present: bool


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Row]).decode


def note_of(epc: bytes) -> str:
    """Name the note that holds a tag."""
    return f"{_PREFIX}{int.from_bytes(blake2b(epc, digest_size=2).digest(), 'big') % NOTES:03x}"


def changed_notes(notes: Mapping[str, bytes], changes: Iterable[Change]) -> dict[str, bytes | None]:
    """Give what is to be written for changes, oldest first, where `notes` stand; a note that is empty goes."""
    open_notes: dict[str, dict[bytes, _Row]] = {}
    for one in changes:
        key = note_of(one.epc)
        rows = open_notes.get(key)
        if rows is None:
            try:
                rows = {row.epc: row for row in _read(notes.get(key))}
            except BadInput:
                # Told at the start. What it held is lost; what happens from now on is not.
                rows = {}
            open_notes[key] = rows
        if one.change is Presence.DEPARTED:
            rows.pop(one.epc, None)
        else:
            present = one.change is not Presence.UNKNOWN
            rows[one.epc] = _Row(one.epc, one.device, one.antenna, one.zone, one.seen_us, present)
    return {key: _encode(list(rows.values())) if rows else None for key, rows in open_notes.items()}


def read_notes(notes: Mapping[str, bytes]) -> tuple[list[Standing], list[str]]:
    """Give the tags that notes tell of, and the names of the notes that cannot be read."""
    found: list[Standing] = []
    bad: list[str] = []
    for key, value in notes.items():
        if not key.startswith(_PREFIX):
            continue
        try:
            found += [
                Standing(row.epc, DeviceId(row.device), row.antenna, row.zone, row.seen_us, row.present)
                for row in _read(value)
            ]
        except BadInput:
            bad.append(key)
    return found, bad


def _read(value: bytes | None) -> list[_Row]:
    """Read a note. Raises `BadInput` ("bad-note")."""
    if value is None:
        return []
    try:
        rows: list[_Row] = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("bad-note", str(error)) from error
    return rows
