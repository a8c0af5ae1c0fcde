"""What a reader tells of a card: which kind it is, and its number or why there is none."""

from __future__ import annotations

import pytest

from edge.codecs.hid_reports import framed
from edge.codecs.pcsc import PcscCodec, standard_of
from edge.codecs.readings import CardTap, Reading, Refused
from shelfwire.simulators.card import Card, icode, ntag, storage_atr, with_check, with_contacts
from tests.unit.edge_codecs.taking import take

UID = bytes.fromhex("04112233445566")
LABEL = bytes.fromhex("E004010012345678")


def read(card: Card) -> Reading:
    (reading,) = take(PcscCodec(), framed(bytes([len(card.atr)]) + card.atr + card.answer))
    return reading


def refused(card: Card) -> str:
    reading = read(card)
    assert isinstance(reading, Refused)
    return reading.name


def test_an_ntag_has_seven_bytes_and_says_what_it_is() -> None:
    atr = bytes.fromhex("3B 8F 80 01 80 4F 0C A0 00 00 03 06 03 00 03 00 00 00 00 68")
    assert ntag(UID).atr == atr
    assert read(ntag(UID)) == CardTap(UID, "ISO 14443A", atr)


def test_a_label_has_the_same_number_on_readers_that_send_it_backwards() -> None:
    assert read(icode(LABEL)) == read(icode(LABEL[::-1])) == CardTap(LABEL, "ISO 15693", icode(b"").atr)


def test_other_cards_are_not_turned_round() -> None:
    card = ntag(bytes.fromhex("041122334455E0"))
    reading = read(card)
    assert isinstance(reading, CardTap)
    assert reading.uid == bytes.fromhex("041122334455E0")


@pytest.mark.parametrize(
    ("standard", "name"),
    [(0x01, "ISO 14443A"), (0x06, "ISO 14443B"), (0x0A, "ISO 15693"), (0x11, "FeliCa"), (0x00, ""), (0x40, "")],
)
def test_the_standard_is_in_the_atr(standard: int, name: str) -> None:
    assert standard_of(storage_atr(standard, 0x0001)) == name


def test_a_card_that_is_a_computer_has_its_own_atr() -> None:
    desfire = with_check(bytes.fromhex("3B 81 80 01 80"))
    assert desfire == bytes.fromhex("3B 81 80 01 80 80")
    assert standard_of(desfire) == "ISO 14443-4"


@pytest.mark.parametrize("atr", [b"", b"\x3b", b"\x3b\x80\x80\x01", with_contacts().atr, storage_atr(3, 3)[:12]])
def test_an_atr_that_does_not_tell_says_nothing_or_the_little_it_can(atr: bytes) -> None:
    assert standard_of(atr) in ("", "ISO 14443-4")


def test_a_card_without_a_number_is_refused_and_why() -> None:
    assert refused(Card(ntag(UID).atr, b"")) == "unread"
    assert refused(with_contacts()) == "no-uid"
    assert refused(ntag(b"\x01\x02\x03")) == "bad-uid"
    assert refused(ntag(bytes(11))) == "bad-uid"
    assert [one.name for one in take(PcscCodec(), framed(b""), framed(b"\x05ab")) if isinstance(one, Refused)] == [
        "malformed",
        "malformed",
    ]
