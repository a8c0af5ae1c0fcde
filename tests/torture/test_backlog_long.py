"""A week offline, and fifty stations back at once, as the benchmark has them: in order, bounded, nobody waits.

What depends on how fast the machine is, is held to its promise where nobody else used it meanwhile, and told otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench import draining, pushing, returning
from bench.figures import LOADED_ABOVE, Figure
from bench.machine import Others
from bench.store import Station, Store
from bench.workbench import Workbench
from shelfwire.simulators.port import SimulatedPort

pytestmark = [pytest.mark.torture, pytest.mark.needs_mosquitto]

SPEEDS = ("events/s", "s", "ms")


@dataclass(frozen=True, slots=True)
class Shop:
    """A store of processes with one till and its scanner; both hold the catalogue, the till does not run."""

    bench: Workbench
    store: Store
    till: Station
    scanner: SimulatedPort


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Shop]:
    async with SimulatedPort(folder / "scanner") as scanner, Store(folder) as store:
        bench = Workbench(folder)
        till = store.station("till-1", scanner.path)
        await pushing.supply(bench, store, [till])
        await till.process.stop()
        yield Shop(bench, store, till, scanner)


def hold(figures: list[Figure], others: float) -> None:
    """Say all figures, and hold them to their promises."""
    broken: list[str] = []
    for figure in figures:
        limit = "" if figure.limit is None else f" (promised {figure.limit.text})"
        print(f"{figure.what}: {figure.value:,.2f} {figure.unit}{limit}")
        if figure.holds is False and not (others > LOADED_ABOVE and figure.unit in SPEEDS):
            broken.append(figure.what)
    print(f"others used {others:.0%} of the processors")
    assert broken == []


async def test_a_million_events_drain_in_order_in_bounded_memory_while_scans_are_seen_at_once(tmp_path: Path) -> None:
    """Order and content are compared by the chain over the lines at both ends; `measure` raises if they differ.

    All of it is in the books within the minute that is promised.
    """
    async with opened(tmp_path) as shop:
        others = Others()
        figures = await draining.measure(shop.bench, shop.store, shop.till, shop.scanner)
        hold(figures, others.share())


async def test_fifty_stations_return_together_and_another_s_scans_do_not_wait_for_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as shop:
        await shop.till.start()
        others = Others()
        figures = await returning.measure(shop.bench, shop.store, shop.till, shop.scanner, fold=False)
        hold(figures, others.share())
