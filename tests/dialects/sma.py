"""Scales that speak SMA."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.sma import SmaCodec
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "sma",
    {"exact": SmaCodec, "rounded": lambda: SmaCodec(rounded=True)},
    st.one_of(
        st.text("0123456789.- ZOUEITGNgnMkglboz\r\n", max_size=30).map(str.encode),
        st.builds(
            lambda status, figure, unit: f"\n{status}{figure:>10}{unit:<3}\r".encode(),
            st.text("ZOUEITe 1GNTgnM", min_size=5, max_size=5),
            st.sampled_from(["1.250", "0.000", "-0.005", "-" * 10, "12.505", "1.2505", ""]),
            st.sampled_from(["kg", "g", "lb", "oz", "ton"]),
        ),
        st.sampled_from([b"\n?\r", b"\n!\r", b"\n" + b"9" * 5000]),
    ),
)
