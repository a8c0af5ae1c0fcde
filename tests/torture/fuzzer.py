"""Makes broken input for a codec out of what its device sends, many thousands a second and the same for each seed.

Hypothesis finds the small counter-example, at some hundred inputs a second (tests/contract/test_codecs.py); this finds
the rare one. Both draw on a dialect's `fragments`; this one takes a few hundred of them once and then only cuts,
splices, repeats, flips and inserts.
"""

from __future__ import annotations

import math
import pickle
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from edge.codecs.base import Codec
from edge.codecs.readings import SAMPLE_BYTES, Reading, Refused

PIECES = 400
"""How many fragments are drawn to mutate in a long run; drawing takes longer than a few thousand inputs do."""
LONGEST_PIECE_BYTES = 600
"""Longer ones are cut to this: what a codec does with 5000 bytes of one line it does with the lines after it too."""
SHORTEST_RECORD_BYTES = 6
"""A report of a USB scale; what a few pieces have in common below that is chance."""
INPUTS_A_LIFE = 16
"""A codec is fed so many inputs, then a new one is made, so that a failure is told with few inputs."""
LIFE_S = 30.0
"""A codec that takes longer over that many small inputs hangs."""
HELD_BYTES = 64 * 1024
"""What a codec may hold once its readings are taken, pickled; as in tests/contract/test_codecs.py."""

_READINGS: tuple[type, ...] = get_args(Reading)


class Failed(AssertionError):
    """A codec broke its contract; the message has all that is needed to see it again."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run did. `seconds` is the time in all."""

    inputs: int
    bytes: int
    readings: int
    refused: int
    largest_bytes: int
    seconds: float

    @property
    def inputs_per_s(self) -> int:
        return round(self.inputs / self.seconds)


def pieces_of(fragments: st.SearchStrategy[bytes], captured: Sequence[bytes], number: int = PIECES) -> list[bytes]:
    """Draw from the dialect's fragments, the same ones each time, and add as much of what captures hold."""
    found: list[bytes] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
    )
    @given(fragments)
    def gather(piece: bytes) -> None:
        found.append(piece)

    gather()
    step = _record_bytes(found)
    longest = max(step, LONGEST_PIECE_BYTES // step * step)
    drawn = [piece[:longest] for piece in found if piece]
    real = [stretch[at : at + longest] for stretch in captured for at in range(0, len(stretch), longest)]
    # As often the one as the other: only what is nearly right gets past a codec's first checks.
    return drawn + real * (len(drawn) // len(real) if real else 0)


def _record_bytes(pieces: Sequence[bytes]) -> int:
    """How long the records are that all pieces are made of; 1 for bytes that come as they like."""
    size = math.gcd(*(len(piece) for piece in pieces))
    return size if size >= SHORTEST_RECORD_BYTES else 1


class Mutator:
    """Endless inputs out of some pieces.

    Where all pieces are whole records of one size, as the kernel hands them out, mostly whole records are put in and
    taken out: one odd byte would make noise of all that comes after it, and nothing else would ever be tried.
    """

    def __init__(self, pieces: Sequence[bytes], seed: int) -> None:
        self._step = _record_bytes(pieces)
        self._pieces = pieces
        self._dice = random.Random(seed)
        self._ways: tuple[Callable[[bytearray], None], ...] = (
            self._flip_bit,
            self._set_byte,
            self._insert,
            self._delete,
            self._repeat,
            self._swap,
            self._splice,
            self._cut,
        )

    def input(self) -> bytes:
        """Give the next one: one to four pieces, with up to four things done to them."""
        dice = self._dice
        made = bytearray()
        for _ in range(dice.choice((1, 1, 2, 4))):
            made += dice.choice(self._pieces)
        for _ in range(dice.choice((0, 1, 1, 2, 4))):
            if made:
                dice.choice(self._ways)(made)
        return bytes(made)

    def parts(self, data: bytes) -> Iterator[bytes]:
        """Cut an input as a link might deliver it: mostly whole, else into a few parts."""
        at, left = 0, self._dice.choice((0, 0, 1, 3))
        while left and at < len(data):
            to = self._dice.randint(at, len(data))
            yield data[at:to]
            at, left = to, left - 1
        yield data[at:]

    def chance(self, one_in: int) -> bool:
        return self._dice.randrange(one_in) == 0

    def _flip_bit(self, made: bytearray) -> None:
        made[self._dice.randrange(len(made))] ^= 1 << self._dice.randrange(8)

    def _set_byte(self, made: bytearray) -> None:
        made[self._dice.randrange(len(made))] = self._dice.choice((0x00, 0xFF, 0x7F, 0x80, self._dice.randrange(256)))

    def _insert(self, made: bytearray) -> None:
        at, step = self._place(made)
        made[at:at] = self._dice.randbytes(self._dice.randint(1, 8) * step)

    def _delete(self, made: bytearray) -> None:
        at, step = self._place(made)
        del made[at : at + self._dice.randint(1, 8) * step]

    def _repeat(self, made: bytearray) -> None:
        at, step = self._place(made)
        made[at:at] = made[at : at + self._dice.randint(1, 16) * step] * self._dice.randint(1, 8)

    def _swap(self, made: bytearray) -> None:
        one, other = self._dice.randrange(len(made)), self._dice.randrange(len(made))
        made[one], made[other] = made[other], made[one]

    def _splice(self, made: bytearray) -> None:
        other = self._dice.choice(self._pieces)
        at, step = self._place(made)
        made[at:] = other[self._dice.randrange(len(other)) // step * step :]

    def _cut(self, made: bytearray) -> None:
        at, _ = self._place(made)
        del made[at:]

    def _place(self, made: bytearray) -> tuple[int, int]:
        """Choose where to cut, and in steps of how many bytes."""
        step = 1 if self._step > 1 and self.chance(64) else self._step
        return self._dice.randrange(len(made)) // step * step, step


def fuzz(make: Callable[[], Codec], pieces: Sequence[bytes], seed: int, inputs: int) -> Figures:
    """Feed a codec `inputs` inputs. Raises `Failed` with the seed, the inputs since the codec was new, and why."""
    mutator = Mutator(pieces, seed)
    size = readings = refused = largest = done = 0
    started = time.monotonic()
    while done < inputs:
        codec, fed = make(), 0
        life: list[bytes] = []
        given_out = 0
        try:
            with _no_longer_than(LIFE_S):
                for _ in range(min(INPUTS_A_LIFE, inputs - done)):
                    life.append(b"")
                    data = mutator.input()
                    life[-1] = data
                    fed += len(data) + 1
                    given = _one_input(codec, data, mutator)
                    given_out += len(given)
                    readings += len(given)
                    refused += sum(isinstance(one, Refused) for one in given)
                assert given_out <= fed, f"{given_out} readings out of {fed} bytes"
                held = len(pickle.dumps(codec))
                largest = max(largest, held)
                assert held < HELD_BYTES, f"holds {held} bytes"
        except Exception as error:
            told = "\n".join(data.hex() for data in life)
            raise Failed(
                f"seed {seed}, input {done + len(life)}: {type(error).__name__}: {error}\n"
                f"fed since the codec was new, one input a line:\n{told}"
            ) from error
        size += fed
        done += len(life)
    return Figures(done, size, readings, refused, largest, time.monotonic() - started)


def _one_input(codec: Codec, data: bytes, mutator: Mutator) -> list[Reading]:
    given: list[Reading] = []
    for part in mutator.parts(data):
        codec.feed(part)
        while (reading := codec.next_reading()) is not None:
            given.append(reading)
    if mutator.chance(4):
        codec.gap()
        while (reading := codec.next_reading()) is not None:
            given.append(reading)
    for one in given:
        assert isinstance(one, _READINGS), f"{one!r} is no reading"
        if isinstance(one, Refused):
            assert one.name, "refused without a name"
            assert one.detail, "refused without saying why"
            assert len(one.raw) <= SAMPLE_BYTES, f"keeps {len(one.raw)} refused bytes"
    answer = codec.to_send()
    assert isinstance(answer, bytes), "sends no bytes"
    assert codec.to_send() == b"", "sends the same twice"
    return given


@contextmanager
def _no_longer_than(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in what hangs. For the main thread."""

    def hang(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"took more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
