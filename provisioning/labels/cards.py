"""Sheets of command cards, to be printed, cut and laminated.

A card has its title and what it does, in one or two languages, its Code 128, and below that its text. One whose bars
are wider than a card takes the two places of a row; one wider than that, by its long names, a QR code, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from protocol.cards import (
    AgainCard,
    AnswerCard,
    Card,
    CheckCard,
    EndCard,
    Mode,
    ModeCard,
    PriceCard,
    SkipCard,
    SkipReason,
    UndoCard,
    card_text,
)
from protocol.code128 import code128
from provisioning.labels.pages import Pages, fits
from provisioning.labels.stock import CARDS, Box
from provisioning.labels.wording import NEEDS_CAMERA, CardWords, Languages, words_of

QUANTITIES: Final = (2, 3, 4, 5, 6, 8, 10, 12, 20, 24, 48, 100)
"""Of which a store prints cards if it asks for no others."""

_EDGE: Final = 1.0
_GAP: Final = 6.0


@dataclass(frozen=True, slots=True)
class PrintedCard:
    """A card, and the name of what is on it as the shop calls it, if that is another than the card's."""

    card: Card
    name: str = ""


def everyday_cards() -> list[PrintedCard]:
    """Give the cards that every store has: all modes, and what takes back and completes."""
    cards: list[Card] = [ModeCard(mode) for mode in Mode]
    cards += [PriceCard(), UndoCard(), AgainCard(), EndCard()]
    return [PrintedCard(card) for card in cards]


def check_cards() -> list[PrintedCard]:
    """Give the cards of the hand-over check, for whoever mounts stations."""
    cards: list[Card] = [CheckCard(), AnswerCard(True), AnswerCard(False)]
    cards += [SkipCard(why) for why in SkipReason]
    return [PrintedCard(card) for card in (*cards, EndCard())]


def card_sheets(
    store: str, cards: Sequence[PrintedCard], languages: Languages, paper: str, *, compress: bool = True
) -> bytes:
    """Print cards of a store on "a4" or "letter", as PDF. Raises `BadInput` ("bad-card") for one that cannot be."""
    stock = CARDS[paper]
    pages = Pages("Command cards", stock.page, compress=compress)
    texts = [card_text(each.card) for each in cards]
    wide = [fits(code128(text), stock.label[0] - 2 * _EDGE) is None for text in texts]
    number = 0
    for each, text, is_wide in sorted(zip(cards, texts, wide, strict=True), key=lambda card: card[2]):
        number += number % 2 if is_wide else 0
        if number == stock.a_page:
            pages.next_page()
            number = 0
        if number == 0:
            pages.crop_marks(stock)
        box = stock.box(number)
        if is_wide:
            box = Box(box.left, box.top, 2 * box.width, box.height)
        _card(pages, box, store, each, text, languages)
        number += 2 if is_wide else 1
    return pages.finish()


def _card(pages: Pages, box: Box, store: str, printed: PrintedCard, text: str, languages: Languages) -> None:
    words = words_of(printed.card, printed.name)
    barcode = code128(text)
    module = fits(barcode, box.width - 2 * _EDGE)
    if module is None:
        _square_card(pages, box, store, words, text, languages)
        return
    inner = box.inside(4)
    titles = words.title.lines(languages)
    share = (inner.width - _GAP * (len(titles) - 1)) / len(titles)
    x, y = inner.left, inner.top + 5
    for number, title in enumerate(titles):
        x += _GAP + pages.text((x, y), title, 17, share, bold=number == 0)
    foot = pages.paragraph((inner.left, y), words.does.lines(languages), 9, inner.width)
    bottom = box.top + box.height - 7
    pages.bars(barcode, Box(box.left, foot + 2.5, box.width, bottom - foot - 2.5), module)
    _foot(pages, Box(inner.left, 0, inner.width, box.top + box.height - 3), text, store)


def _square_card(pages: Pages, box: Box, store: str, words: CardWords, text: str, languages: Languages) -> None:
    square = Box(box.left + 2, box.top + 2, box.height - 4, box.height - 4)
    pages.squares(text, square)
    left = square.left + square.width + 2
    width = box.left + box.width - left - 4
    y = pages.paragraph((left, box.top + 4), words.title.lines(languages), 17, width, bold=True)
    y = pages.paragraph((left, y), words.does.lines(languages), 9, width)
    pages.paragraph((left, y + 2), NEEDS_CAMERA.lines(languages), 8, width)
    _foot(pages, Box(left, 0, width, box.top + box.height - 4), text, store)


def _foot(pages: Pages, line: Box, text: str, store: str) -> None:
    y = line.top + line.height
    used = pages.text((line.left, y), text, 7.5, line.width * 0.75)
    pages.text((line.left + used + 4, y), store, 7.5, line.width - used - 4, grey=True)
