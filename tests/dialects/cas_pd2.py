"""CAS PD-II scales as ECR type 2."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.cas_pd2 import CasPd2Codec
from edge.codecs.grams import Unit
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "cas-pd2",
    {"kg": CasPd2Codec, "lb": lambda: CasPd2Codec(Unit.LB), "kg, 4 places": lambda: CasPd2Codec(Unit.KG, 4)},
    st.one_of(
        st.text("0123456789\x02\x03\r- ", max_size=20).map(str.encode),
        st.sampled_from([b"\x0201250\r", b"\x0201250\x03\r", b"01250\r", b"\x02-----\r", b"\x02" + b"9" * 5000]),
    ),
)
