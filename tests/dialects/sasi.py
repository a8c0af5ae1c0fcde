"""Scales that speak SASI."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.grams import Unit
from edge.codecs.sasi import SasiCodec
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "sasi",
    {"kg": SasiCodec, "lb": lambda: SasiCodec(Unit.LB)},
    st.one_of(
        st.text("0123456789?.N \r\x02@ABCD", max_size=20).map(str.encode),
        st.sampled_from([b"\x0201.250\r", b"\x0201.250N\r", b"\x02?A\r", b"\x02?H\r", b"\x02" + b"9" * 5000]),
    ),
)
