"""What holds for every codec, whatever bytes it is fed and however they are cut."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.codecs.base import Codec
from edge.codecs.keyboard_wedge import KeyboardWedgeCodec
from edge.codecs.layouts import DE, FR, US
from edge.codecs.mt8217 import Mt8217Codec, Unit
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused
from edge.codecs.serial_scanner import SerialScannerCodec, Suffix
from tests.unit.edge_codecs import keys

CODECS: dict[str, Callable[[], Codec]] = {
    "serial scanner, CR": SerialScannerCodec,
    "serial scanner, LF": lambda: SerialScannerCodec(Suffix.LF, encoding="latin-1"),
    "serial scanner, CR LF, prefix, ACK": lambda: SerialScannerCodec(Suffix.CRLF, prefix=b"%", ack=True),
    "serial scanner, Tab": lambda: SerialScannerCodec(Suffix.TAB, aim=False),
    "wedge, us": lambda: KeyboardWedgeCodec(US),
    "wedge, de": lambda: KeyboardWedgeCodec(DE, idle_ends=False),
    "wedge, fr": lambda: KeyboardWedgeCodec(FR, caps_lock=True),
    "8217, kg": Mt8217Codec,
    "8217, lb, repeating": lambda: Mt8217Codec(Unit.LB, all_clear_repeats=True),
    "8217, g": lambda: Mt8217Codec(Unit.G),
}
every_codec = pytest.mark.parametrize("make", CODECS.values(), ids=CODECS)

HELD_BYTES = 64 * 1024
"""A generous bound for a codec's whole state, pickled."""

_event = st.builds(
    keys.record,
    st.sampled_from([keys.SYN, keys.KEY, keys.KEY, keys.KEY, keys.MSC, 17]),
    st.one_of(st.integers(0, 127), st.sampled_from([28, 29, 42, 56, 58, 96, 100]), st.integers(0, 0xFFFF)),
    st.sampled_from([0, 1, 1, 2, -1]),
)
_dialect = st.one_of(
    st.binary(max_size=40),
    st.text("0123456789?.N ]EC@ABDP%\r\n\t\x02\x1d\x00", max_size=30).map(str.encode),
    st.lists(_event, max_size=12).map(b"".join),
    st.sampled_from([b"4006381333931\r\n", b"\x0201.250\r", b"\x02?A\r", keys.LOST, keys.press(28), b"x" * 5000]),
)
STREAMS = st.lists(_dialect, max_size=12).map(b"".join)


def drain(codec: Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings


@every_codec
@given(stream=STREAMS)
def test_no_bytes_make_it_raise_and_what_it_refuses_is_named_and_small(
    make: Callable[[], Codec], stream: bytes
) -> None:
    codec = make()
    codec.feed(stream)
    codec.gap()
    for reading in drain(codec):
        if isinstance(reading, Refused):
            assert reading.name
            assert reading.detail
            assert len(reading.raw) <= SAMPLE_BYTES
    codec.to_send()


@every_codec
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_how_the_bytes_are_cut_never_shows(make: Callable[[], Codec], stream: bytes, cuts: list[int]) -> None:
    whole, cut = make(), make()
    whole.feed(stream)
    edges = [0, *sorted(min(at, len(stream)) for at in cuts), len(stream)]
    readings: list[Reading] = []
    for start, end in pairwise(edges):
        cut.feed(stream[start:end])
        readings += drain(cut)
    assert readings == drain(whole)
    assert cut.to_send() == whole.to_send()
    whole.gap()
    cut.gap()
    assert drain(cut) == drain(whole)


@every_codec
@settings(max_examples=20)
@given(chunk=st.one_of(STREAMS, st.binary(min_size=1, max_size=100)))
def test_what_it_holds_once_its_readings_are_taken_is_bounded(make: Callable[[], Codec], chunk: bytes) -> None:
    codec = make()
    for _ in range(200_000 // (len(chunk) + 100)):
        codec.feed(chunk)
        drain(codec)
    assert len(pickle.dumps(codec)) < HELD_BYTES


@every_codec
@given(stream=STREAMS)
def test_a_second_gap_says_nothing_new_and_a_new_codec_has_nothing_to_say(
    make: Callable[[], Codec], stream: bytes
) -> None:
    codec = make()
    codec.gap()
    assert drain(codec) == []
    assert codec.to_send() == b""
    codec.feed(stream)
    codec.gap()
    drain(codec)
    codec.to_send()
    codec.gap()
    assert drain(codec) == []
    assert codec.to_send() == b""
