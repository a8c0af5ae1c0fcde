"""Every codec takes a million broken inputs, its variants in equal parts; a few thousand in each ordinary run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from edge.captures import read_capture
from edge.codecs.base import Codec
from edge.codecs.readings import Reading, Scan
from tests.dialects.dialect import Dialect, dialects
from tests.torture.fuzzer import PIECES, Failed, Figures, Mutator, fuzz, pieces_of

INPUTS = 1_000_000
BATCHES = 4
"""In batches, since the run ends when one test takes 300 s."""
FEW = 2_000
FEW_PIECES = 80
SHARES = 4
"""Of a batch: so many processors can work at it, and any number does the same."""

CAPTURED: dict[str, list[bytes]] = {}
for file in (Path(__file__).parents[1] / "captures").glob("*/codec.toml"):
    capture = read_capture(file.parent)
    CAPTURED.setdefault(capture.codec, []).extend(capture.stretches)

Variant = tuple[Dialect, Callable[[], Codec]]
VARIANTS: dict[str, Variant] = {
    f"{dialect.name}, {called}": (dialect, make)
    for dialect in dialects().values()
    for called, make in dialect.variants.items()
}
DRAWN: dict[tuple[str, int], list[bytes]] = {}

every_variant = pytest.mark.parametrize("name", VARIANTS)


def run(name: str, seed: int, inputs: int, pieces: int = PIECES) -> Figures:
    dialect, make = VARIANTS[name]
    key = dialect.name, pieces
    if key not in DRAWN:
        DRAWN[key] = pieces_of(dialect.fragments, CAPTURED.get(dialect.name, []), pieces)
    return fuzz(make, DRAWN[key], seed, inputs)


@every_variant
def test_a_few_thousand(name: str) -> None:
    assert run(name, seed=0, inputs=FEW, pieces=FEW_PIECES).inputs == FEW


@pytest.fixture(scope="session")
def workers() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as workers:
        yield workers


def part_of_a_million(name: str) -> int:
    """How many inputs a run of a variant is, so that all runs of all variants of its codec come to a million."""
    dialect, _ = VARIANTS[name]
    return -(-INPUTS // (len(dialect.variants) * BATCHES * SHARES))


@pytest.mark.torture
@pytest.mark.parametrize("batch", range(BATCHES))
@every_variant
def test_a_million(name: str, batch: int, fuzzed: dict[str, list[Figures]], workers: ProcessPoolExecutor) -> None:
    seeds = range(1 + batch * SHARES, 1 + (batch + 1) * SHARES)
    runs = [workers.submit(run, name, seed, part_of_a_million(name)) for seed in seeds]
    fuzzed.setdefault(name, []).extend(one.result() for one in runs)


# The fuzzer itself


class Fragile:
    """A codec with a fault of each kind, each behind a byte."""

    def __init__(self, fault: bytes) -> None:
        self._fault = fault
        self._held = bytearray()
        self._readings: list[Reading] = []

    def feed(self, data: bytes) -> None:
        if self._fault not in data:
            return
        match self._fault:
            case b"r":
                raise KeyError("raised")
            case b"h":
                self._held += bytes(100_000)
            case b"m":
                self._readings += [Scan("x", b"x")] * 100_000
            case b"w":
                while True:
                    pass

    def gap(self) -> None: ...

    def next_reading(self) -> Reading | None:
        return self._readings.pop() if self._readings else None

    def to_send(self) -> bytes:
        return b""


@pytest.mark.parametrize(
    ("fault", "why"),
    [(b"r", "KeyError"), (b"h", "holds"), (b"m", "readings out of"), (b"w", "TimeoutError: took more")],
)
def test_the_fuzzer_finds_what_raises_grows_multiplies_or_hangs(
    fault: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.torture.fuzzer.LIFE_S", 0.5)
    with pytest.raises(Failed, match=why) as caught:
        fuzz(lambda: Fragile(fault), [b"abc", b"defg"], 1, 10_000)
    assert "seed 1, input" in str(caught.value)
    assert any(fault in bytes.fromhex(line) for line in str(caught.value).splitlines()[2:])


def test_the_same_seed_makes_the_same_inputs_and_another_makes_others() -> None:
    one, same, other = (Mutator([b"4006381333931\r", b"\x02?A\r"], seed) for seed in (1, 1, 2))
    inputs = [one.input() for _ in range(200)]
    assert inputs == [same.input() for _ in range(200)]
    assert inputs != [other.input() for _ in range(200)]
    assert len(set(inputs)) > 150
