"""Chainway UHF readers."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from edge.codecs.chainway import ChainwayCodec
from shelfwire.simulators.rfid_serial import SimulatedChainway
from tests.dialects.dialect import Dialect

_speaker = SimulatedChainway(Path())


_frame = st.one_of(
    st.builds(_speaker.tag, st.binary(max_size=62), st.integers(0, 255), st.integers(-128, 127)),
    st.builds(_speaker.frame, st.sampled_from([0x03, 0x4F, 0x71, 0x81, 0x83, 0x8D]), st.binary(max_size=60)),
)

DIALECT = Dialect(
    "chainway",
    {"from 1": ChainwayCodec, "from 0": lambda: ChainwayCodec(first_antenna=0)},
    st.one_of(
        _frame,
        st.builds(lambda frame, cut: frame[:cut], _frame, st.integers(0, 40)),
        st.sampled_from([bytes.fromhex("a55a0800"), bytes.fromhex("c88c0007"), b"\xa5\xa5\x5a\xc8"]),
    ),
)
