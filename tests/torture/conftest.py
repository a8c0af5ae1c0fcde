"""Tells what the fuzzing did, and writes the page of a run that was whole."""

from __future__ import annotations

import datetime as dt
import platform
from pathlib import Path

import pytest

from tests.torture.fuzzer import Figures

PAGE = Path(__file__).parents[2] / "docs" / "torture.md"
FIGURES = pytest.StashKey[dict[str, list[Figures]]]()


@pytest.fixture(scope="session")
def fuzzed(request: pytest.FixtureRequest) -> dict[str, list[Figures]]:
    """Where a long run leaves its figures, by the codec's name and variant."""
    return request.config.stash.setdefault(FIGURES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash.get(FIGURES, {})
    if not figures:
        return
    from tests.torture.test_codecs_fuzzed import BATCHES, SHARES, VARIANTS

    rows = [_row(name, runs) for name, runs in sorted(figures.items())]
    terminalreporter.section("fuzzed")
    for row in rows:
        terminalreporter.write_line(row)
    whole = set(figures) == set(VARIANTS) and all(len(runs) == BATCHES * SHARES for runs in figures.values())
    if whole and not terminalreporter.stats.get("failed"):
        PAGE.write_text(_page(rows), "utf-8")
        terminalreporter.write_line(f"written to {PAGE}")


def _row(name: str, runs: list[Figures]) -> str:
    inputs, seconds = sum(run.inputs for run in runs), sum(run.seconds for run in runs)
    largest = max(run.largest_bytes for run in runs)
    escaped = name.replace("|", r"\|")
    megabytes = sum(run.bytes for run in runs) / 1e6
    return (
        f"| {escaped} | {inputs:,} | {megabytes:.0f} | {sum(run.readings for run in runs):,} | "
        f"{sum(run.refused for run in runs):,} | {largest:,} | {inputs / seconds:,.0f} | {seconds:.0f} |"
    )


def _page(rows: list[str]) -> str:
    day = dt.datetime.now(dt.UTC).date()
    table = "\n".join(rows)
    return f"""# Torture

What `make torture` did on {day}, written by the run itself (tests/torture/), on {platform.machine()} with Python
{platform.python_version()}. Each codec was fed a million broken inputs, in equal parts in each way it can be set, made
out of what its device sends: cut, spliced, repeated, with bits flipped and bytes put in. No input made it raise, hang,
hold more than 64 KiB, give anything but a reading or a refusal by name, or give more readings than it was fed bytes.
The seeds are fixed: a run on the same code repeats it, and a failure prints its seed and the bytes.

`inputs/s` is what one process did while as many ran as there are processors; `s` is their time together.

| codec, variant | inputs | MB | readings | of them refused | most held, bytes | inputs/s | s |
|---|--:|--:|--:|--:|--:|--:|--:|
{table}
"""
