"""What a person asks an invitation for, and what he gets: 80 digits, told once."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocol.cards import Mode
from protocol.errors import BadInput
from protocol.identity import StationId, parse_place
from protocol.identity_words import Standing

VALID_S = 15 * 60
"""How long an invitation is good if nobody says otherwise."""
MAX_VALID_S = 7 * 24 * 3600
MAX_NAME = 100
MAX_NOTE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person asks an invitation for.

    `again` is an identity that is to enrol once more, with a new key; `replaces` one whose position the new one takes.
    `hub` is the IPv4 address of the hub as stations reach it, None to find it by mDNS; `port` that of its HTTPS.
    """

    position: str
    place: str
    area: str = ""
    mode: Mode = Mode.SALE
    replaces: StationId | None = None
    again: StationId | None = None
    hub: str | None = None
    port: int
    valid_s: int = VALID_S
    author: str
    note: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Invite:
    """The digits, told once, and the standing of whom they invite."""

    digits: str = field(repr=False)
    standing: Standing

    @property
    def expires_us(self) -> int:
        """Until when they are good."""
        return self.standing.invitation.expires_us


def check_order(order: Order) -> None:
    """Hold an order to its bounds.

    Raises `BadInput`: "bad-position", "bad-place", "bad-author", "bad-note", "bad-validity".
    """
    _name("bad-position", order.position)
    _name("bad-place", order.place)
    if order.area:
        _name("bad-place", order.area)
    check_author(order.author, order.note)
    if not 0 < order.valid_s <= MAX_VALID_S:
        raise BadInput("bad-validity", f"an invitation is good for up to {MAX_VALID_S} seconds")


def check_author(author: str, note: str) -> None:
    """Hold to their bounds who says something, and why. Raises `BadInput` ("bad-author", "bad-note")."""
    _printable("bad-author", author, 1, MAX_NAME)
    _printable("bad-note", note, 0, MAX_NOTE)


def _name(error: str, text: str) -> None:
    try:
        parse_place(text)
    except BadInput as cause:
        raise BadInput(error, cause.detail) from cause


def _printable(error: str, text: str, least: int, most: int) -> None:
    if not (least <= len(text) <= most and text.isprintable()):
        raise BadInput(error, f"{least} to {most} printable characters")
