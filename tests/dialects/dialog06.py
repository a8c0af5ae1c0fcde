"""Scales that speak Checkout-Dialog 06."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.dialog06 import Dialog06Codec
from tests.dialects.dialect import Dialect


def _asked() -> Dialog06Codec:
    codec = Dialog06Codec(unchanged_repeats=True)
    codec.ask()
    codec.to_send()
    return codec


DIALECT = Dialect(
    "dialog06",
    {"overheard": Dialog06Codec, "asked": _asked, "at a price": lambda: Dialog06Codec(price=1999)},
    st.one_of(
        st.text("\x02\x03\x04\x05\x06\x15\x1b0123456789", max_size=40).map(str.encode),
        st.builds(
            lambda unit, grams, price: f"\x0202\x1b{unit}\x1b{grams:05d}\x1b{price:06d}\x1b000001\x03".encode(),
            st.sampled_from("0123"),
            st.integers(0, 99_999),
            st.sampled_from([1, 1, 1999]),
        ),
        st.integers(0, 99).map(lambda code: f"\x0209\x1b{code:02d}\x03".encode()),
        st.sampled_from([b"\x06", b"\x15", b"\x0211\x1b247\x03", b"\x0211\x1b1\x03", b"\x02" + b"9" * 5000]),
    ),
)
