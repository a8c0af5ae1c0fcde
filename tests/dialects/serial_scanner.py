"""Barcode scanners on a serial port."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.serial_scanner import SerialScannerCodec, Suffix
from tests.dialects.dialect import Dialect

DIALECT = Dialect(
    "serial-scanner",
    {
        "CR": SerialScannerCodec,
        "LF": lambda: SerialScannerCodec(Suffix.LF, encoding="latin-1"),
        "CR LF, prefix, ACK": lambda: SerialScannerCodec(Suffix.CRLF, prefix=b"%", ack=True),
        "Tab": lambda: SerialScannerCodec(Suffix.TAB, aim=False),
    },
    st.one_of(
        st.text("0123456789]EC@ABD%\r\n\t\x1d\x00", max_size=30).map(str.encode),
        st.sampled_from([b"4006381333931\r\n", b"%]E04006381333931\r\n", b"\xff\xfe\r", b"x" * 5000]),
    ),
)
