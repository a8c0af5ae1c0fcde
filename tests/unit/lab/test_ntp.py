"""A question of NTP and its answer, byte by byte."""

from __future__ import annotations

import pytest

from tests.lab.ntp import Answer, question, read_answer

MARK = 0x0123_4567_89AB_CDEF
TEN_AND_A_HALF = (2_208_988_800 + 10).to_bytes(4, "big") + b"\x80\0\0\0"


def answer(first: int = 0x24, stratum: int = 10, mark: int = MARK) -> bytes:
    return bytes([first, stratum]) + bytes(22) + mark.to_bytes(8, "big") + bytes(8) + TEN_AND_A_HALF


def test_a_question_is_a_client_s_of_version_4_with_the_mark_at_its_end() -> None:
    assert question(MARK) == b"\x23" + bytes(39) + MARK.to_bytes(8, "big")


def test_an_answer_is_read() -> None:
    told = read_answer(answer(), MARK)
    assert told == Answer(leap=0, stratum=10, sent_s=10.5)
    assert told.usable


@pytest.mark.parametrize(("first", "stratum"), [(0xE4, 10), (0x24, 0), (0x24, 16)])
def test_no_time_is_taken_from_who_does_not_know_it(first: int, stratum: int) -> None:
    assert not read_answer(answer(first, stratum), MARK).usable


@pytest.mark.parametrize("data", [b"", answer()[:47], answer(first=0x23), answer(mark=MARK + 1)])
def test_what_is_no_answer_to_it_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no"):
        read_answer(data, MARK)
