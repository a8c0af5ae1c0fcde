"""ThingMagic M6e modules."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from edge.codecs.m6e import M6eCodec
from shelfwire.simulators.rfid_serial import SimulatedM6e
from tests.dialects.dialect import Dialect

_speaker = SimulatedM6e(Path())


_frame = st.one_of(
    st.builds(_speaker.tag, st.binary(max_size=62), st.integers(0, 15), st.integers(-128, 127)),
    st.builds(
        _speaker.frame,
        st.sampled_from([0x03, 0x22, 0x22, 0x2F, 0x91]),
        st.sampled_from([0, 0, 0x0400, 0x0504, 0xFFFF]),
        st.binary(max_size=60),
    ),
)

DIALECT = Dialect(
    "m6e",
    {"one antenna": M6eCodec, "two, Europe": lambda: M6eCodec((1, 2), "eu3")},
    st.one_of(
        _frame,
        st.builds(lambda frame, cut: frame[:cut], _frame, st.integers(0, 40)),
        st.sampled_from([b"\xff\xff", b"\xff\x00\x22\x04\x00\x84\xe0"]),
    ),
)
