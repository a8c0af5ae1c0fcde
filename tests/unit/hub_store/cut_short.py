"""Backups, restores and rebuilds that are cut short: killed at every file they touch, killed at any time, and by power.

python -m tests.unit.hub_store.cut_short FOLDER WHAT EVERY TIMERS CUTS

Each is done in a child of this process, which never starts a thread itself. `EVERY` leaves out all but each n-th event,
`TIMERS` is how many are killed by a clock as well, `CUTS` under how many the power is cut, on a disk that forgets what
was not synced. Prints one JSON object: what was found after each.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hub.store.backing_up import check_file
from hub.store.manifest import backups_in, sha256_of
from hub.store.restoring import compare, rebuild
from hub.store.store import HubStore
from tests.stand_ins.forgetful.client import ForgetfulDisk
from tests.stand_ins.forgetful.disk import Keep
from tests.unit.hub_store.kept import Kept, decide, tell_all
from tests.unit.hub_store.shop import STORE, TEA, assert_books_agree, on_hand

EVENTS = ("open", "os.rename", "os.remove", "sqlite3.connect", "shutil.copyfile")
DEADLINE_S = 60
FINISHED, OLD, NEW, BROKEN = 0, 10, 11, 12


async def prepare(folder: Path) -> int:
    """Make a hub that was killed: it holds 7000 of tea, 3000 of them on its medium, and its log beside the file."""
    (folder / "first").mkdir()
    kept = Kept(folder / "first")
    async with kept.open() as (store, archive):
        await decide(store, 1000)
        kept.back_up("b.db", archive)
        await decide(store, 2000)
        await tell_all(archive)
        await decide(store, 4000)
        shutil.copytree(folder / "first", folder / "template")
    assert (folder / "template" / "data" / "hub.db-wal").stat().st_size
    return FINISHED


async def falsify(folder: Path) -> int:
    """Make the books of the template say something else than its logs."""
    kept = Kept(folder / "template", new=False)
    async with HubStore(kept.path, STORE, kept.clock):
        pass
    kept.sql("UPDATE scope SET shrink_milli = 5 WHERE item = ?", TEA)
    return FINISHED


def do(what: str, kept: Kept) -> int:
    """Do what is to be killed."""
    match what:
        case "backup":
            kept.back_up("c.db")
        case "restore":
            asyncio.run(kept.restore(kept.medium / "b.db"))
        case "rebuild":
            asyncio.run(rebuild(kept.place, lambda _: None))
    return FINISHED


def found(what: str, kept: Kept) -> int:
    """Say what is there afterwards. Raises whatever is wrong with it."""
    left = asyncio.run(stock(kept.path, kept, right=False))
    assert left in (3000, 7000)
    assert not list(kept.path.parent.glob("*-being-made*"))
    match what:
        case "backup":
            backups = backups_in(kept.medium, STORE)
            for backup in backups:
                check_file(backup.path)
                assert sha256_of(backup.path) == backup.manifest.sha256
            assert asyncio.run(stock(kept.path, kept)) == 7000
            return NEW if len(backups) == 2 else OLD
        case "restore":
            now = asyncio.run(stock(kept.path, kept))
            aside = [path for path in kept.path.parent.glob("hub.db-before-*") if not path.name.endswith("-wal")]
            if now == 3000:
                assert asyncio.run(stock(aside[0], kept)) == 7000
            return {7000: OLD, 3000: NEW}[now]
        case _:
            assert asyncio.run(stock(kept.path, kept, right=False)) == 7000
            return OLD if compare(kept.place, 0) else NEW


async def stock(path: Path, kept: Kept, *, right: bool = True) -> int:
    """Open a file as a hub does; give the tea it holds."""
    async with HubStore(path, STORE, kept.clock) as store:
        if right:
            await assert_books_agree(store)
        return (await on_hand(store))[TEA]


def in_child(job: Callable[[], int]) -> int:
    """Run a job in a child; give its exit code, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        code = BROKEN
        try:
            code = job()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(number: int, what: str, kept: Kept) -> int:
    """Do it, dying at the event of that number."""
    seen = 0

    def count(event: str, _: object) -> None:
        nonlocal seen
        if event in EVENTS:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    do(what, kept)
    return FINISHED


def killed_after(delay_s: float, what: str, kept: Kept) -> int:
    """Do it, dying after a time."""
    signal.setitimer(signal.ITIMER_REAL, delay_s)
    do(what, kept)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return FINISHED


def round_of(folder: Path, what: str, job: Callable[[Kept], int]) -> tuple[int, int]:
    """Do one, on a copy of the template; give how it ended and what was found."""
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(folder / "template", work)
    kept = Kept(work, new=False)
    ended = in_child(lambda: job(kept))
    seen = in_child(lambda: found(what, kept))
    if ended == FINISHED and seen != NEW:
        seen = BROKEN
    if seen == OLD:
        # Nothing that was left behind is in the way of the next attempt.
        again = in_child(lambda: do(what, kept))
        after = in_child(lambda: found(what, kept))
        seen = OLD if (again, after) == (FINISHED, NEW) else BROKEN
    return ended, seen


def powerless(folder: Path, what: str, cuts: int) -> Counter[int]:
    """Cut the power at so many random changes to the disk; count what is found on what is left."""
    seen: Counter[int] = Counter()
    rng, copy = random.Random(12), folder / "left"
    with ForgetfulDisk(folder / "disk") as disk:
        kept = Kept(disk.folder, new=False)
        changes: int | None = None
        for number in range(cuts + 1):
            disk.load(folder / "template")
            disk.arm(None if changes is None else rng.randrange(changes))
            ended = in_child(lambda: do(what, kept))
            cut = disk.cut()
            if changes is None:
                assert ended == FINISHED
                changes = cut.changes
            shutil.rmtree(copy, ignore_errors=True)
            disk.revive(rng.choice(list(Keep)), number, copy)
            after = in_child(lambda: found(what, Kept(copy, new=False)))
            # What was done when the power went must be there.
            seen[BROKEN if ended == FINISHED and after != NEW else after] += 1
    return seen


def main(folder: Path, what: str, every: int, timers: int, cuts: int) -> None:
    """Cut it short everywhere."""
    in_child(lambda: asyncio.run(prepare(folder)))
    if what == "rebuild":
        in_child(lambda: asyncio.run(falsify(folder)))
    seen: Counter[int] = Counter()
    number, ended, began_s = 1, -signal.SIGKILL, time.monotonic()
    while ended != FINISHED:
        ended, after = round_of(folder, what, lambda kept, n=number: killed_at(n, what, kept))  # type: ignore[misc]
        seen[after] += 1
        number += every
    took_s, rng = (time.monotonic() - began_s) / (number / every), random.Random(11)
    for _ in range(timers):
        delay_s = rng.uniform(0.001, took_s)
        _, after = round_of(folder, what, lambda kept, s=delay_s: killed_after(s, what, kept))  # type: ignore[misc]
        seen[after] += 1
    if cuts:
        seen += powerless(folder, what, cuts)
    print(json.dumps({"events": number - every, "old": seen[OLD], "new": seen[NEW], "broken": seen[BROKEN]}))
    assert set(seen) <= {OLD, NEW}, seen


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(int, sys.argv[3:6]))
