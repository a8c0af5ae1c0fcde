"""Zebra scanners in Simple Serial Interface."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.ssi import SsiCodec
from edge.codecs.ssi_packets import DECODE_DATA, EVENT, SCANNER, packet
from tests.dialects.dialect import Dialect

_data = st.one_of(
    st.binary(max_size=30),
    st.text("0123456789]EC\r\x1d", max_size=30).map(lambda text: b"\x0b" + text.encode()),
    st.just(b"\x1b" + b"x" * 250),
)
_packet = st.builds(
    lambda opcode, data, status: packet(opcode, data, source=SCANNER, status=status),
    st.sampled_from([DECODE_DATA, DECODE_DATA, DECODE_DATA, EVENT, 0xA4, 0xD0]),
    _data,
    st.sampled_from([0, 0, 1, 2, 3, 0x20]),
)


def _damage(sent: bytes, at: int, bit: int) -> bytes:
    place = at % len(sent)
    return sent[:place] + bytes([sent[place] ^ 1 << bit]) + sent[place + 1 :]


DIALECT = Dialect(
    "ssi",
    {
        "ACK to each packet": SsiCodec,
        "ACK at the end": lambda: SsiCodec(each_packet=False, encoding="latin-1"),
        "no ACK": lambda: SsiCodec(ack=False, aim=False),
    },
    st.one_of(
        _packet,
        _packet.map(lambda sent: sent * 2),
        _packet.map(lambda sent: sent[:-3]),
        st.builds(_damage, _packet, st.integers(0, 300), st.integers(0, 7)),
    ),
)
