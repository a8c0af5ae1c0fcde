"""What is on a screen is told from one that nobody drew on, and from a kernel's console."""

from __future__ import annotations

import pytest

from tests.lab.picture import Picture, read_ppm

WHITE, GREY, BLACK = b"\xff\xff\xff", b"\x80\x80\x80", b"\0\0\0"


def ppm(*rows: bytes) -> bytes:
    return b"P6\n%d %d\n255\n" % (len(rows[0]) // 3, len(rows)) + b"".join(rows)


def test_a_letter_stands_out_from_its_background() -> None:
    picture = read_ppm(ppm(WHITE * 4, WHITE + GREY + BLACK + WHITE, WHITE * 4))
    assert (picture.width, picture.height) == (4, 3)
    assert picture.at(2, 1) == BLACK
    assert picture.background() == (WHITE, 10 / 12)
    assert picture.written_rows() == 1
    assert len(picture.colours()) == 3


def test_nothing_stands_out_where_nobody_drew() -> None:
    empty = read_ppm(ppm(BLACK * 5, BLACK * 5))
    assert (empty.written_rows(), empty.background()[1], len(empty.colours())) == (0, 1.0, 1)


def test_what_changed_is_counted_by_rows() -> None:
    before, after = read_ppm(ppm(WHITE * 2, WHITE * 2)), read_ppm(ppm(WHITE * 2, WHITE + BLACK))
    assert before.changed_rows(after) == 1
    assert before.changed_rows(before) == 0


@pytest.mark.parametrize("data", [b"", b"GIF89a", ppm(WHITE * 2)[:-1], ppm(WHITE * 2) + b"x"])
def test_half_a_picture_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no picture|bytes for"):
        read_ppm(data)


def test_pixels_are_read_whole_even_where_one_looks_like_a_line_end() -> None:
    assert read_ppm(b"P6\n1 1\n255\n\n\n\n") == Picture(1, 1, b"\n\n\n")
