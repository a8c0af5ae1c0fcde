"""Command cards on paper: every code can be read, in its place, and names do no harm."""

from __future__ import annotations

import pytest

from protocol.cards import (
    Card,
    CountCard,
    Mode,
    ModeCard,
    PlaceCard,
    PluCard,
    ShipmentCard,
    ShipmentEnd,
    WhoCard,
    card_text,
)
from protocol.identity import PlaceId, StoreId
from provisioning.labels.cards import PrintedCard, card_sheets, check_cards, everyday_cards
from provisioning.labels.inert import inert
from provisioning.labels.stock import CARDS
from provisioning.labels.wording import Languages, words_of
from tests.unit.provisioning.printed import POINTS_A_MM, barcodes, pages_of, squares

OTHERS: list[Card] = [
    CountCard("autumn-26", PlaceId("shelf-3"), 1),
    PlaceCard(PlaceId("stockroom")),
    WhoCard("anna"),
    PluCard(4011),
    ModeCard(Mode.RECEIVE, "PO-17"),
    PlaceCard(PlaceId("x" * 63)),
    ShipmentCard("TR-17", ShipmentEnd(StoreId("oak-street"), PlaceId("shop")), ShipmentEnd(StoreId("high-street"))),
]
ALL = everyday_cards() + check_cards() + [PrintedCard(card) for card in OTHERS]
HOSTILE = [
    "\x1b[31mred\x07\x00",
    "<script>alert(1)</script>",
    "'; DROP TABLE items; --",
    "../../etc/passwd",
    "tea\u202egnp.exe",
    ") Tj ET Q /JS (app.alert) BT (",
    "e" + "\u0301" * 50,
    "a\r\nb\u2028c",
    "\ud800 lone",
    "x" * 65_536,
    "مرحبا 🍌 한글",
]


@pytest.mark.parametrize("paper", CARDS)
def test_every_card_is_read_back_from_its_page(paper: str) -> None:
    pages = pages_of(card_sheets("oak-street", ALL, Languages.BOTH, paper, compress=False))
    read = [each.text for page in pages for each in barcodes(page)]
    read += [text for page in pages for text, _ in squares(page)]
    assert sorted(read) == sorted(card_text(each.card) for each in ALL)


def test_bars_are_wide_and_high_enough_and_quiet_on_both_sides() -> None:
    stock = CARDS["a4"]
    for page in pages_of(card_sheets("oak-street", ALL, Languages.BOTH, "a4", compress=False)):
        for bars in barcodes(page):
            assert bars.module >= 0.33
            # Whole dots of a printer of 300 dpi.
            assert bars.module / (25.4 / 300) == pytest.approx(round(bars.module / (25.4 / 300)), abs=0.01)
            assert bars.height >= 15
            column = int((bars.left - stock.left) / stock.label[0])
            assert bars.left - 10 * bars.module >= stock.left + column * stock.label[0]
            cut = stock.left + stock.label[0]
            assert bars.right + 10 * bars.module <= cut or column == 1 or bars.left < cut < bars.right
            assert bars.right + 10 * bars.module <= stock.left + 2 * stock.label[0]


def test_a_code_too_long_for_bars_is_a_qr_code_and_says_so() -> None:
    (page,) = pages_of(card_sheets("s", [PrintedCard(OTHERS[5])], Languages.EN, "a4", compress=False))
    assert not barcodes(page)
    assert [text for text, _ in squares(page)] == [card_text(OTHERS[5])]
    assert "Too long for bars: for scanners that read QR codes." in page.texts


@pytest.mark.parametrize("languages", Languages)
def test_the_languages_asked_for_are_printed_and_no_others(languages: Languages) -> None:
    (page,) = pages_of(card_sheets("s", [PrintedCard(ModeCard(Mode.WASTE))], languages, "a4", compress=False))
    text = "".join(page.texts)
    assert ("From now on what is scanned is written off." in text) == (languages is not Languages.ZH)
    assert ("从现在起，扫描的商品报损出库。" in text) == (languages is not Languages.EN)  # noqa: RUF001 - a Chinese comma


@pytest.mark.parametrize("each", ALL, ids=lambda each: card_text(each.card)[:20])
def test_every_card_has_words_in_both_languages(each: PrintedCard) -> None:
    words = words_of(each.card)
    for wording in (words.title, words.does):
        assert wording.en
        assert wording.zh
        # All of it can be printed as it is.
        assert (inert(wording.en), inert(wording.zh)) == (wording.en, wording.zh)
    assert any("\u4e00" <= character <= "\u9fff" for character in words.does.zh)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_a_hostile_name_is_printed_as_inert_text(name: str) -> None:
    made = card_sheets(
        "s", [PrintedCard(PluCard(1), name), PrintedCard(PluCard(2))], Languages.BOTH, "a4", compress=False
    )
    (page,) = pages_of(made)
    assert sorted(each.text for each in barcodes(page)) == ["SW1:PLU:1", "SW1:PLU:2"]
    assert all(text.isprintable() for text in page.texts)
    assert not any(character in "".join(page.texts) for character in "\u202e\u2028\u0301")
    assert b"/JS" not in made.replace(b"/JS \\(app", b"")
    assert b"/URI" not in made
    assert len(made) < 40_000
    # It is one line that ends inside its card.
    assert not any(left > CARDS["a4"].page[0] for left, _, _, _ in page.rectangles)


def test_what_is_too_long_is_cut_and_seen_to_be() -> None:
    assert inert("x" * 65_536, 20) == "x" * 20 + "… (65536 characters)"
    (page,) = pages_of(card_sheets("s", [PrintedCard(PluCard(1), "W" * 500)], Languages.EN, "a4", compress=False))
    title = page.texts[0]
    assert title.endswith("…")
    assert 10 < len(title) < 100


def test_what_no_font_has_is_printed_as_its_number() -> None:
    assert inert("a\u202eb") == "a\u2039U+202E\u203ab"
    assert inert("Müller 安娜 Łódź €5") == "Müller 安娜 \u2039U+0141\u203aódź €5".replace("ź", "\u2039U+017A\u203a")
    assert inert("e\u0301") == "é"


def test_the_same_cards_make_the_same_bytes() -> None:
    assert card_sheets("s", ALL, Languages.BOTH, "a4") == card_sheets("s", ALL, Languages.BOTH, "a4")


def test_cards_are_cut_along_marks_at_every_corner() -> None:
    made = card_sheets("s", everyday_cards(), Languages.EN, "a4", compress=False).decode("latin-1")
    stock = CARDS["a4"]
    for x in (stock.left, stock.left + stock.label[0], stock.left + 2 * stock.label[0]):
        # reportlab writes numbers with as many places as they need.
        assert f"{x * POINTS_A_MM:.4f}".rstrip("0")[:7] in made
