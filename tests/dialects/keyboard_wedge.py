"""Barcode scanners that are a keyboard."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.keyboard_wedge import KeyboardWedgeCodec
from edge.codecs.layouts import DE, ES, FR, IT, US
from tests.dialects.dialect import Dialect
from tests.unit.edge_codecs import keys

_event = st.builds(
    keys.record,
    st.sampled_from([keys.SYN, keys.KEY, keys.KEY, keys.KEY, keys.MSC, 17]),
    st.one_of(st.integers(0, 127), st.sampled_from([28, 29, 42, 56, 58, 96, 100]), st.integers(0, 0xFFFF)),
    st.sampled_from([0, 1, 1, 2, -1]),
)

DIALECT = Dialect(
    "keyboard-wedge",
    {
        "us": lambda: KeyboardWedgeCodec(US),
        "de": lambda: KeyboardWedgeCodec(DE, idle_ends=False),
        "fr": lambda: KeyboardWedgeCodec(FR, caps_lock=True),
        "it, GS as |": lambda: KeyboardWedgeCodec(IT, gs="|"),
        "es, GS as F8": lambda: KeyboardWedgeCodec(ES, gs="f8"),
    },
    st.one_of(st.lists(_event, max_size=12).map(b"".join), st.sampled_from([keys.LOST, keys.press(28)])),
)
