"""Barcode scanners in USB HID-POS mode."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.hid_reports import framed
from edge.codecs.hidpos import HidPosCodec
from shelfwire.simulators.hid import scan_reports
from tests.dialects.dialect import Dialect

_reports = st.builds(
    scan_reports,
    st.one_of(st.binary(max_size=130), st.sampled_from([b"4006381333931", b"x" * 5000])),
    st.sampled_from([b"]E0", b"]Q3", b"\0\0\0", b"???"]),
    shifted=st.booleans(),
)


@st.composite
def _broken(draw: st.DrawFn) -> bytes:
    """Reports of one code, some of them lost or damaged."""
    kept = [report for report in draw(_reports) if draw(st.integers(0, 4))]
    return b"".join(framed(report[: draw(st.sampled_from([64, 64, 64, 63, 3, 0]))]) for report in kept)


DIALECT = Dialect(
    "hidpos",
    {"utf-8": HidPosCodec, "latin-1": lambda: HidPosCodec(encoding="latin-1")},
    st.one_of(
        _reports.map(lambda reports: b"".join(map(framed, reports))),
        _broken(),
        st.binary(max_size=70).map(framed),
        st.just(framed(b"\x02" * 2000)),
    ),
)
