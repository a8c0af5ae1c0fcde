"""Command cards: what is printed is read back, and nothing like a card is ever taken for goods."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import cards
from protocol.cards import (
    MAX_CARD_QUANTITY,
    AgainCard,
    Card,
    CountCard,
    EndCard,
    Mode,
    ModeCard,
    PlaceCard,
    PluCard,
    PriceCard,
    QuantityCard,
    ShipmentCard,
    ShipmentEnd,
    SkipCard,
    SkipReason,
    UndoCard,
    WhoCard,
    card_text,
    parse_card,
)
from protocol.check_characters import check_characters
from protocol.errors import BadInput
from protocol.identity import PlaceId, StoreId


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("SW1:MODE:COUNT", ModeCard(Mode.COUNT)),
        ("SW1:MODE:PRICE-CHECK", ModeCard(Mode.PRICE_CHECK)),
        ("SW1:MODE:RECEIVE:PO-17/2", ModeCard(Mode.RECEIVE, "PO-17/2")),
        ("SW1:QTY:12", QuantityCard(12)),
        ("SW1:PLACE:STOCKROOM:RZ", PlaceCard(PlaceId("stockroom"))),
        ("SW1:PRICE", PriceCard()),
        ("SW1:UNDO", UndoCard()),
        ("SW1:AGAIN", AgainCard()),
        ("SW1:END", EndCard()),
        ("SW1:COUNT:AUTUMN-26:SHELF-3:1:TN", CountCard("autumn-26", PlaceId("shelf-3"), 1)),
        ("SW1:WHO:ANNA:6F", WhoCard("anna")),
        (
            "SW1:SHIPMENT:TR-17:OAK-STREET/SHOP:HIGH-STREET:O6",
            ShipmentCard(
                "TR-17", ShipmentEnd(StoreId("oak-street"), PlaceId("shop")), ShipmentEnd(StoreId("high-street"))
            ),
        ),
        ("SW1:PLU:4011", PluCard(4011)),
        ("SW1:SKIP", SkipCard()),
        ("SW1:SKIP:NOTHING-TO-TRY", SkipCard(SkipReason.NOTHING_TO_TRY)),
    ],
)
def test_a_printed_card_means_this(text: str, card: Card) -> None:
    assert parse_card(text) == card
    assert card_text(card) == text


@pytest.mark.parametrize(
    "text",
    ["", "4006381333931", "0104006381333931", "https://id.gs1.org/01/04006381333931", "SW", "SWEETS", "sweets"],
)
def test_a_code_of_goods_is_no_card(text: str) -> None:
    assert parse_card(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "SW1:",
        "SW1:UNDO:",
        "SW1:undo",
        "sw1:undo",
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
        "SW1:AGAIN:1",
        "SW1:PRICE:",
        "SW1:PLACE:STOCKROOM",
        "SW1:PLACE:STOCKROOM:RY",
        "SW1:PLACE:STOCKROO:RZ",
        "SW1:PLACE:STOCKRMOO:RZ",
        "SW1:PLACE:stockroom:RZ",
        "SW1:PLACE::01",
        "SW1:PLACE:-A:" + check_characters("-A"),
        "SW2:UNDO",
    ],
)
def test_a_damaged_or_newer_card_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_card(text)
    assert caught.value.name == "bad-card"


@pytest.mark.parametrize(
    "card",
    [
        QuantityCard(0),
        QuantityCard(MAX_CARD_QUANTITY + 1),
        ModeCard(Mode.RECEIVE, "po:1"),
        PlaceCard(PlaceId("a b")),
        PlaceCard(PlaceId("-a")),
    ],
)
def test_what_could_not_be_read_back_is_not_printed(card: Card) -> None:
    with pytest.raises(BadInput):
        card_text(card)


def test_the_check_characters_are_those_of_the_standard() -> None:
    """ISO/IEC 7064, the example of its section on recursive calculation."""
    assert check_characters("ISO79") == "3W"


@given(st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True), st.data())
def test_a_place_card_with_a_character_wrong_or_two_exchanged_is_refused(place: str, data: st.DataObject) -> None:
    text = card_text(PlaceCard(PlaceId(place)))
    assert parse_card(text) == PlaceCard(PlaceId(place))
    begin = len("SW1:PLACE:")
    at = data.draw(st.integers(begin, len(text) - 1))
    wrong = text[:at] + data.draw(st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")) + text[at + 1 :]
    exchanged = text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :]
    for damaged in (wrong, exchanged):
        if damaged != text:
            with pytest.raises(BadInput):
                parse_card(damaged)


@given(st.text(max_size=60) | st.text(max_size=40).map(lambda tail: f"SW1:{tail}"))
def test_any_text_is_a_card_that_prints_as_itself_or_no_card_or_refused(text: str) -> None:
    try:
        card = parse_card(text)
    except BadInput:
        assert text.startswith("SW")
        return
    if card is not None:
        assert card_text(card) == text


NAMES = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
CHECKED = st.one_of(
    st.builds(CountCard, NAMES, NAMES.map(PlaceId), st.integers(1, 9)),
    st.builds(WhoCard, NAMES),
    st.builds(
        ShipmentCard,
        st.from_regex(r"[A-Z0-9][A-Z0-9./_-]{0,12}", fullmatch=True),
        st.builds(ShipmentEnd, st.just(StoreId("oak")), st.none() | NAMES.map(PlaceId)),
        st.builds(ShipmentEnd, st.just(StoreId("high-street")), st.none() | NAMES.map(PlaceId)),
    ),
)


@given(CHECKED, st.data())
def test_a_card_with_a_letter_or_digit_of_its_names_wrong_is_refused(card: Card, data: st.DataObject) -> None:
    text = card_text(card)
    assert parse_card(text) == card
    first = text.index(":", 4) + 1
    where = data.draw(st.sampled_from([at for at in range(first, len(text)) if text[at].isalnum()]))
    wrong = data.draw(st.sampled_from([c for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ" if c != text[where]]))
    with pytest.raises(BadInput, match="bad-card"):
        parse_card(text[:where] + wrong + text[where + 1 :])


def test_the_cards_that_the_docs_show_are_cards() -> None:
    shown = (Path(__file__).parents[3] / "docs" / "station.md").read_text() + (cards.__doc__ or "")
    found = re.findall(r"(?<=[ `])SW1:[A-Z0-9:/-]+", shown)
    assert len(found) > 20
    for text in found:
        parse_card(text)
