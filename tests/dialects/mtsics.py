"""Balances and scales that speak MT-SICS."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.mtsics import MtSicsCodec
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "mtsics",
    {"exact": MtSicsCodec, "rounded": lambda: MtSicsCodec(rounded=True)},
    st.one_of(
        st.text("0123456789.- SDI+ETLkgloz\r\n", max_size=30).map(str.encode),
        st.builds(
            lambda state, figure, unit: f"S {state} {figure:>10} {unit}\r\n".encode(),
            st.sampled_from("SDI+-X"),
            st.sampled_from(["100.00", "100.50", "-0.01", "Error 10b", ""]),
            st.sampled_from(["g", "kg", "lb", "ct", "oz "]),
        ),
        st.sampled_from([b"S I\r\n", b"S +\r\n", b"ES\r\n", b'I4 A "1"\r\n', b"9" * 5000, b"\r\n"]),
    ),
)
