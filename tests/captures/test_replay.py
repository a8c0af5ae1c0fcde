"""Every capture gives the readings written beside it, however its bytes are cut, and whatever comes after."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.captures import Capture, Row, read_capture, replay
from shelfwire.replay import make_codec
from tests.dialects.dialect import dialects

CAPTURES = {folder.parent.name: read_capture(folder.parent) for folder in Path(__file__).parent.glob("*/codec.toml")}
ROUNDS_AT_RANDOM = 20

every_capture = pytest.mark.parametrize("capture", CAPTURES.values(), ids=list(CAPTURES))


def expected(capture: Capture) -> list[Row]:
    assert capture.expected is not None
    return list(capture.expected)


def test_there_are_captures_of_every_dialect() -> None:
    assert {capture.codec for capture in CAPTURES.values()} == set(dialects())


@every_capture
def test_replayed_whole(capture: Capture) -> None:
    assert list(replay(make_codec(capture), capture.stretches)) == expected(capture)


@every_capture
def test_replayed_byte_by_byte(capture: Capture) -> None:
    readings = replay(make_codec(capture), capture.stretches, lambda stretch: (bytes([byte]) for byte in stretch))
    assert list(readings) == expected(capture)


@pytest.mark.parametrize("seed", range(ROUNDS_AT_RANDOM))
@every_capture
def test_replayed_cut_at_random(capture: Capture, seed: int) -> None:
    chance = random.Random(seed)

    def cut(stretch: bytes) -> Iterator[bytes]:
        while stretch:
            size = chance.randint(1, 40)
            yield stretch[:size]
            stretch = stretch[size:]

    assert list(replay(make_codec(capture), capture.stretches, cut)) == expected(capture)


@pytest.mark.parametrize("seed", range(ROUNDS_AT_RANDOM))
@every_capture
def test_bytes_that_trail_after_it_change_nothing_of_what_came(capture: Capture, seed: int) -> None:
    noise = random.Random(seed).randbytes(50)
    *before, last = capture.stretches
    trailing = list(replay(make_codec(capture), [*before, last + noise]))
    assert trailing[: len(expected(capture))] == expected(capture)
