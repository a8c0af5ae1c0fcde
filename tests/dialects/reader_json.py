"""RFID readers that tell their reads as JSON."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.reader_json import ReaderJsonCodec
from shelfwire.simulators.rfid_json import impinj, impinj_antenna, impinj_status, zebra_fx, zebra_rfd
from tests.dialects.dialect import Dialect

_epc = st.binary(max_size=40)
_line = st.one_of(
    st.builds(impinj, _epc, st.integers(-1, 300), st.integers(-30_000, 9000), as_base64=st.booleans()),
    st.builds(impinj_antenna, st.integers(0, 9), st.booleans()),
    st.builds(zebra_fx, _epc, st.one_of(st.none(), st.integers(0, 9)), st.integers(-300, 99), st.integers(-1, 9)),
    st.lists(_epc, max_size=3).map(lambda epcs: zebra_rfd(*epcs)),
    st.integers(1, 20_000).map(lambda deep: b"[" * deep + b"\n"),
    st.integers(1, 5000).map(lambda deep: b'{"data":{"tagData":' + b"[" * deep + b"\n"),
    st.integers(1, 3000).map(lambda deep: b'{"data":{"tagData":[' * deep + b"\n"),
    st.integers(48_000, 60_000).map(lambda long: b'"' + b"x" * long),
    st.sampled_from(
        [
            impinj_status(),
            b"\n",
            b"[]\n",
            b"null\n",
            b'{"data":{"idHex":"zz","antenna":"1","peakRssi":"-4e9"}}\n',
            b'{"timestamp":"2021-02-30T25:61:61Z","data":{"idHex":"00","antenna":1e0,"peakRssi":NaN}}\n',
            b'{"tagInventoryEvent":{"epc":"====","antennaPort":1}}\n',
            b"\xff\xfe{}\n",
        ]
    ),
)

DIALECT = Dialect(
    "reader-json",
    {"any": ReaderJsonCodec},
    st.one_of(_line, _line, st.builds(lambda line, cut: line[:cut], _line, st.integers(0, 200))),
)
