"""The identity as the rest of the agent sees it; light to load, for stations whose settings name them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import msgspec

from edge.enrol.record import State
from protocol.acceptance import SignedAcceptance


@dataclass(frozen=True, slots=True)
class Standing:
    """How the station stands, for people; times are UTC.

    `step` is what goes on: "reaching", "asking", "papers", or "waiting" to try again; `words` what there is to say.
    """

    state: State
    step: str = ""
    words: str = ""
    identity: str = ""
    store: str = ""
    position: str = ""
    not_after_us: int | None = None
    renew_us: int | None = None


class Kept(msgspec.Struct, frozen=True):
    """The record of a hand-over check, and whether the hub has it, or would not have it and why."""

    signed: SignedAcceptance
    taken: bool = False
    refused: str = ""


class Enrolling(Protocol):
    """Who takes invitations, and says how the station stands."""

    @property
    def standing(self) -> Standing: ...

    async def offer(self, text: str) -> None:
        """Take an invitation, as scanned or typed; returns once it is on disk and will be followed.

        Raises `BadInput` for one that is mistyped, `NotNow` where none is taken, `EdgeError` if it cannot be kept.
        """
        ...


class Wire(Protocol):
    """The conversation with the broker, as far as the identity goes."""

    @property
    def connected(self) -> bool:
        """Whether it is connected, with the keys that were in use when it was dialled last."""
        ...

    @property
    def doubted(self) -> bool:
        """Whether the broker will not have us, for who we are."""
        ...

    def redial(self) -> None:
        """Connect anew, with the keys that are in use now; not connected until that is done."""
        ...


class NoWire:
    """The conversation of a station that is nobody."""

    connected = False
    doubted = False

    def redial(self) -> None:
        """There is nothing to do."""
