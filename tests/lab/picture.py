"""What a machine's screen shows, read from QEMU's picture of it (PPM), and judged without eyes.

A screen that nobody drew on has one colour, and a kernel's console a handful. A page of ours is one colour nearly all
over, with letters in many shades between that and their own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_HEAD = re.compile(rb"P6\s+(?P<width>\d+)\s+(?P<height>\d+)\s+255\s")


@dataclass(frozen=True, slots=True)
class Picture:
    """Rows of pixels, three bytes each: red, green, blue."""

    width: int
    height: int
    pixels: bytes

    def at(self, x: int, y: int) -> bytes:
        """Give the colour there."""
        start = 3 * (y * self.width + x)
        return self.pixels[start : start + 3]

    def colours(self) -> Counter[bytes]:
        """Count the pixels of each colour."""
        return Counter(self.pixels[at : at + 3] for at in range(0, len(self.pixels), 3))

    def background(self) -> tuple[bytes, float]:
        """Give the colour of most pixels, and which part of all it is."""
        colour, count = self.colours().most_common(1)[0]
        return colour, count / (self.width * self.height)

    def written_rows(self) -> int:
        """Count the rows in which something stands out from the background."""
        empty = self.background()[0] * self.width
        step = 3 * self.width
        return sum(self.pixels[at : at + step] != empty for at in range(0, len(self.pixels), step))

    def changed_rows(self, other: Picture) -> int:
        """Count the rows that differ from another picture of the same screen."""
        assert (self.width, self.height) == (other.width, other.height)
        step = 3 * self.width
        return sum(
            self.pixels[at : at + step] != other.pixels[at : at + step] for at in range(0, len(self.pixels), step)
        )


def read_ppm(data: bytes) -> Picture:
    """Read a picture; `ValueError` for what is none, or not whole."""
    head = _HEAD.match(data)
    if head is None:
        raise ValueError(f"no picture: {data[:20]!r}")
    width, height = int(head["width"]), int(head["height"])
    pixels = data[head.end() :]
    if len(pixels) != 3 * width * height:
        raise ValueError(f"{len(pixels)} bytes for {width} x {height}")
    return Picture(width, height, pixels)
