"""Scales that speak Mettler Toledo 8217."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.mt8217 import Mt8217Codec, Unit
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "mt8217",
    {
        "kg": Mt8217Codec,
        "lb, repeating": lambda: Mt8217Codec(Unit.LB, all_clear_repeats=True),
        "g": lambda: Mt8217Codec(Unit.G),
    },
    st.one_of(
        st.text("0123456789?.N \r\x02@ABDP", max_size=20).map(str.encode),
        st.sampled_from([b"\x0201.250\r", b"\x0201.250N\r", b"\x02?A\r", b"\x02?@\r", b"\x02" + b"9" * 5000]),
    ),
)
