"""Scales that speak CAS AP-1."""

from __future__ import annotations

from functools import reduce
from operator import xor

from hypothesis import strategies as st

from edge.codecs.cas_ap1 import CasAp1Codec
from tests.dialects.dialect import Dialect


def _asked() -> CasAp1Codec:
    codec = CasAp1Codec()
    codec.ask()
    codec.to_send()
    return codec


def _frame(data: bytes, flip: int) -> bytes:
    return b"\x01\x02" + data + bytes([reduce(xor, data, 0) ^ flip]) + b"\x03\x04"


DIALECT = Dialect(
    "cas-ap1",
    {"overheard": CasAp1Codec, "asked": _asked},
    st.one_of(
        st.text("\x01\x02\x03\x04\x06\x15SU -F0123456789.kgl", max_size=30).map(str.encode),
        st.builds(
            _frame,
            st.sampled_from([b"S 01.250kg", b"U 01.250kg", b"S-00.005kg", b"SFFFFFFFkg", b"S       kg", b"S 1.2505kg"]),
            st.sampled_from([0, 0, 1]),
        ),
        st.sampled_from([b"\x06", b"\x15", b"\x06" + _frame(b"S 01.250kg", 0), b"\x01" + b"9" * 5000]),
    ),
)
