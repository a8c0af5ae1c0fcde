"""Cards as a PC/SC reader tells of them."""

from __future__ import annotations

from hypothesis import strategies as st

from edge.codecs.hid_reports import framed
from edge.codecs.pcsc import PcscCodec
from shelfwire.simulators.card import icode, ntag, with_contacts
from tests.dialects.dialect import Dialect

_cards = st.one_of(
    st.builds(ntag, st.binary(max_size=12)), st.builds(icode, st.binary(max_size=12)), st.just(with_contacts())
)

DIALECT = Dialect(
    "pcsc",
    {"as it comes": PcscCodec},
    st.one_of(
        _cards.map(lambda card: framed(bytes([len(card.atr)]) + card.atr + card.answer)),
        st.binary(max_size=40).map(framed),
    ),
)
