"""What holds for every codec, whatever bytes it is fed and however they are cut."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.codecs.base import Codec
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused
from tests.dialects.dialect import dialects

VARIANTS = {
    f"{dialect.name}, {called}": (make, dialect.fragments)
    for dialect in dialects().values()
    for called, make in dialect.variants.items()
}
every_codec = pytest.mark.parametrize(("make", "fragments"), VARIANTS.values(), ids=VARIANTS)
anything = st.data()

HELD_BYTES = 64 * 1024
"""A generous bound for a codec's whole state, pickled."""


def streams(fragments: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """What the device might send, whole frames and broken ones, with noise between."""
    return st.lists(st.one_of(fragments, fragments, st.binary(max_size=40)), max_size=12).map(b"".join)


def drain(codec: Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings


@every_codec
@given(data=anything)
def test_no_bytes_make_it_raise_and_what_it_refuses_is_named_and_small(
    make: Callable[[], Codec], fragments: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    codec, stream = make(), data.draw(streams(fragments))
    codec.feed(stream)
    codec.gap()
    for reading in drain(codec):
        if isinstance(reading, Refused):
            assert reading.name
            assert reading.detail
            assert len(reading.raw) <= SAMPLE_BYTES
    codec.to_send()


@every_codec
@given(data=anything, cuts=st.lists(st.integers(0, 2000), max_size=20))
def test_how_the_bytes_are_cut_never_shows(
    make: Callable[[], Codec], fragments: st.SearchStrategy[bytes], data: st.DataObject, cuts: list[int]
) -> None:
    whole, cut, stream = make(), make(), data.draw(streams(fragments))
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
@settings(max_examples=20, deadline=None)  # it is about memory, and feeds 200 kB at a time
@given(data=anything)
def test_what_it_holds_once_its_readings_are_taken_is_bounded(
    make: Callable[[], Codec], fragments: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    codec, chunk = make(), data.draw(st.one_of(streams(fragments), st.binary(min_size=1, max_size=100)))
    for _ in range(200_000 // (len(chunk) + 100)):
        codec.feed(chunk)
        drain(codec)
    assert len(pickle.dumps(codec)) < HELD_BYTES


@every_codec
@given(data=anything)
def test_a_second_gap_says_nothing_new_and_a_new_codec_has_nothing_to_say(
    make: Callable[[], Codec], fragments: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    codec, stream = make(), data.draw(streams(fragments))
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
