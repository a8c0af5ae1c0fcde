"""RFID readers that speak LLRP (Impinj, Zebra FX and others), client side, read only: the whole conversation.

LLRP 1.0.1 and 1.1; the bytes are drawn in `llrp_wire`. The reader speaks first, and a reader has one client::

    reader                                             we
    READER_EVENT_NOTIFICATION, connection accepted
                                                       DELETE_ROSPEC 0     what another client left behind
                                                       SET_READER_CONFIG   keepalives and events
                                                       GET_READER_CONFIG   which antennas are connected
                                                       ADD_ROSPEC, ENABLE_ROSPEC, START_ROSPEC
    RO_ACCESS_REPORT ...
    KEEPALIVE                                          KEEPALIVE_ACK
                                                       DELETE_ROSPEC, CLOSE_CONNECTION
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from edge.codecs.llrp_frames import Control, LlrpFrames
from edge.codecs.llrp_wire import (
    ROSPEC_ID,
    Message,
    Parameter,
    ReadingPlan,
    ask_antennas,
    configure,
    message,
    parameters,
    rospec,
    rospec_id,
    text,
)
from edge.codecs.readings import SAMPLE_BYTES, AntennaState, Reading, Refused

MAX_TO_SEND_BYTES = 4 * 1024
"""Answers that wait to be sent; more means that nobody sends them."""

_FORGIVEN = (Message.DELETE_ROSPEC, Message.GET_READER_CONFIG)
"""Requests that a reader may refuse: it had nothing to delete, or cannot tell its antennas."""

_NO_CLIENT = {
    1: "the reader has a client that it dialled itself",
    2: "the reader has another client, or does not know yet that the last one went",
    3: "the reader does not take clients now",
}


class Stage(Enum):
    """How far the conversation has come."""

    GREETING = "waiting for the reader's greeting"
    PREPARING = "setting the reader up"
    READING = "reading"
    LEAVING = "leaving"
    ENDED = "ended"


class LlrpCodec:
    """A reader's bytes to tag reads and antenna states, and the requests that make it read.

    When `stage` is ENDED, `ended` says why and nothing more is taken: the connection must be closed. Refuses by name:

    - "not-llrp": a header of another version or of impossible length; ends the conversation
    - "too-long": a message or a tag report too long to be held; passed over
    - "malformed", "no-epc", "no-antenna": a tag report that cannot be read
    - "reader-exception", "reads-lost", "another-client": what the reader itself complains of

    A silence means nothing here: TCP loses no bytes, and the driver watches for keepalives.
    """

    def __init__(self, plan: ReadingPlan | None = None) -> None:
        plan = plan or ReadingPlan()
        self._steps = (
            (Message.DELETE_ROSPEC, rospec_id(0)),
            (Message.SET_READER_CONFIG, configure(plan)),
            (Message.GET_READER_CONFIG, ask_antennas()),
            (Message.ADD_ROSPEC, rospec(plan)),
            (Message.ENABLE_ROSPEC, rospec_id(ROSPEC_ID)),
            (Message.START_ROSPEC, rospec_id(ROSPEC_ID)),
        )
        self._step = 0
        self._stage = Stage.GREETING
        self._ended = ""
        self._ident = 0
        self._frames = LlrpFrames()
        self._out = bytearray()
        self._readings: deque[Reading] = deque()

    @property
    def stage(self) -> Stage:
        return self._stage

    @property
    def ended(self) -> str:
        """Why the conversation is over, "" while it is not."""
        return self._ended

    def feed(self, data: bytes) -> None:
        if self._ended:
            return
        for one in self._frames.feed(data):
            if not isinstance(one, Control):
                self._readings.append(one)
                continue
            self._take(one)
            if self._stage is Stage.ENDED:
                return
        if self._frames.broken:
            self._end("what it sends is not LLRP")

    def gap(self) -> None:
        """Do nothing: silence does not break a message."""

    def next_reading(self) -> Reading | None:
        return self._readings.popleft() if self._readings else None

    def to_send(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        return out

    def leave(self) -> None:
        """Want the reader to stop, to forget what it was to read, and to close."""
        if self._stage in (Stage.PREPARING, Stage.READING):
            self._stage = Stage.LEAVING
            self._send(Message.DELETE_ROSPEC, rospec_id(ROSPEC_ID))
            self._send(Message.CLOSE_CONNECTION)

    def _take(self, heard: Control) -> None:
        if heard.kind == Message.KEEPALIVE:
            if len(self._out) < MAX_TO_SEND_BYTES:
                self._out += message(Message.KEEPALIVE_ACK, heard.ident)
        elif heard.kind == Message.READER_EVENT_NOTIFICATION:
            self._notified(heard.body)
        elif heard.kind == Message.ERROR_MESSAGE:
            self._end(f"the reader sends an error: {_status(heard.body)[1]}")
        elif heard.kind == Message.CLOSE_CONNECTION_RESPONSE:
            self._end("closed")
        elif self._stage is Stage.PREPARING and heard.ident == self._ident:
            self._answered(heard)

    def _answered(self, heard: Control) -> None:
        request = self._steps[self._step][0]
        if heard.kind != request + 10:
            return
        code, said = _status(heard.body)
        if code and request not in _FORGIVEN:
            self._end(f"the reader refuses {request.name}: {said}")
            return
        for kind, body in parameters(heard.body):
            if kind == Parameter.ANTENNA_PROPERTIES and len(body) >= 3:
                antenna = int.from_bytes(body[1:3], "big")
                self._readings.append(AntennaState(antenna, bool(body[0] & 0x80), None))
        if self._step + 1 < len(self._steps):
            self._ask(self._step + 1)
        else:
            self._stage = Stage.READING

    def _notified(self, body: bytes) -> None:
        for outer, events in parameters(body):
            if outer == Parameter.READER_EVENT_NOTIFICATION_DATA:
                inner = list(parameters(events))
                times = [data for kind, data in inner if kind == Parameter.UTC_TIMESTAMP and len(data) == 8]
                at_us = int.from_bytes(times[0], "big") if times else None
                for kind, data in inner:
                    self._event(kind, data, at_us)

    def _event(self, kind: int, data: bytes, at_us: int | None) -> None:
        if kind == Parameter.CONNECTION_ATTEMPT and len(data) == 2:
            self._greeted(int.from_bytes(data, "big"), data)
        elif kind == Parameter.ANTENNA_EVENT and len(data) >= 3:
            self._readings.append(AntennaState(int.from_bytes(data[1:3], "big"), data[0] == 1, at_us))
        elif kind == Parameter.ROSPEC_EVENT and len(data) >= 5:
            ours = int.from_bytes(data[1:5], "big") == ROSPEC_ID
            if ours and data[0] != 0 and self._stage is Stage.READING:
                self._end("the reader stopped reading")
        elif kind == Parameter.READER_EXCEPTION:
            self._complain("reader-exception", text(data) or "without a word", data)
        elif kind == Parameter.REPORT_BUFFER_OVERFLOW:
            self._complain("reads-lost", "the reader's buffer overflowed", data)
        elif kind == Parameter.CONNECTION_CLOSE:
            self._end("the reader closes the connection")

    def _greeted(self, status: int, data: bytes) -> None:
        if self._stage is not Stage.GREETING:
            if status:
                self._complain("another-client", "somebody else tried to connect to this reader", data)
        elif status:
            self._end(_NO_CLIENT.get(status, f"the reader refuses the connection ({status})"))
        else:
            self._stage = Stage.PREPARING
            self._ask(0)

    def _ask(self, step: int) -> None:
        self._step = step
        self._send(*self._steps[step])

    def _send(self, kind: Message, body: bytes = b"") -> None:
        self._ident += 1
        self._out += message(kind, self._ident, body)

    def _complain(self, name: str, detail: str, data: bytes) -> None:
        self._readings.append(Refused(name, detail, data[:SAMPLE_BYTES]))

    def _end(self, why: str) -> None:
        self._stage = Stage.ENDED
        self._ended = why
        self._out.clear()


def _status(body: bytes) -> tuple[int, str]:
    """Give the code of an answer's LLRPStatus and what it says; -1 where there is none."""
    for kind, data in parameters(body):
        if kind == Parameter.LLRP_STATUS and len(data) >= 2:
            code = int.from_bytes(data[:2], "big")
            return code, f"{text(data[2:])} ({code})".lstrip()
    return -1, "no status"


def from_options() -> LlrpCodec:
    """Make the codec as a capture's `[options]` say: there are none that change what is read."""
    return LlrpCodec()
