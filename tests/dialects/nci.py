"""Scales that speak NCI (Weigh-Tronix)."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.nci import NciCodec, NciDialect
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "nci",
    {
        "scp01": NciCodec,
        "scp02": lambda: NciCodec(NciDialect.SCP02),
        "scp12": lambda: NciCodec(NciDialect.SCP12),
    },
    st.one_of(
        st.text("0123456789.-^_ lbkgozKGS\r\n\x03?p", max_size=30).map(str.encode),
        st.builds(
            lambda text, middle, status, end: b"\n" + text + middle + bytes(status) + end,
            st.sampled_from([b"  1.250kg", b"01.250KG", b"  1lb  8.5oz", b"  -0.005kg", b"^^^^^^^^kg", b"  1.2505kg"]),
            st.sampled_from([b"\r\n", b"\r\nS", b"\r"]),
            st.lists(st.sampled_from(range(0x30, 0x80)), min_size=1, max_size=4),
            st.sampled_from([b"\r\x03", b"\x03", b"\r"]),
        ),
        st.sampled_from([b"\n00\r\x03", b"\nS10\r\x03", b"\n?\r\x03", b"\n" + b"9" * 5000]),
    ),
)
