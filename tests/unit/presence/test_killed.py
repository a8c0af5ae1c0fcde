"""A station killed at any moment: no tag that is present arrives again, none that departed comes back, none is lost."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
from pathlib import Path

import pytest

from edge.presence.notes import read_notes
from protocol.events import Presence, TagChange
from tests.unit.presence.world import END_S, changes_in, live, open_log, truth_at_the_end

LINES = 2640
"""Shared by all kills: about so many would be said if each came as late as it may; half of that comes true."""
DEADLINE_S = 60.0

Where = dict[str, tuple[str, bool]]
"""EPC -> the zone, and whether it is present or unknown."""


def follow(changes: list[TagChange]) -> Where:
    """Follow the log from change to change; each must fit what the one before left."""
    where: Where = {}
    for one in changes:
        before = where.get(one.epc)
        match one.change:
            case Presence.ARRIVED:
                assert before is None or not before[1], f"{one.epc} arrives where it is already"
                assert one.from_zone == (None if before is None else before[0])
            case Presence.MOVED:
                assert before == (one.from_zone, True), f"{one.epc} moves from where it is not"
            case Presence.UNKNOWN:
                assert before == (one.zone, True)
            case Presence.DEPARTED:
                assert before is not None, f"{one.epc} departs, which is not here"
                assert before[0] == one.zone
        if one.change is Presence.DEPARTED:
            del where[one.epc]
        else:
            where[one.epc] = (one.zone, one.change is not Presence.UNKNOWN)
    return where


@pytest.mark.parametrize("kills", [5, pytest.param(60, marks=pytest.mark.torture)])
async def test_the_log_tells_each_arrival_once_and_the_truth_at_the_end(tmp_path: Path, kills: int) -> None:
    seed = int(os.environ.get("SHELFWIRE_SEED") or secrets.randbits(32))
    print(f"SHELFWIRE_SEED={seed}")
    dice = random.Random(seed)
    at_s = 0
    kinds: set[Presence] = set()
    for _ in range(kills):
        at_s = await live_and_die(tmp_path, at_s, dice, dice.randrange(2, LINES // kills))
        async with open_log(tmp_path) as log:
            changes = await changes_in(log)
            told, bad = read_notes(log.notes())
            assert not bad
            assert {one.epc.hex().upper(): (one.zone, one.present) for one in told} == follow(changes)
    await live(tmp_path, at_s, END_S)
    async with open_log(tmp_path) as log:
        changes = await changes_in(log)
        kinds = {one.change for one in changes}
        here = follow(changes)
    assert here == {epc.hex().upper(): (zone, True) for epc, zone in truth_at_the_end().items()}
    assert kinds == set(Presence), "the timetable was not harsh enough"


async def live_and_die(folder: Path, start_s: int, dice: random.Random, lines_left: int) -> int:
    """Run a process until it has said so many lines, kill it, and give the time it had got to."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.presence.world",
        str(folder),
        str(start_s),
        str(END_S),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    at_s = start_s
    async with asyncio.timeout(DEADLINE_S):
        async for line in child.stdout:
            word, *rest = line.decode().split() or [""]
            if word == "at" and line.endswith(b"\n"):
                at_s = int(rest[0])
            lines_left -= 1
            if lines_left == 0:
                # Not in step with the child: it goes on for a moment, and dies wherever it is.
                await asyncio.sleep(dice.random() * 0.02)
                child.kill()
        await child.wait()
    return at_s
