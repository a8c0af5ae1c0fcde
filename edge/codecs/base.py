"""The shape that all codecs have."""

from __future__ import annotations

from typing import Protocol

from edge.codecs.readings import Reading


class Codec(Protocol):
    """One dialect of one device, without any I/O and without a clock.

    The driver feeds what its link read, takes every reading, then sends what the dialect answers::

        codec.feed(data)
        while (reading := codec.next_reading()) is not None: ...
        await link.write(codec.to_send())

    No byte string makes a method raise. How the bytes were cut into `feed` calls never shows in the
    readings. What a codec holds once its readings are taken is bounded by a constant, whatever it was fed.
    """

    def feed(self, data: bytes) -> None:
        """Take bytes as they came; any cut will do."""
        ...

    def gap(self) -> None:
        """Learn that the device has been silent for the driver's idle time. May be repeated."""
        ...

    def next_reading(self) -> Reading | None:
        """Give the oldest reading not yet given, or None."""
        ...

    def to_send(self) -> bytes:
        """Give, once, the bytes the dialect wants sent: polls and answers. b"" if none."""
        ...
