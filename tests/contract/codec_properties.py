"""What holds for every codec, as properties to be tried on as many streams as there is time for."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.codecs.base import Codec
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused
from tests.dialects.dialect import dialects

HELD_BYTES = 64 * 1024
"""A generous bound for a codec's whole state, pickled."""


@dataclass(frozen=True)
class Variant:
    """One way to set a codec, of `siblings`; `fragments` are pieces of what the device sends."""

    make: Callable[[], Codec]
    fragments: st.SearchStrategy[bytes]
    siblings: int


VARIANTS = {
    f"{dialect.name}, {called}": Variant(make, dialect.fragments, len(dialect.variants))
    for dialect in dialects().values()
    for called, make in dialect.variants.items()
}
every_codec = pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)


def check_refusals(variant: Variant, examples: int) -> None:
    """No bytes make it raise, and what it refuses is named and small."""

    @settings(max_examples=examples)
    @given(_streams(variant))
    def check(stream: bytes) -> None:
        codec = variant.make()
        codec.feed(stream)
        codec.gap()
        for reading in _drain(codec):
            if isinstance(reading, Refused):
                assert reading.name
                assert reading.detail
                assert len(reading.raw) <= SAMPLE_BYTES
        codec.to_send()

    check()


def check_cuts(variant: Variant, examples: int) -> None:
    """How the bytes are cut never shows."""

    @settings(max_examples=examples)
    @given(_streams(variant), st.lists(st.integers(0, 2000), max_size=20))
    def check(stream: bytes, cuts: list[int]) -> None:
        whole, cut = variant.make(), variant.make()
        whole.feed(stream)
        edges = [0, *sorted(min(at, len(stream)) for at in cuts), len(stream)]
        readings: list[Reading] = []
        for start, end in pairwise(edges):
            cut.feed(stream[start:end])
            readings += _drain(cut)
        assert readings == _drain(whole)
        assert cut.to_send() == whole.to_send()
        whole.gap()
        cut.gap()
        assert _drain(cut) == _drain(whole)

    check()


def check_size(variant: Variant, examples: int) -> None:
    """What it holds once its readings are taken is bounded, whatever is repeated to it 200 kB long."""

    @settings(max_examples=examples, deadline=None)  # it is about memory
    @given(st.one_of(_streams(variant), st.binary(min_size=1, max_size=100)))
    def check(chunk: bytes) -> None:
        codec = variant.make()
        for _ in range(200_000 // (len(chunk) + 100)):
            codec.feed(chunk)
            _drain(codec)
        assert len(pickle.dumps(codec)) < HELD_BYTES

    check()


def check_gaps(variant: Variant, examples: int) -> None:
    """A second gap says nothing new, and a new codec has nothing to say."""

    @settings(max_examples=examples)
    @given(_streams(variant))
    def check(stream: bytes) -> None:
        codec = variant.make()
        codec.gap()
        assert _drain(codec) == []
        assert codec.to_send() == b""
        codec.feed(stream)
        codec.gap()
        _drain(codec)
        codec.to_send()
        codec.gap()
        assert _drain(codec) == []
        assert codec.to_send() == b""

    check()


def _streams(variant: Variant) -> st.SearchStrategy[bytes]:
    """What the device might send, whole frames and broken ones, with noise between."""
    pieces = variant.fragments
    return st.lists(st.one_of(pieces, pieces, st.binary(max_size=40)), max_size=12).map(b"".join)


def _drain(codec: Codec) -> list[Reading]:
    readings: list[Reading] = []
    while (reading := codec.next_reading()) is not None:
        readings.append(reading)
    return readings
