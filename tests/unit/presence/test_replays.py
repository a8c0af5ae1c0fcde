"""A replayed old report changes nothing: any of the reads heard so far, in any order, any number of times."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.codecs.readings import TagRead
from edge.presence.changes import Standing
from edge.presence.engine import Engine
from edge.presence.rules import S_US, Rules, Smoothing
from tests.unit.presence.tags import BEGUN_US, READER, rules, us

SMALL = Smoothing(ring_reads=4, move_reads=2, witness_reads=1, holdoff_us=5 * S_US, half_life_us=10 * S_US)
EPCS = [bytes([n]) * 12 for n in range(3)]

Heard = list[tuple[int, list[tuple[bytes, int, int | None, int, int]]]]
"""Batches as they are drawn: seconds since the one before; and of each read EPC, antenna, dBm/100, age and count."""
Story = list[tuple[int, list[TagRead]]]
"""Batches of reads and when each came (seconds)."""

reads = st.builds(
    lambda epc, antenna, rssi, back_s, count: (epc, antenna, rssi, back_s, count),
    st.sampled_from(EPCS),
    st.sampled_from([1, 2, 3]),
    st.one_of(st.none(), st.integers(-8000, -3000)),
    st.integers(0, 900),
    st.integers(1, 3),
)
stories = st.lists(st.tuples(st.sampled_from([1, 2, 7, 40, 200, 601, 1300]), st.lists(reads, max_size=12)), max_size=25)


def told_by(story: Heard) -> Story:
    now_s = 0
    told: Story = []
    for step_s, batch in story:
        now_s += step_s
        made = [TagRead(epc, antenna, rssi, us(now_s - back_s), count) for epc, antenna, rssi, back_s, count in batch]
        told.append((now_s, made))
    return told


def hear(engine: Engine, story: Story, alive: random.Random, from_s: int = 0) -> int:
    """Have batches come, the antennas working most of the time between them; give when the last came."""
    before_s = from_s
    for now_s, batch in story:
        if alive.random() < 0.7:
            for second in range(before_s, now_s, 50):
                for antenna in (1, 2, 3):
                    engine.on_antenna(READER, antenna, True, us(second))
        engine.on_tick(us(now_s))
        engine.on_reads(READER, batch, us(now_s))
        before_s = now_s
    return before_s


def standing(engine: Engine) -> list[Standing]:
    return sorted(engine.standings(), key=lambda one: one.epc)


SLOW = replace(rules(SMALL), departed_after_us=600 * S_US)


@settings(max_examples=60, deadline=None)
@given(stories, st.integers(0, 2**32), st.integers(0, 5))
def test_any_replay_at_any_later_time_changes_nothing(story: Heard, seed: int, later_s: int) -> None:
    assert_replays_change_nothing(story, seed, later_s)


@pytest.mark.torture
@settings(max_examples=1500, deadline=None)
@given(stories, st.integers(0, 2**32), st.integers(0, 5))
def test_any_replay_at_any_later_time_changes_nothing_in_thousands_of_stories(
    story: Heard, seed: int, later_s: int
) -> None:
    assert_replays_change_nothing(story, seed, later_s)


def assert_replays_change_nothing(story: Heard, seed: int, later_s: int) -> None:
    dice = random.Random(seed)
    told = told_by(story)
    engine = Engine(SLOW, BEGUN_US)
    now_s = hear(engine, told, dice)
    engine.told(len(engine.waiting))
    before = standing(engine)
    old = [one for _, batch in told for one in batch]
    for _ in range(3):
        dice.shuffle(old)
        engine.on_reads(READER, old[: dice.randrange(len(old) + 1)], us(now_s + later_s))
        assert not engine.waiting
        assert standing(engine) == before


@settings(max_examples=40, deadline=None)
@given(stories, st.integers(0, 2**32))
def test_a_replay_in_between_changes_nothing_of_what_follows(story: Heard, seed: int) -> None:
    assert_what_follows_is_unchanged(story, seed)


@pytest.mark.torture
@settings(max_examples=1000, deadline=None)
@given(stories, st.integers(0, 2**32))
def test_a_replay_in_between_changes_nothing_of_what_follows_in_thousands_of_stories(story: Heard, seed: int) -> None:
    assert_what_follows_is_unchanged(story, seed)


def assert_what_follows_is_unchanged(story: Heard, seed: int) -> None:
    """Two engines hear the same story; one of them hears old reports again after each batch."""
    told = told_by(story)
    plain, plagued = Engine(SLOW, BEGUN_US), Engine(SLOW, BEGUN_US)
    hear(plain, told, random.Random(seed))
    dice, alive = random.Random(seed + 1), random.Random(seed)
    old: list[TagRead] = []
    before_s = 0
    for now_s, batch in told:
        before_s = hear(plagued, [(now_s, batch)], alive, before_s)
        old += batch
        plagued.on_reads(READER, dice.choices(old, k=min(len(old), 20)), us(now_s))
    assert list(plagued.waiting) == list(plain.waiting)
    assert standing(plagued) == standing(plain)


def test_reads_of_one_batch_may_come_in_any_order_for_a_tag_that_stays() -> None:
    dice = random.Random(3)
    batch = [TagRead(EPCS[0], 1, -6000 + n, us(n / 100), 1) for n in range(200)]
    engines = []
    for _ in range(5):
        dice.shuffle(batch)
        engine = Engine(Rules(SLOW.zones), BEGUN_US)
        engine.on_reads(READER, batch, us(3))
        engine.on_reads(READER, [TagRead(EPCS[0], 1, -6000, us(3))], us(3))
        engines.append((engine._tags[EPCS[0]].times, engine._tags[EPCS[0]].rssi))
    assert all(one == engines[0] for one in engines)
