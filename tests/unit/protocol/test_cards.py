"""Command cards: what is printed is read back, and nothing like a card is ever taken for goods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.cards import (
    MAX_CARD_QUANTITY,
    Card,
    EndCard,
    Mode,
    ModeCard,
    QuantityCard,
    UndoCard,
    card_text,
    parse_card,
)
from protocol.errors import BadInput


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("SW1:MODE:COUNT", ModeCard(Mode.COUNT)),
        ("SW1:MODE:PRICE-CHECK", ModeCard(Mode.PRICE_CHECK)),
        ("SW1:MODE:RECEIVE:PO-17/2", ModeCard(Mode.RECEIVE, "PO-17/2")),
        ("SW1:QTY:12", QuantityCard(12)),
        ("SW1:UNDO", UndoCard()),
        ("SW1:END", EndCard()),
    ],
)
def test_a_printed_card_means_this(text: str, card: Card) -> None:
    assert parse_card(text) == card
    assert card_text(card) == text


@pytest.mark.parametrize(
    "text",
    ["", "4006381333931", "0104006381333931", "https://id.gs1.org/01/04006381333931", "SW", "SWEETS", "sw1:undo"],
)
def test_a_code_of_goods_is_no_card(text: str) -> None:
    assert parse_card(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "SW1:",
        "SW1:UNDO:",
        "SW1:undo",
        "SW1:QTY:0",
        "SW1:QTY:012",
        "SW1:QTY:-1",
        "SW1:QTY:10000",
        "SW1:QTY:\N{ARABIC-INDIC DIGIT ONE}",
        "SW1:MODE:STEAL",
        "SW1:MODE:RECEIVE:",
        "SW1:MODE:RECEIVE:a b",
        "SW1:MODE:COUNT:PO-17",
        "SW1:MODE:RECEIVE:" + "A" * 41,
        "SW1:END\n",
        "SW2:UNDO",
    ],
)
def test_a_damaged_or_newer_card_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_card(text)
    assert caught.value.name == "bad-card"


@pytest.mark.parametrize("card", [QuantityCard(0), QuantityCard(MAX_CARD_QUANTITY + 1), ModeCard(Mode.RECEIVE, "po:1")])
def test_what_could_not_be_read_back_is_not_printed(card: Card) -> None:
    with pytest.raises(BadInput):
        card_text(card)


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda tail: f"SW1:{tail}"))
def test_any_text_is_a_card_that_prints_as_itself_or_no_card_or_refused(text: str) -> None:
    try:
        card = parse_card(text)
    except BadInput:
        assert text.startswith("SW")
        return
    if card is not None:
        assert card_text(card) == text
