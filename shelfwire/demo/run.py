"""Runs the demo from the first process to the last line of the report."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from protocol.errors import BadInput
from shelfwire.demo.balance import Balance
from shelfwire.demo.brokers import BrokerKind
from shelfwire.demo.chronicle import Chronicle
from shelfwire.demo.clerk import GaveUp
from shelfwire.demo.folder import demo_folder
from shelfwire.demo.ports import NoFreePort
from shelfwire.demo.processes import ProcessDied, Supervisor
from shelfwire.demo.report import as_json
from shelfwire.demo.screen import BoardScreen, PlainScreen
from shelfwire.demo.shop import Shop, ShopPlan
from shelfwire.demo.stocktaking import take_stock
from shelfwire.demo.story import PHASES, Story, Wrong
from shelfwire.demo.tables import as_tables
from shelfwire.demo.waiting import DeadlineMissed
from shelfwire.demo.witnesses import Unreachable

EXPECTED = (DeadlineMissed, ProcessDied, GaveUp, Wrong, Unreachable, NoFreePort, BadInput, OSError, sqlite3.Error)
"""What can go wrong with the store; anything else is the demo's own mistake."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for. `keep` is a folder to leave everything in."""

    headless: bool = False
    minutes: float = 2.0
    json: bool = False
    seed: int = 1
    port: int = 8080
    broker: BrokerKind | None = None
    keep: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it ended; `failure` says why there is no balance, None if there is one."""

    balance: Balance | None
    failure: str | None

    @property
    def good(self) -> bool:
        """Whether the books balance."""
        return self.failure is None and self.balance is not None and self.balance.balanced


class Demo:
    """One demo. Progress goes to `progress`, the report to standard output."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._out = Console(file=sys.stdout, highlight=False)
        self._progress = Console(file=sys.stderr, highlight=False) if options.json else self._out
        self._chronicle = Chronicle(time.monotonic, PHASES)
        self._stopping = asyncio.Event()

    async def run(self) -> int:
        """Run it and report; give the exit code."""
        with demo_folder(self._options.keep) as folder, _logging_to(folder / "demo.log"), self._signals():
            outcome = await self._live(folder)
        if self._options.json:
            print(as_json(outcome.balance, self._chronicle.happenings, outcome.failure))
        return 0 if outcome.good else 1

    async def _live(self, folder: Path) -> Outcome:
        options = self._options
        shop = Shop(ShopPlan(folder, options.port, options.broker))
        if shop.web_port != options.port:
            self._progress.print(f"Port {options.port} is taken; the page is at {shop.page}")
        story = Story(shop, self._chronicle, seed=options.seed, minutes=options.minutes)
        async with shop:
            outcome = await self._day(shop, story)
            self._report(outcome, shop.supervisor)
            if not options.headless and outcome.balance is not None and not self._stopping.is_set():
                await self._stay_up(shop)
        return outcome

    async def _day(self, shop: Shop, story: Story) -> Outcome:
        board = self._progress.is_terminal and not self._options.json
        plain = PlainScreen(self._progress, self._chronicle)
        screen = BoardScreen(self._progress, self._chronicle, shop, story) if board else plain
        async with screen:
            day = asyncio.create_task(_balance_of(shop, story), name="day")
            stopping = asyncio.create_task(self._stopping.wait(), name="stop")
            await asyncio.wait((day, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not day.done():
                day.cancel()
                await asyncio.wait([day])
                return Outcome(None, "stopped before the day was over")
        error = day.exception()
        if error is None:
            return Outcome(day.result(), story.late)
        why = _first(error)
        if isinstance(why, EXPECTED):
            return Outcome(None, f"{type(why).__name__}: {why}")
        raise error

    def _report(self, outcome: Outcome, supervisor: Supervisor) -> None:
        if outcome.balance is not None:
            self._progress.print(as_tables(outcome.balance, self._progress.width))
        if outcome.failure is not None:
            self._progress.print(outcome.failure, style="bold red")
            for process in supervisor.processes:
                if not self._stopping.is_set():
                    self._progress.print(f"\n{process.name}, last lines:\n{process.tail()}", style="dim", markup=False)

    async def _stay_up(self, shop: Shop) -> None:
        await asyncio.gather(*(post.start() for post in shop.posts))
        self._progress.print(f"\nThe shop stays up for you to look at: {shop.page}   Ctrl-C ends it.")
        await self._stopping.wait()
        self._progress.print("Stopping.")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._stopping.set)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)


async def _balance_of(shop: Shop, story: Story) -> Balance:
    await story.run()
    return await take_stock(shop, story.tally, story.clerks, story.decisions)


def _first(error: BaseException) -> BaseException:
    """Give the first of what went wrong at once."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """Send what this process logs to a file: the terminal is for the story."""
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    try:
        yield
    finally:
        # Connections that were cut may still be complained of when they are collected, and nobody wants to know.
        logging.basicConfig(handlers=[logging.NullHandler()], force=True)
