"""`python -m bench`: measures every published figure beside its floor, prints a table and keeps it as JSON."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import (
    appending,
    catalogue,
    decoding,
    draining,
    folding,
    history,
    idling,
    ingesting,
    lookups,
    power,
    presence,
    pushing,
    returning,
    scanning,
    securing,
    tagging,
    wearing,
)
from bench.figures import Figure, Results, from_json, to_json, with_what_is_kept
from bench.machine import Noise, Others, describe
from bench.report import as_page, as_text
from bench.store import Store
from bench.workbench import Workbench
from shelfwire.demo.brokers import find_mosquitto
from shelfwire.simulators.port import SimulatedPort

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
ALONE: dict[str, Callable[[Workbench], Awaitable[list[Figure]]]] = {
    "log": appending.measure,
    "wear": wearing.measure,
    "replica": catalogue.measure,
    "hub": ingesting.measure,
    "fold": folding.measure,
    "tags": tagging.measure,
    "lookups": lookups.measure,
    "presence": presence.measure,
    "decode": decoding.measure,
    "tls": securing.measure,
}
LONG: dict[str, Callable[[Workbench], Awaitable[list[Figure]]]] = {"history": history.measure}
"""Parts that take long, and are measured when they are named."""
STORE = "store"
"""The part that runs real processes."""
BACKLOG = "backlog"
"""Of these only what drains backlogs; in `STORE` already."""
WITH_BROKER = frozenset({STORE, BACKLOG, "tls"})
"""The parts that a mosquitto is needed for."""
POWER = "power"
"""The part that cuts the power under stores, ours and others'."""


class Run:
    """Measures one thing after the other, saying so, and notes what others did on the machine meanwhile."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []
        self.noise = Noise()
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    async def take(self, what: str, measuring: Awaitable[list[Figure]]) -> None:
        """Wait for figures."""
        print(f"[{self.seconds:4.0f} s] {what}", file=sys.stderr, flush=True)
        self.noise.look()
        others = Others()
        taken = await measuring
        share = others.share()
        self.figures += [msgspec.structs.replace(figure, others=share) for figure in taken]


async def measure(bench: Workbench, parts: Sequence[str], cuts: int) -> Results:
    """Measure the parts that are named; each store is cut so many times."""
    run = Run()
    if STORE in parts or BACKLOG in parts:
        await _measure_store(bench, run, whole=STORE in parts)
    for name, alone in (ALONE | LONG).items():
        if name in parts:
            await run.take(name, alone(bench))
    run.noise.look()
    power_cuts = await power.measure(cuts, commit=_commit()) if POWER in parts else None
    return Results(
        at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        seconds=run.seconds,
        quick=bench.quick,
        machine=describe(bench.folder, run.noise.spread),
        figures=tuple(run.figures),
        power=power_cuts,
    )


async def _measure_store(bench: Workbench, run: Run, *, whole: bool) -> None:
    folder = bench.fresh("store")
    async with (
        SimulatedPort(folder / "scanner") as scanner,
        SimulatedPort(folder / "scanner-3") as other_scanner,
        _told(Store(folder)) as store,
    ):
        till, resting, waiting = (
            store.station("till-1", scanner.path),
            store.station("till-2"),
            store.station("till-3", other_scanner.path),
        )
        if whole:
            stations = [till, resting, waiting]
            await run.take("catalogue: import, snapshots, deltas", pushing.measure(bench, store, stations))
            await run.take("station at rest", idling.measure(bench, resting))
            await run.take("one scan at a time", scanning.measure(bench, store, till, scanner))
            await resting.process.stop()
        else:
            await pushing.supply(bench, store, [till, waiting])
        await till.process.stop()
        await run.take("backlog", draining.measure(bench, store, waiting, other_scanner))
        await till.start()
        await run.take("fifty stations return", returning.measure(bench, store, till, scanner))


@asynccontextmanager
async def _told(store: Store) -> AsyncIterator[Store]:
    """Open a store; if something goes wrong in it, say what its processes said last."""
    async with store:
        try:
            yield store
        except Exception:
            for process in store.supervisor.processes:
                print(f"--- {process.name}\n{process.tail()}", file=sys.stderr)
            # If one died, that is why.
            store.supervisor.check()
            raise


def _commit() -> str:
    """Name the commit that is measured, with a plus if files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
        cwd=RESULTS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


def main() -> int:
    """Give the exit code: 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=(STORE, BACKLOG, *ALONE, *LONG, POWER),
        default=(STORE, *ALONE, POWER),
        help="parts to measure",
    )
    parser.add_argument("--quick", action="store_true", help="a hundredth of everything: shows only that it runs")
    parser.add_argument("--cuts", type=int, default=power.CUTS, metavar="N", help="power cuts for each store")
    parser.add_argument("--folder", type=Path, default=None, help="on the disk to measure; default: that of /tmp")
    parser.add_argument(
        "--publish",
        action="store_true",
        help="also keep in published.json, instead of what it had of these parts, and write the page",
    )
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from published.json")
    options = parser.parse_args()
    if options.quick and options.publish:
        parser.error("what --quick measures is too short to publish")
    if options.page:
        PAGE.write_text(as_page(from_json((RESULTS / "published.json").read_bytes())))
        return 0
    if WITH_BROKER & set(options.only) and find_mosquitto() is None:
        options.only = [part for part in options.only if part not in WITH_BROKER]
        print("left out, for mosquitto is not installed: scans, backlog, the catalogue's way, the station at rest, TLS")
    if POWER in options.only and (why := power.why_not()) is not None:
        options.only = [part for part in options.only if part != POWER]
        print(f"left out, for {why}: power cuts")
    cuts = power.QUICK_CUTS if options.quick else options.cuts
    with tempfile.TemporaryDirectory(prefix="shelfwire-bench-", dir=options.folder) as folder:
        results = asyncio.run(measure(Workbench(Path(folder), quick=options.quick), options.only, cuts))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_bytes(to_json(results))
    print(as_text(results))
    missed = [figure for figure in results.figures if figure.holds is False]
    if options.publish:
        published = RESULTS / "published.json"
        whole = with_what_is_kept(results, from_json(published.read_bytes())) if published.exists() else results
        published.write_bytes(to_json(whole))
        PAGE.write_text(as_page(whole))
    if missed:
        print(f"\n{len(missed)} promises not kept")
    if results.power is not None and not results.power.holds:
        print("\na store of ours lost what it had acknowledged, or was not whole")
        return 1
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
