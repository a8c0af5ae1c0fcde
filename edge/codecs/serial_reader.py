"""What the dialects of serial RFID readers have in common: checked frames, noise between them, and a set-up by steps.

A step is a request and the answer that ends it. The last one starts the reading; from then on the reader speaks by
itself, and only a silence that is too long makes the driver `begin` again.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused


@dataclass(frozen=True, slots=True)
class Step:
    """A request and the number of the answer to it, None if there is none.

    `must`: a reader that refuses it cannot be read. Of any other step a refusal, or silence, is passed over.
    """

    request: bytes
    answer: int | None
    must: bool = False


class SerialReaderCodec(ABC):
    """The part of `edge.codecs.base.Codec` that is the same for every dialect; add frames and what they say.

    Refuses, for every dialect: "garbage" (bytes outside a frame), "checksum" (a frame whose check is wrong; what
    follows its first byte is looked through again), "cut-short" (a frame that a silence broke off), "malformed" (a
    whole frame that makes no sense), "reader-error" (what the reader complains of).
    """

    def __init__(self, firsts: bytes, steps: Sequence[Step], stopping: bytes) -> None:
        """`firsts`: every byte that a frame may begin with. `stopping` is the request that ends the reading."""
        self._opening = re.compile(b"[" + re.escape(firsts) + b"]")
        self._steps = tuple(steps)
        self._stopping = stopping
        self._step: int | None = None
        """The step whose answer is awaited; None before `begin` and after the last."""
        self._reading = False
        self._trouble = ""
        self._out = b""
        self._held = bytearray()
        self._told = 0
        """How many of the next bytes were refused already, as part of a frame that was none."""
        self._noise = bytearray()
        self._readings: deque[Reading] = deque()

    @property
    def reading(self) -> bool:
        """Whether the reader was set up and started."""
        return self._reading

    @property
    def trouble(self) -> str:
        """Why the reader cannot be read, "" if nothing is known against it."""
        return self._trouble

    def begin(self) -> None:
        """Set the reader up from the first step, also if it is reading already."""
        self._reading, self._trouble = False, ""
        self._ask(0)

    def stop(self) -> None:
        """Want it to stop reading."""
        self._reading, self._step = False, None
        self._out = self._stopping

    def to_send(self) -> bytes:
        out, self._out = self._out, b""
        return out

    def feed(self, data: bytes) -> None:
        self._held += data
        self._look_through()

    def gap(self) -> None:
        """Give up the frame that was coming; ask again where an answer is a must, else go on to the next step."""
        self._flush_noise()
        if self._held:
            self._refuse("cut-short", "the reader fell silent inside a frame", bytes(self._held))
            self._told = len(self._held)
            self._drop(1)
            self._look_through(from_cut=True)
        if self._step is not None:
            self._ask(self._step if self._steps[self._step].must else self._step + 1)

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    @abstractmethod
    def _length(self, held: bytearray) -> int | None:
        """Give the length of the frame that `held` begins with: None if too little has come, 0 if none begins here."""

    @abstractmethod
    def _fault(self, frame: bytes) -> str:
        """Say what is wrong with a frame's check and end, "" if nothing."""

    @abstractmethod
    def _take(self, frame: bytes) -> None:
        """Say what a whole, checked frame means."""

    def _answered(self, answer: int, fault: str = "") -> None:
        """Take an answer; `fault` is what the reader has against the request."""
        if self._step is None or self._steps[self._step].answer != answer:
            return
        if fault and self._steps[self._step].must:
            self._trouble, self._step = fault, None
        else:
            self._ask(self._step + 1)

    def _ask(self, step: int) -> None:
        self._step = step
        while self._step < len(self._steps):
            self._out += self._steps[self._step].request
            if self._steps[self._step].answer is not None:
                return
            self._step += 1
        self._step, self._reading = None, True

    def _give(self, reading: Reading) -> None:
        self._readings.append(reading)

    def _refuse(self, name: str, detail: str, raw: bytes) -> None:
        self._readings.append(Refused(name, detail, raw[:SAMPLE_BYTES]))

    def _look_through(self, *, from_cut: bool = False) -> None:
        """Take all whole frames; keep the beginning of one, unless `from_cut`: then nothing more is coming."""
        held = self._held
        while held:
            length = self._length(held)
            if length == 0:
                self._skip()
            elif length is None or length > len(held):
                if not from_cut:
                    return
                self._skip()
            else:
                self._whole(bytes(held[:length]))

    def _skip(self) -> None:
        """Leave out what no frame can begin with, at least one byte."""
        opening = self._opening.search(self._held, 1)
        length = opening.start() if opening else len(self._held)
        self._noise += self._held[min(self._told, length) : length][: SAMPLE_BYTES - len(self._noise)]
        self._drop(length)

    def _drop(self, length: int) -> None:
        del self._held[:length]
        self._told = max(0, self._told - length)

    def _whole(self, frame: bytes) -> None:
        fault = self._fault(frame)
        self._flush_noise()
        if not fault:
            self._drop(len(frame))
            self._take(frame)
            return
        if len(frame) > self._told:
            self._refuse("checksum", fault, frame)
            self._told = len(frame)
        self._drop(1)

    def _flush_noise(self) -> None:
        if self._noise.strip(b"\0\r\n"):
            self._refuse("garbage", "bytes outside a frame", bytes(self._noise))
        self._noise.clear()


def epc_bytes(pc: int) -> int:
    """How many bytes of EPC a tag's protocol control word announces (Gen2, 6.3.2.1.2.2: words in its top five bits)."""
    return 2 * (pc >> 11)
