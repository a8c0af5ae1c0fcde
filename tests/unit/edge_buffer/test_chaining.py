"""Where a log keeps its digests: often enough to find any quickly, and to know how old everything is."""

from __future__ import annotations

from edge.buffer.api import BLOCK_ENTRIES, HOUR_US
from edge.buffer.chaining import Chaining
from protocol.chain import extend

START = b"s" * 32
NOON_US = 1_750_000_000_000_000


def depths(chain: Chaining) -> list[int]:
    return [checkpoint.depth for checkpoint in chain.checkpoints]


def test_the_first_line_of_a_log_dates_it() -> None:
    chain = Chaining(0, START, 0, None)
    chain.over([b"a", b"b"], NOON_US)
    [checkpoint] = chain.checkpoints
    assert (checkpoint.depth, checkpoint.digest, checkpoint.wall_us) == (1, extend(START, [b"a"]), NOON_US)
    assert (chain.depth, chain.digest) == (2, extend(START, [b"a", b"b"]))


def test_blocks_are_full_whatever_comes_at_once() -> None:
    lines = [b"%d" % n for n in range(5000)]
    for step in (1, 7, 1023, 1024, 1025, 5000):
        chain = Chaining(100, START, 24, NOON_US)
        for at in range(0, 5000, step):
            chain.over(lines[at : at + step], NOON_US)
        assert depths(chain) == [1100 + BLOCK_ENTRIES * n for n in range(4)]
        assert [one.digest for one in chain.checkpoints] == [extend(START, lines[: d - 100]) for d in depths(chain)]
        assert chain.digest == extend(START, lines)


def test_the_first_line_after_an_hour_dates_what_follows() -> None:
    chain = Chaining(100, START, 24, NOON_US)
    chain.over([b"x"] * 10, NOON_US + HOUR_US - 1)
    assert depths(chain) == []
    chain.over([b"x"] * 10, NOON_US + HOUR_US)
    assert depths(chain) == [111]
    chain.over([b"x"] * BLOCK_ENTRIES, NOON_US + HOUR_US + 1)
    assert depths(chain) == [111, 111 + BLOCK_ENTRIES]


def test_so_does_the_first_after_the_clock_was_set_back() -> None:
    chain = Chaining(100, START, 24, NOON_US)
    chain.over([b"x"] * 10, NOON_US - HOUR_US)
    chain.over([b"x"] * 10, NOON_US - HOUR_US)
    assert depths(chain) == [101]
