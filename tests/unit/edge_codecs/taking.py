"""Feeding a codec in one go and taking all it has to say."""

from __future__ import annotations

from edge.codecs.base import Codec
from edge.codecs.readings import Reading


def drain(codec: Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings


def take(codec: Codec, *parts: bytes | None) -> list[Reading]:
    """Feed each part; None is an idle gap."""
    for part in parts:
        if part is None:
            codec.gap()
        else:
            codec.feed(part)
    return drain(codec)
