"""SIGKILL of stations, brokers and hub at random moments: nothing lost, nothing doubled, stock exact.

Every part is a process of its own, mosquitto is real, and the stations' scanners wait for ACK. A scan that was answered
with ACK must be in the books, once; one that nobody answered may be, and the station's log says whether it is.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from protocol.events import Delta, Reason, Reversal, When, encode_entry
from protocol.identity import EntryId, Epoch, StationId
from shelfwire.demo.processes import Process
from tests.integration.store.people import UNDO, Act, Person, at_work, durable
from tests.integration.store.shop import CODES, Shop, tally, tally_of
from tests.integration.store.station_process import SCANNER, StationProcess
from tests.integration.store.witness import Witness

ROUNDS = 30
BACKLOG_ROUNDS = 4
BACKLOG = 20_000
LONGEST_WAIT_FOR_DEATH_S = 0.5
LONGEST_INSTANT_S = 0.004
"""About as long as a scan takes from the scanner to its ACK."""
LONGEST_DEATH_S = 0.3


@pytest.fixture
def dice() -> random.Random:
    """Random moments, the same again with SHELFWIRE_SEED; what the machine makes of them is not."""
    seed = int(os.environ.get("SHELFWIRE_SEED") or secrets.randbits(32))
    print(f"SHELFWIRE_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till-1": "sale", "till-2": "return", "bay": "receive"}) as shop:
        await shop.open()
        yield shop


@pytest.mark.needs_mosquitto
async def test_nothing_is_lost_or_doubled_whoever_dies_whenever(shop: Shop, dice: random.Random) -> None:
    people = [
        Person(station, list(CODES), dice.getrandbits(32), undoes=station.name != "bay")
        for station in shop.stations.values()
    ]
    mortals = [shop.hub.process, shop.broker, shop.hq_broker, *(p.station.process for p in people)]
    async with at_work(people):
        for round_number, first in enumerate(doomed(mortals, dice), 1):
            others = [mortal for mortal in mortals if mortal is not first]
            victims = [first, *dice.sample(others, k=dice.choice([0, 0, 1, 2]))]
            began_s = time.monotonic()
            await strike(shop, victims, dice, people)
            await shop.until_up()
            await until_what_was_accepted_is_booked(shop, people)
            names = ", ".join(victim.name for victim in victims)
            print(f"round {round_number}: {names}; all well after {time.monotonic() - began_s:.1f} s")
    await expect_exact_books(shop, people)


@pytest.mark.needs_mosquitto
async def test_a_backlog_leaves_the_station_once_whoever_dies_meanwhile(shop: Shop, dice: random.Random) -> None:
    station = shop.stations["bay"]
    mortals = [shop.hub.process, shop.broker, station.process]
    expected: Counter[str] = Counter()
    async with Witness(shop.broker_port) as witness:
        for round_number in range(1, BACKLOG_ROUNDS + 1):
            await station.process.kill()
            expected += await fill(station, dice)
            drained_from = (await shop.hub.stations())[station.station].seq or 0
            began_s = time.monotonic()
            await shop.start(station.process)
            victims = dice.sample(mortals, k=dice.choice([1, 2, 3]))
            strikes_after = drained_from + dice.randrange(BACKLOG)
            acked = await witness.acked_beyond(station.station, strikes_after, 30) - drained_from
            await strike(shop, victims, dice)
            await shop.until_up()
            await shop.until_caught_up([station])
            names = ", ".join(victim.name for victim in victims)
            print(f"round {round_number}: {names} at {acked}; all well after {time.monotonic() - began_s:.1f} s")
    await station.process.stop()
    log = await station.log()
    moves = {where: entry for where, entry in log.entries if isinstance(entry, Delta)}
    assert len(moves) == BACKLOG * BACKLOG_ROUNDS
    assert tally(moves.values()) == expected
    await expect_as_logged(shop, station, len(log.lines), len(moves))
    await shop.until_stock(expected)


def doomed(mortals: Sequence[Process], dice: random.Random) -> list[Process]:
    """Say who is to die first in each round: everyone about equally often, in random order."""
    each = [mortals[number % len(mortals)] for number in range(ROUNDS)]
    dice.shuffle(each)
    return each


A, B = Act("A", True), Act("B", True)


@pytest.mark.parametrize(
    ("acts", "log", "is_right"),
    [
        ([A, B], "AB", True),
        ([A, B], "A", False),
        ([A, B], "BA", False),
        ([A, B], "AAB", False),
        ([A, B], "ABA", False),
        ([A, Act("B", None)], "A", True),
        ([A, Act("B", None), A], "ABA", True),
        ([A, Act("B", None), A], "AB", False),
        ([A, Act("B", False)], "A", True),
        ([A, Act("B", False)], "AB", False),
        ([A, Act(UNDO, True)], "Au", True),
        ([A, Act(UNDO, True)], "A", False),
        ([A, Act(UNDO, None), B], "AuB", True),
        ([A, B, Act(UNDO, True)], "AuB", False),
    ],
)
def test_a_log_is_held_against_what_people_were_told(acts: list[Act], log: str, is_right: bool) -> None:
    epoch, when = Epoch(1, 1), When("0123456789ab", 1, 1, synced=True)
    entries = [
        (
            EntryId(StationId("till-1"), epoch, seq),
            Reversal(when, SCANNER, str(epoch), seq - 1)
            if what == "u"
            else Delta(when, SCANNER, what, None, -1000, Reason.SALE, "shop"),
        )
        for seq, what in enumerate(log, 1)
    ]
    if is_right:
        assert len(durable(acts, entries)) == len(log) - 2 * log.count("u")
    else:
        with pytest.raises(AssertionError):
            durable(acts, entries)


async def strike(shop: Shop, victims: Sequence[Process], dice: random.Random, people: Sequence[Person] = ()) -> None:
    """Kill some and start them again after a while of their own; at once, or each at a moment of its own.

    With `people` at work; and whoever's station dies has just held something under the scanner.
    """
    at_the_till = {person.station.process: person for person in people}

    async def one(victim: Process, dies_s: float, instant_s: float, dead_s: float) -> None:
        if people:
            await asyncio.sleep(dies_s)
        if victim in at_the_till:
            await at_the_till[victim].scanning.wait()
            await asyncio.sleep(instant_s)
        await victim.kill()
        await asyncio.sleep(dead_s)
        await shop.start(victim)

    async with asyncio.TaskGroup() as group:
        for victim in victims:
            moments = (LONGEST_WAIT_FOR_DEATH_S, LONGEST_INSTANT_S, LONGEST_DEATH_S)
            group.create_task(one(victim, *(dice.uniform(0, longest_s) for longest_s in moments)))


async def until_what_was_accepted_is_booked(shop: Shop, people: Sequence[Person]) -> None:
    """Wait until the hub has booked at least as many movements as each person knows of now. They scan on meanwhile."""
    known = {person.station.station: person.accepted for person in people}

    async def booked() -> str | None:
        rows = await shop.hub.stations()
        there = {station: rows[station].movements if station in rows else 0 for station in known}
        return None if all(there[station] >= known[station] for station in known) else f"{there} of {known}"

    await shop.until("what was accepted to be booked", booked)


async def expect_exact_books(shop: Shop, people: Sequence[Person]) -> None:
    """Compare what people were told, what the stations' logs hold, the hub's books and HQ's twin of them."""
    await shop.until_caught_up()
    for person in people:
        await person.station.process.stop()
    expected = await tally_of(people)
    for person in people:
        log = await person.station.log()
        moves = sum(isinstance(entry, Delta | Reversal) for _, entry in log.entries)
        refused = [act for act in person.acts if act.answer is False]
        unanswered = sum(act.answer is None for act in person.acts)
        print(f"{person.station.name}: {person.accepted} accepted, {unanswered} unanswered, {moves} in the log")
        assert not refused
        assert person.accepted > 0
        # Deaths are no reason for a new epoch, and nobody's copy of a log was anything but its beginning.
        assert len(log.view.lineage) == 1
        await expect_as_logged(shop, person.station, len(log.lines), moves)
    await shop.until_stock(expected)
    assert await shop.hub.quarantine() == []
    assert (await shop.hub.losses()).rows == []
    assert await shop.hub.contested() == {}
    figures = shop.hq.figures
    assert (figures.unreadable, figures.forks, figures.losses) == (0, 0, 0)


async def expect_as_logged(shop: Shop, station: StationProcess, entries: int, movements: int) -> None:
    """Wait until the hub has exactly the entries of a station's log; more would be doubled ones."""

    async def same() -> str | None:
        row = (await shop.hub.stations())[station.station]
        told = (row.committed, row.folded, row.movements)
        return None if told == (entries, entries, movements) else f"(committed, folded, movements) {told}"

    await shop.until(f"{station.name}'s {entries} entries, {movements} movements, at the hub", same)


async def fill(station: StationProcess, dice: random.Random) -> Counter[str]:
    """Have a stopped station's log hold a backlog, as days without its hub would; give what it moves."""
    boot, wall_us = f"{dice.getrandbits(48):012x}", time.time_ns() // 1000
    moves = [
        Delta(When(boot, n * 1000, wall_us + n * 1000, synced=True), SCANNER, code, None, 1000, Reason.RECEIPT, "shop")
        for n, code in enumerate(dice.choices(list(CODES), k=BACKLOG), 1)
    ]
    async with station.stopped_log() as log:
        for at in range(0, BACKLOG, 1000):
            await log.append([encode_entry(move) for move in moves[at : at + 1000]])
    return tally(moves)
