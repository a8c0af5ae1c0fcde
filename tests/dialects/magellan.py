"""Datalogic Magellan scanner scales on a single cable."""

from __future__ import annotations

from functools import reduce
from operator import xor

from hypothesis import strategies as st

from edge.codecs.grams import Unit
from edge.codecs.magellan import MagellanCodec
from tests.dialects.dialect import Dialect

_body = st.one_of(
    st.sampled_from([b"S143", b"S14401250", b"S1441250", b"S1101250", b"S141", b"S10", b"S08F4006381333931"]),
    st.sampled_from([b"S08FF96385074", b"S08B1SHELF-7", b"S08R40104006381333931", b"S08]d20104006381333931\x1d21A"]),
    st.text("S0123458AEFBRX]dQ\x1d\n", max_size=24).map(str.encode),
)

DIALECT = Dialect(
    "magellan",
    {
        "kg": MagellanCodec,
        "lb": lambda: MagellanCodec(Unit.LB),
        "kg, check byte": lambda: MagellanCodec(bcc=True),
    },
    st.one_of(
        _body.map(lambda body: body + b"\r"),
        _body.map(lambda body: body + bytes([reduce(xor, body, 0)]) + b"\r"),
        st.sampled_from([b"\r", b"S144", b"x" * 5000, b"S14\xb4\r"]),
    ),
)
