"""What a station remembers of itself beside its log, so that a power cut does not change what a scan means."""

from __future__ import annotations

import msgspec

from edge.station.actions import GivenCount, Where, Work
from protocol.cards import Mode
from protocol.errors import BadInput
from protocol.events import When
from protocol.identity import Epoch, PlaceId, parse_place

NOTE = "station"
"""The key of the note in the stock log; it changes in the same transaction as the entries that go with it."""


class GivenNote(msgspec.Struct, frozen=True):
    """A count that somebody gave, `since` the station was told, as `edge.station.actions.GivenCount`."""

    session: str
    place: str
    pass_: int
    ended: bool
    since: When


class StationNote(msgspec.Struct, frozen=True, kw_only=True):
    """The mode period a station is in.

    `configured` is the mode its settings named then: settings that name another since win. What belongs to the period
    stands in the log after `seq` of `epoch`. `count` is the session of the open count, from its first reading on.
    `given` is what is to be counted, `person` who counts. `basket`: one is open since the period began.
    """

    configured: Mode
    mode: Mode
    document: str | None
    epoch: str
    seq: int
    count: str | None
    to_place: str | None = None
    arriving: bool = False
    given: GivenNote | None = None
    person: str = ""
    basket: bool = False

    @property
    def work(self) -> Work:
        """What a scan means in it."""
        given = self.given
        return Work(
            self.mode,
            self.document,
            None if self.to_place is None else PlaceId(self.to_place),
            None if given is None else GivenCount(given.session, PlaceId(given.place), given.pass_, given.ended),
            self.arriving,
        )

    @property
    def since(self) -> Where:
        """The position the period began after."""
        return Where(Epoch.parse(self.epoch), self.seq)


_decode = msgspec.json.Decoder(StationNote).decode
_encode = msgspec.json.Encoder().encode


def encode_note(note: StationNote) -> bytes:
    """Write a note's bytes."""
    return _encode(note)


def decode_note(data: bytes) -> StationNote:
    """Read a note's bytes. Raises `BadInput` ("bad-note")."""
    try:
        note: StationNote = _decode(data)
        Epoch.parse(note.epoch)
        if note.to_place is not None:
            parse_place(note.to_place)
        if note.given is not None:
            parse_place(note.given.place)
    except (msgspec.DecodeError, BadInput) as error:
        raise BadInput("bad-note", str(error)) from error
    return note
