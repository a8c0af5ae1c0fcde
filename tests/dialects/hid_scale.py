"""USB HID scales."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.hid_reports import framed
from edge.codecs.hid_scale import HidScaleCodec
from shelfwire.simulators.hid import weight_report
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "hid-scale",
    {"as it comes": HidScaleCodec, "first kept": lambda: HidScaleCodec(first_is_stale=False)},
    st.one_of(
        st.builds(
            weight_report,
            st.integers(0, 9),
            st.integers(0, 13),
            st.integers(-128, 127),
            st.integers(0, 0xFFFF),
            st.sampled_from([3, 4, 5]),
        ).map(framed),
        st.binary(max_size=8).map(framed),
    ),
)
