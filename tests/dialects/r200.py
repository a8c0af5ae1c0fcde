"""UHF readers with an R200 or a YRM100."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from edge.codecs.r200 import R200Codec, Variant
from shelfwire.simulators.rfid_serial import SimulatedR200
from tests.dialects.dialect import Dialect

_speaker = SimulatedR200(Path())


_frame = st.one_of(
    st.builds(_speaker.tag, st.binary(max_size=62), st.just(1), st.integers(-128, 127)),
    st.builds(_speaker.error, st.integers(0, 255)),
    st.builds(_speaker.frame, st.integers(0, 3), st.sampled_from([0x03, 0x22, 0x27, 0x28]), st.binary(max_size=30)),
)

DIALECT = Dialect(
    "r200",
    {"BB-7E": R200Codec, "AA-DD": lambda: R200Codec(Variant.AA_DD)},
    st.one_of(
        _frame,
        st.builds(lambda frame, cut: frame[:cut], _frame, st.integers(0, 40)),
        st.sampled_from(
            [bytes.fromhex("bb02220100"), bytes.fromhex("bb0222ffff"), b"\xaa\x01\xff\x00\x01\x15\x16\xdd"]
        ),
    ),
)
