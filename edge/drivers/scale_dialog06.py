"""Scales that speak Checkout-Dialog 06, as far as a till without a certificate may."""

from __future__ import annotations

from typing import Annotated

import msgspec

from edge.codecs.dialog06 import Dialog06Codec, from_options
from edge.drivers.api import Driver, StepKind, Trial
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.polled_scale import AnswerMs, PolledScale, PolledScaleSettings, PollMs


class ScaleDialog06Settings(PolledScaleSettings, frozen=True):
    """A scale's table. `price` of a kilogram is shown by the scale, which does not weigh without one.

    `unchanged_repeats`: "not moved since the last weighing" stands for that weight (codec `dialog06`). A question takes
    three exchanges, hence the longer times.
    """

    frame: str = "7O1"
    price: Annotated[int, msgspec.Meta(ge=1, le=999_999)] = 1
    unchanged_repeats: bool = False
    poll_ms: PollMs = 500
    answer_ms: AnswerMs = 2000


class ScaleDialog06(PolledScale):
    """One scale; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: ScaleDialog06Settings, *, clock: Clock = boot_ns) -> None:
        """Raises `BadSettings` for a `baud` or `frame` that no port has."""

        def new_codec() -> Dialog06Codec:
            return Dialog06Codec(settings.price, unchanged_repeats=settings.unchanged_repeats)

        super().__init__(settings, settings.frame, new_codec, clock)


DRIVER = Driver(
    "scale-dialog06",
    "Scale speaking Checkout-Dialog 06",
    ScaleDialog06Settings,
    ScaleDialog06,
    checks=(StepKind.WEIGH,),
    experimental="built from the DIVA service manual, without a recorded capture; answers no request for checksums",
    codecs={"dialog06": from_options},
    # The request for status changes nothing; a weighing would show a price to whoever stands there.
    trials=[Trial("dialog06", 9600, "7O1", ask=b"\x04\x0208\x03")],
)
