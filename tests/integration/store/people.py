"""People who scan all the time, what they were told, and what a station's log must hold because of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from protocol.cards import UndoCard, card_text
from protocol.events import Delta, Reversal, StationEntry
from protocol.identity import EntryId
from tests.integration.store.station_process import StationProcess

UNDO = card_text(UndoCard())
PAUSE_S = 0.05
"""Between an answer and the next scan: people are slower, but the test need not be."""
ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Act:
    """One thing held under the scanner. `answer`: True accepted, False refused, None nobody said."""

    text: str
    answer: bool | None


class Person:
    """Scans what is offered, never the same twice running, and takes back one accepted scan in ten if `undoes`."""

    def __init__(self, station: StationProcess, codes: Sequence[str], seed: int, *, undoes: bool = False) -> None:
        self.station = station
        self.acts: list[Act] = []
        self.scanning = asyncio.Event()
        """Set while something was held under the scanner and nobody has answered."""
        self._codes = codes
        self._random = random.Random(seed)
        self._undoes = undoes

    @property
    def accepted(self) -> int:
        """How many were accepted: so many entries the log must hold at least."""
        return sum(act.answer is True for act in self.acts)

    async def scan(self, text: str) -> bool | None:
        """Hold one thing under the scanner."""
        withdrawn = self.station.scanner.withdrawn
        self.scanning.set()
        answer = await self.station.scanner.scan(text, timeout_s=ANSWER_S)
        self.scanning.clear()
        if self.station.scanner.withdrawn == withdrawn:
            self.acts.append(Act(text, answer))
        return answer

    async def work(self, until: asyncio.Event) -> None:
        """Scan until it is time to stop, finishing the scan at hand."""
        text = ""
        while not until.is_set():
            text = self._random.choice([code for code in self._codes if code != text])
            if await self.scan(text) and self._undoes and self._random.random() < 0.1:
                await self.scan(UNDO)
            await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def at_work(people: Iterable[Person]) -> AsyncIterator[None]:
    """Have people scan while the context lasts."""
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(person.work(done), name=f"person at {person.station.name}")
        yield
        done.set()


def durable(acts: Sequence[Act], entries: Sequence[tuple[EntryId, StationEntry]]) -> dict[EntryId, Delta]:
    """Hold a log against what its person was told; give the movements that stand, undone ones left out.

    Every accepted act must be there, in its order and once; a refused one must not; one that nobody answered may be
    there or not. Nothing else may be there. Raises `AssertionError`.
    """
    moves = [(where, entry) for where, entry in entries if isinstance(entry, Delta | Reversal)]
    reached = {0}
    for number, act in enumerate(acts):
        there = {at + 1 for at in reached if at < len(moves) and _is(act.text, moves, at)}
        before, reached = reached, {True: there, False: reached, None: reached | there}[act.answer]
        assert reached, f"act {number}, {act}, is not in the log after {max(before)} of {len(moves)} movements"
    assert len(moves) in reached, f"the log holds {len(moves)} movements, of which only {max(reached)} were made"
    standing: dict[EntryId, Delta] = {}
    for where, entry in moves:
        if isinstance(entry, Delta):
            standing[where] = entry
        else:
            target = next(one for one in standing if (str(one.epoch), one.seq) == (entry.epoch, entry.seq))
            del standing[target]
    return standing


def _is(text: str, moves: Sequence[tuple[EntryId, StationEntry]], at: int) -> bool:
    """Say whether the movement at `at` is what scanning `text` makes."""
    _, entry = moves[at]
    if text != UNDO:
        return isinstance(entry, Delta) and entry.code == text
    before, _ = moves[at - 1]
    return isinstance(entry, Reversal) and (entry.epoch, entry.seq) == (str(before.epoch), before.seq)
