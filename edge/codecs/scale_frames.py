"""What the dialects of serial scales have in common: frames, the noise between them, one answer to one question."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import deque

from edge.codecs.grams import Unit, figure_in, whole_grams
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused, Weight, WeightState

_NOTHING = b"\r\n\0"
"""Bytes that mean nothing between frames: line ends, and what the kernel puts for a byte of wrong parity."""
GARBAGE = "garbage"
"""What bytes outside a frame are refused as."""
NO_ZERO = "the scale has no zero: clear it and switch it off and on"
_MANGLED = re.compile(rb"[\x00\x80-\xff]")


class FramedScaleCodec(ABC):
    """The part of `edge.codecs.base.Codec` that is the same for every dialect; add the question and what a frame says.

    A frame begins with the byte `start` and ends with `end`, or with one of `other_ends`; without a `start` every line
    is a frame. `signals` are bytes with a meaning of their own outside frames. Refuses, for every dialect:

    - "garbage": bytes outside a frame; "cut-short": a frame that a new one or a silence broke off
    - "too-long": a frame over `longest` bytes; skips to the next
    - "parity": a frame with bit 7 set somewhere, or a NUL, which is what the kernel makes of a byte of wrong parity
    """

    def __init__(
        self, start: bytes, end: bytes, longest: int, *, signals: bytes = b"", other_ends: bytes = b""
    ) -> None:
        self._start = start
        self._end = end
        self._longest = longest
        self._signals = signals
        self._other_ends = other_ends
        self._opening = re.compile(b"[" + re.escape(start + signals) + b"]" if start else rb"[^\r\n\0]")
        self._stop = re.compile(b"[" + re.escape(start + end[-1:] + other_ends) + b"]")
        self._noise = bytearray()
        self._frame: bytearray | None = None
        self._skipping = False
        self._outgoing = b""
        self._note = ""
        self._readings: deque[Reading] = deque()

    @property
    def note(self) -> str:
        """Why the scale is at fault, as far as its last answer that was a weight tells; "" if it is not, or silent."""
        return self._note

    def ask(self) -> None:
        """Want the weight: `to_send` will give the question. What is under way answers an earlier one: given up."""
        self._break_off("a new question was asked inside a frame")
        self._outgoing = self._question()

    def to_send(self) -> bytes:
        outgoing, self._outgoing = self._outgoing, b""
        return outgoing

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            at = self._outside(data, at) if self._frame is None else self._inside(data, at, self._frame)

    def gap(self) -> None:
        """Give up the frame and the exchange that were under way."""
        self._break_off("the scale fell silent inside a frame")
        self._outgoing = b""

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    @abstractmethod
    def _question(self) -> bytes: ...

    @abstractmethod
    def _read(self, body: bytes, raw: bytes) -> None:
        """Say what a whole frame means: `body` between its start and its end, `raw` as sent."""

    def _signal(self, byte: bytes) -> None:
        """Take one of the `signals`; a dialect that has none is never called."""
        self._refuse("unexpected", f"{byte!r} means nothing now", byte)

    def _whole(self, frame: bytearray) -> bool:
        """Say whether a frame is all there."""
        return frame.endswith(self._end) or frame[-1:] in self._other_ends

    def _begins_anew(self, frame: bytearray) -> bool:
        """Say whether a start byte after `frame` begins another frame, and does not belong to this one."""
        return True

    def _figure(self, text: bytes, unit: Unit, net: bool, raw: bytes, *, rounded: bool = False) -> None:
        """Give the weight of a scale at rest that shows `text`."""
        figure = figure_in(text)
        if figure is None:
            self._refuse("no-figure", f"{text!r} is no figure", raw)
            return
        digits, places = figure
        if digits < 0:
            self._give(Weight(None, WeightState.UNDER, net, raw))
            return
        grams = whole_grams(digits, places, unit, rounded=rounded)
        if grams is None:
            self._refuse("finer-than-gram", f"{text.strip()!r} {unit.value} is no whole number of grams", raw)
            return
        self._give(Weight(grams, WeightState.STABLE if grams else WeightState.ZERO, net, raw))

    def _give(self, weight: Weight, note: str = "") -> None:
        self._note = note
        self._readings.append(weight)

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))

    def _outside(self, data: bytes, at: int) -> int:
        if self._skipping:
            end = data.find(self._end[-1:], at)
            self._skipping = end < 0
            return len(data) if end < 0 else end + 1
        opening = self._opening.search(data, at)
        end = len(data) if opening is None else opening.start()
        if end > at:
            self._noise += data[at : min(end, at + SAMPLE_BYTES - len(self._noise))]
        if opening is None:
            return end
        if self._noise:
            self._end_noise()
        if opening[0] in self._signals:
            self._signal(opening[0])
        else:
            self._frame = bytearray(opening[0])
        return end + 1

    def _inside(self, data: bytes, at: int, frame: bytearray) -> int:
        """Take bytes of a frame up to one that may end it."""
        room = at + self._longest - len(frame)
        stop = self._stop.search(data, at, room)
        if stop is None:
            frame += data[at:room]
            at = min(room, len(data))
        else:
            frame += data[at : stop.start()]
            at = stop.end()
            if stop[0] == self._start and self._begins_anew(frame):
                self._refuse("cut-short", "a new frame began inside this one", bytes(frame))
                self._frame = bytearray(stop[0])
                return at
            frame += stop[0]
        if self._whole(frame):
            self._frame = None
            self._check(bytes(frame))
        elif len(frame) >= self._longest:
            self._frame = None
            self._skipping = not self._start
            self._refuse("too-long", f"no end within {self._longest} bytes", bytes(frame))
        return at

    def _check(self, raw: bytes) -> None:
        body = raw[len(self._start) :].removesuffix(self._end)
        if _MANGLED.search(body):
            self._refuse("parity", "bit 7 or a wrong parity: the scale and `frame` do not agree", raw)
        else:
            self._read(body, raw)

    def _break_off(self, why: str) -> None:
        self._end_noise()
        self._skipping = False
        if self._frame is not None:
            self._refuse("cut-short", why, bytes(self._frame))
            self._frame = None

    def _end_noise(self) -> None:
        if self._noise.strip(_NOTHING):
            self._refuse(GARBAGE, "bytes outside a frame", bytes(self._noise))
        self._noise.clear()
