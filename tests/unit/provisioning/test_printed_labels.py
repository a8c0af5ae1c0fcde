"""Labels of places and stations, and the fleet sheet: on every stock each code is read back, within its label."""

from __future__ import annotations

import pytest

from protocol.cards import PlaceCard, card_text, parse_card
from protocol.errors import BadInput
from protocol.identity import PlaceId
from protocol.invitation import Invitation, read_invitation, rows, write_invitation
from provisioning.errors import ListWrong
from provisioning.labels.fleet_sheet import Invited, fleet_sheet
from provisioning.labels.lists import read_places, read_plus, read_stations
from provisioning.labels.places import PlaceLabel, StationLabel, device_text, place_labels, station_labels
from provisioning.labels.stock import FLEET, LABELS
from provisioning.labels.wording import Languages
from tests.unit.provisioning.printed import Page, barcodes, pages_of, squares

PLACES = ["a", "shelf-3", "stockroom", "x" * 63, "rack-1-b"]
IDENTITIES = [f"st-abcdefghij2{letter}4" for letter in "abcdefghijklmnopqrstuvw"]


def codes(pages: list[Page]) -> list[str]:
    return [each.text for page in pages for each in barcodes(page)] + [
        text for page in pages for text, _ in squares(page)
    ]


@pytest.mark.parametrize("stock", LABELS)
def test_labels_of_places_are_read_back_from_every_stock(stock: str) -> None:
    labels = [PlaceLabel(name, "shelf", "front") for name in PLACES]
    pages = pages_of(place_labels("oak-street", labels, Languages.BOTH, stock, compress=False))
    assert sorted(codes(pages)) == sorted(card_text(PlaceCard(PlaceId(name))) for name in PLACES)
    for page in pages:
        assert all(each.module >= 0.33 for each in barcodes(page))
        assert all(module >= 0.5 for _, module in squares(page))


@pytest.mark.parametrize("stock", LABELS)
def test_nothing_is_printed_across_the_edge_of_a_label(stock: str) -> None:
    sheet = LABELS[stock]
    labels = [PlaceLabel(name) for name in PLACES]
    for page in pages_of(place_labels("oak-street", labels, Languages.BOTH, stock, compress=False)):
        for left, bottom, width, height in page.rectangles:
            top = sheet.page[1] - bottom - height
            boxes = [sheet.box(number) for number in range(sheet.a_page)]
            assert any(
                box.left <= left
                and left + width <= box.left + box.width
                and box.top <= top
                and top + height <= box.top + box.height
                for box in boxes
            )


def test_labels_used_up_are_skipped() -> None:
    sheet = LABELS["avery-l7160"]
    labels = [PlaceLabel(name) for name in PLACES]
    first, second = pages_of(place_labels("s", labels, Languages.EN, sheet.name, 18, compress=False))
    assert len(codes([first])) == 3
    assert len(codes([second])) == 2
    seventh_row = sheet.page[1] - sheet.box(18).top
    assert max(bottom + height for _, bottom, _, height in first.rectangles) <= seventh_row


@pytest.mark.parametrize("stock", LABELS)
def test_labels_of_stations_are_read_back_and_are_no_card_a_station_obeys(stock: str) -> None:
    labels = [StationLabel(identity, f"till-{number}") for number, identity in enumerate(IDENTITIES)]
    pages = pages_of(station_labels("oak-street", labels, Languages.BOTH, stock, compress=False))
    found = codes(pages)
    assert sorted(found) == sorted(device_text("oak-street", identity) for identity in IDENTITIES)
    for text in found:
        with pytest.raises(BadInput, match="bad-card"):
            parse_card(text)
    printed = [text for page in pages for text in page.texts]
    assert {"till-0", "till-22", *IDENTITIES} <= set(printed)


@pytest.mark.parametrize("paper", FLEET)
@pytest.mark.parametrize("languages", Languages)
def test_a_fleet_sheet_has_each_invitation_as_a_qr_code_and_in_four_rows(paper: str, languages: Languages) -> None:
    invited = [
        Invited(
            f"till-{number}",
            "shop, sale",
            "by <b>the</b> door\u202e\x1b",
            f"st-abcdefghij2{number:02d}".replace("0", "z").replace("1", "y"),
            write_invitation(Invitation("10.0.0.5", 8443, bytes(range(16)), bytes([number] * 8))),
            1_795_000_000_000_000,
        )
        for number in range(11)
    ]
    pages = pages_of(fleet_sheet("oak-street", invited, languages, paper, compress=False))
    assert len(pages) == 2
    assert sorted(codes(pages)) == sorted(each.digits for each in invited)
    printed = [text for page in pages for text in page.texts]
    typed = "".join(text for text in printed if len(text) == 4 and text.isdigit())
    assert [typed[at : at + 80] for at in range(0, len(typed), 80)] == [each.digits for each in invited]
    assert read_invitation(typed[:80]).token == bytes(8)
    assert rows(typed[:80])[0] == typed[:20]
    text = "".join(printed)
    assert all(each.isprintable() for each in printed)
    assert ("Good until 2026-11-18 11:06 UTC" in text) == (languages is not Languages.ZH)
    assert ("有效期至" in text) == (languages is not Languages.EN)
    assert "by <b>the</b> door\u2039U+202E\u203a\u2039U+001B\u203a" in printed


def test_the_digits_are_not_in_what_a_log_would_show() -> None:
    invited = Invited("till-1", "", "", "st-abcdefghij234", "1" * 80, 0)
    assert "1" * 10 not in repr(invited)


def test_places_are_taken_from_the_list_of_the_shop_floor() -> None:
    listed = b"place,kind,parent,item\nfront,area,,\nrack-1,shelf,front,\nrack-1,,,tea\nloan,virtual,,\nold,gone,,\n"
    assert read_places(listed) == [PlaceLabel("front", "area"), PlaceLabel("rack-1", "shelf")]


def test_lists_tell_every_line_that_is_wrong() -> None:
    with pytest.raises(ListWrong) as wrong:
        read_stations(b"identity;position\nst-1;till-1\nst-abcdefghij234;Till 2\n")
    assert [each.line for each in wrong.value.wrong] == [2, 3]
    assert wrong.value.wrong[1].suggestion == "did you mean till-2?"
    with pytest.raises(ListWrong):
        read_plus(b"plu,name\n0,tea\n")
    assert read_plus("plu,name\n4011,香蕉\n".encode()) == [(4011, "香蕉")]
