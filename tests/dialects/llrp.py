"""RFID readers that speak LLRP."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.llrp import LlrpCodec
from edge.codecs.llrp_wire import ReadingPlan
from shelfwire.simulators.llrp_speech import (
    answer,
    antenna_event,
    connection_attempt,
    keepalive,
    report,
    tag,
)
from tests.dialects.dialect import Dialect

_tag = st.builds(
    tag,
    st.binary(max_size=40),
    st.integers(0, 3),
    st.integers(-128, 127),
    st.integers(0, 2**64 - 1),
    st.integers(0, 9),
    extra=st.sampled_from([b"", bytes.fromhex("03ff000c0000651a00000037"), b"\x8a\x00\x01", b"\x03\xff\x00\x02"]),
)
_whole = st.one_of(
    st.lists(_tag, max_size=4).map(lambda tags: report(*tags)),
    st.builds(connection_attempt, st.integers(0, 5)),
    st.builds(antenna_event, st.integers(0, 4), st.booleans()),
    st.builds(keepalive, st.integers(0, 9)),
    st.builds(answer, st.sampled_from([12, 13, 30, 31, 32, 34]), st.integers(1, 7), st.sampled_from([0, 0, 0, 100])),
)
_greeting = connection_attempt(0) + b"".join(
    answer(kind, step) for step, kind in enumerate((31, 13, 12, 30, 34, 32), 1)
)

DIALECT = Dialect(
    "llrp",
    {
        "any antenna": LlrpCodec,
        "two antennas, session 1": lambda: LlrpCodec(ReadingPlan((1, 2), session=1, population=64)),
    },
    st.one_of(
        _whole,
        _whole,
        st.builds(lambda message, cut: message[:cut], _whole, st.integers(0, 60)),
        st.sampled_from([_greeting, bytes.fromhex("043dffffffff00000001"), report(b"\x00\xf0\x00\x02")]),
    ),
)
