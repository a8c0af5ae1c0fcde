"""What a station knows of its own identity, and what it is by that. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from protocol.enrolment import Papers

RENEW_AFTER = 2 / 3
"""The share of a certificate's life after which the next is asked for."""


class State(StrEnum):
    """How a station stands with its hub."""

    NONE = "none"
    """Nobody: it waits for an invitation."""
    ASKED = "asked"
    """It has an invitation and a key, and asks for its certificate."""
    ENROLLED = "enrolled"
    RENEWING = "renewing"
    """Enrolled, with a new key under way; the old is kept until the new has connected."""
    EXPIRED = "expired"
    """Its certificate ran out while it could not renew it: it asks for a new invitation."""
    ENDED = "ended"
    """Retired or revoked: this identity works no more."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate and its key, in the folder `keys` beside the record. Times are UTC."""

    keys: str
    identity: str
    store: str
    serial: str
    not_before_us: int
    not_after_us: int

    @property
    def renew_us(self) -> int:
        """When the next should be asked for."""
        return self.not_before_us + round((self.not_after_us - self.not_before_us) * RENEW_AFTER)


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A key for which a certificate is asked: by the invitation in its folder, or with the certificate held."""

    keys: str
    renews: bool = False


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, one file: replaced whole, so that every step is done or not.

    `held` is in use; `fresh` came after it and has not connected yet. `host` and `port` are where the hub was found,
    `sought` whether by mDNS: then it is looked for again where it is there no more.
    `ended` tells why the identity is over, `refused` why the last asking came to nothing. `to_check`: it has become
    somebody, and nobody has walked through its devices yet.
    """

    version: int = 1
    asking: Asking | None = None
    held: Held | None = None
    fresh: Held | None = None
    papers: Papers | None = None
    host: str = ""
    port: int = 0
    sought: bool = False
    ended: str = ""
    refused: str = ""
    to_check: bool = False

    @property
    def folders(self) -> frozenset[str]:
        """The folders of keys that are still spoken of."""
        return frozenset(one.keys for one in (self.asking, self.held, self.fresh) if one is not None)

    def state(self, now_us: int) -> State:
        """Say how the station stands at `now_us`."""
        if self.asking is not None and not self.asking.renews:
            return State.ASKED
        if self.ended:
            return State.ENDED
        newest = self.fresh or self.held
        if newest is None or self.papers is None:
            return State.NONE
        if newest.not_after_us <= now_us:
            return State.EXPIRED
        return State.RENEWING if self.asking is not None or self.fresh is not None else State.ENROLLED

    @property
    def named(self) -> Papers | None:
        """The papers to work by: None for a station that is nobody, or not any more."""
        return None if self.ended or self.held is None else self.papers

    @property
    def works_by(self) -> tuple[Papers, str] | None:
        """The papers to work by, and where the hub is."""
        return None if self.named is None else (self.named, self.host)


ASIDE = Record(refused="what was kept of the identity could not be read; it needs a new invitation")
"""What a station is whose record is damaged: not bricked, but to be invited."""


def encode_record(record: Record) -> bytes:
    """Write the record's file."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def decode_record(data: bytes) -> Record | None:
    """Read the record's file; None if it cannot be read."""
    try:
        record = msgspec.json.decode(data, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.version == 1 else None
