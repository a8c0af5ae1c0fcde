"""Draws elements that may stand on a label."""

from __future__ import annotations

from hypothesis import strategies as st

from protocol.gs1.ai_table import AIS

GTIN = "09521234543213"
VARIABLE = "99521234543216"
CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


@st.composite
def elements(draw: st.DrawFn) -> dict[str, str]:
    """Draw a GTIN, perhaps its qualifiers, and others: the order is that of a Digital Link."""
    found = {"01": draw(st.sampled_from([GTIN, VARIABLE]))}
    qualifiers = draw(st.sampled_from([(), ("10",), ("22", "21"), ("22", "10", "21"), ("235",)]))
    others = ["240", "241", "243", "7005", "710", "3103", "17"]
    for ai in (*qualifiers, *draw(st.lists(st.sampled_from(others), unique=True))):
        most = AIS[ai].parts[0].most
        found[ai] = {"3103": "001250", "17": "261231"}.get(ai) or draw(st.text(CSET_82, min_size=1, max_size=most))
    return found
