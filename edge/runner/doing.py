"""Does what the rules want: their entries to the log, and answer, light and news only once these are durable."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused
from edge.clock import Clock
from edge.runner.answers import Answers
from edge.runner.broadcast import Broadcast
from edge.runner.chatter import ChatterWriter
from edge.runner.sweep_desk import SweepDesk
from edge.station.actions import (
    Accepted,
    Action,
    Answer,
    Commit,
    Idle,
    Log,
    Notice,
    Rejected,
    Ticket,
    Where,
)
from edge.station.happenings import Decided, StationStatus
from edge.station.station import Station
from protocol.events import ShelfCounted, encode_entry
from protocol.identity import Epoch

TURNS = ("mode", "who", "end", "basket-")
"""How what was done is called where it leaves the station in another state."""

_log = logging.getLogger(__name__)


class Doing:
    """One for each runner. `begin` once the stock log is open and the rules have recalled it."""

    def __init__(
        self,
        station: Station,
        stock: StationLog,
        clock: Clock,
        answers: Answers,
        chatter: ChatterWriter,
        broadcast: Broadcast,
        sweeps: SweepDesk,
        status: Callable[[], StationStatus],
        note_standing: Callable[[], None],
    ) -> None:
        """`note_standing` is called when something was decided, before anything of it is done."""
        self._station = station
        self._stock = stock
        self._clock = clock
        self._answers = answers
        self._chatter = chatter
        self._broadcast = broadcast
        self._sweeps = sweeps
        self._status = status
        self._note_standing = note_standing
        self._epoch: Epoch | None = None

    def begin(self) -> None:
        """Take note of the log's epoch."""
        self._epoch = self._stock.view.head.epoch

    async def ask(self, ticket: Ticket, ask: Callable[[], tuple[Action, ...]]) -> None:
        """Ask the rules, and do what they want; whoever holds the ticket is answered whatever happens."""
        head = self._stock.view.head
        if head.epoch != self._epoch:
            self._epoch = head.epoch
            self._station.carried(Where(head.epoch, head.seq), self._stock.view.lineage)
        try:
            actions = ask()
        except Exception as error:  # noqa: BLE001 - a bug of ours; the person must not be left without an answer
            _log.error("scan not decided", exc_info=error)
            actions = (Answer(ticket, Rejected("fault", f"{type(error).__name__}: {error}")),)
        await self.do(actions)

    async def do(self, actions: tuple[Action, ...]) -> None:
        """Do what the rules want, one after the other."""
        self._note_standing()
        for action in actions:
            match action:
                case Commit():
                    await self.do(await self._commit(action))
                case Answer(ticket, outcome):
                    await self._answers.give(ticket, outcome)
                    self._broadcast.tell(Decided(ticket.device, outcome))
                    if isinstance(outcome, Accepted) and outcome.did.startswith(TURNS):
                        self._broadcast.tell(self._status())
                case Notice(device, rejected):
                    await self._answers.refuse(rejected.name)
                    self._broadcast.tell(Decided(device, rejected))
                case Log(entry):
                    self._chatter.say(entry, self._clock.up_us())
                case Idle():
                    self._broadcast.tell(self._status())

    async def tick(self) -> None:
        """Let the rules see the time."""
        await self.do(self._station.on_tick(self._clock.now()))

    async def _commit(self, commit: Commit) -> tuple[Action, ...]:
        entries = commit.entries
        if entries and isinstance(entries[-1], ShelfCounted):
            await self._sweeps.write_waiting()
            entries = (*entries[:-1], self._sweeps.told(entries[-1]))
        try:
            position = await self._stock.append([encode_entry(entry) for entry in entries], commit.notes)
            return self._station.committed(commit, position)
        except LogRefused as error:
            return self._station.not_committed(commit, Rejected(f"log-{error.name}", str(error)))
