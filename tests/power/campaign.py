"""Cuts the power under a store again and again, and counts what it had acknowledged and does not have.

    history   an empty disk | work ... CUT | look | work ... CUT | look | ...
              |               |               |
              the store is    in place of a   a copy of what was left is opened and held against what was said;
              made here       change to the   the next turn goes on from what was left itself, or from the copy
                              disk, picked
                              at random

Sometimes a turn is killed and the next goes on without a cut: then the disk still shows what it would forget.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.power.ordering import Worker
from tests.power.subject import Found
from tests.stand_ins.forgetful.client import ForgetfulDisk
from tests.stand_ins.forgetful.disk import Keep

STORES = {
    "station log": "tests.power.stores.station_log",
    "station catalogue": "tests.power.stores.catalogue",
    "RFID state": "tests.power.stores.tags",
    "hub's database": "tests.power.stores.hub",
}
"""Ours, each with all that it does in life."""
SELDOM = {"hub's file, swapped": "tests.power.stores.swapping"}
"""What happens once in a hub's life, and must not be cut short either."""
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
"""Where copies and what keeps everything lie: syncs there cost nothing and prove nothing."""
FEW, SOME, MANY = 8, 60, 250
"""Up to how many changes to the disk a turn may make before the cut, one of these being picked each time."""
LONGEST_TURN_S = 3.0
"""A turn that changes nothing more on the disk for so long is cut all the same."""
LONGEST_LOOK_S = 60.0
LOOKS = 3
"""A look that comes to no end in time is made again, each time with twice as long; the last one has to."""
KILLS = 0.3
TURNS = (1, 1, 2, 4, 8)
"""How often one disk is cut, one of these being picked each time."""


@dataclass(slots=True)
class Tally:
    """What came of it. After `unreadable` cuts something was wrong with what was left.

    `faults` tell of everything that must not be, each with what it takes to see it again; `late` of looks that came to
    no end in time, which were made again.
    """

    cuts: int = 0
    cuts_that_lost: int = 0
    acknowledged: int = 0
    lost: int = 0
    unreadable: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        late = f"; {len(self.late)} looks made again" if self.late else ""
        return (
            f"{self.cuts} cuts, {self.acknowledged} acknowledged; {self.cuts_that_lost} cuts lost {self.lost} of them;"
            f" {len(self.faults)} faults{late}; {self.seconds:.0f} s"
        )


class Campaign:
    """Cuts under one subject. The same seed picks the same moments, as far as threads let it."""

    def __init__(
        self,
        module: str,
        seed: int,
        *,
        python: Path = Path(sys.executable),
        is_plain: bool = False,
        kills: float = KILLS,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`is_plain`: every cut is of an empty disk's first turn, comes after its first acknowledgement and soon.

        `kills`: the share of cuts, else, before which programs die once and the disk does not. `tell` is told of each
        fault and each late look as soon as there is one.
        """
        self._module = module
        self._seed = seed
        self._python = python
        self._is_plain = is_plain
        self._kills = 0.0 if is_plain else kills
        self._tell = tell

    def run(self, cuts: int, *, seconds: float = float("inf")) -> Tally:
        """Make so many cuts, fewer if they take longer than that."""
        tally = Tally()
        began_s = time.monotonic()
        with (
            tempfile.TemporaryDirectory(prefix="shelfwire-power-", dir=IN_MEMORY) as folder,
            Worker(self._module, self._python) as worker,
            ForgetfulDisk(Path(folder) / "disk") as disk,
        ):
            history = 0
            while tally.cuts < cuts and time.monotonic() - began_s < seconds:
                history += 1
                dice = random.Random(f"{self._seed}/{history}")
                scratch = Path(folder) / f"history-{history}"
                scratch.mkdir()
                turns = 1 if self._is_plain else min(dice.choice(TURNS), cuts - tally.cuts)
                name = f"{self._seed}/{history}"
                told = len(tally.faults), len(tally.late)
                History(worker, disk, scratch, dice, self._is_plain, self._kills, name).run(turns, tally)
                for word in tally.faults[told[0] :] + tally.late[told[1] :]:
                    self._tell(word)
                shutil.rmtree(scratch)
        tally.seconds = time.monotonic() - began_s
        return tally


class History:
    """What happens to one disk."""

    def __init__(
        self,
        worker: Worker,
        disk: ForgetfulDisk,
        scratch: Path,
        dice: random.Random,
        is_plain: bool,
        kills: float,
        name: str,
    ) -> None:
        self._worker = worker
        self._disk = disk
        self._scratch = scratch
        self._dice = dice
        self._is_plain = is_plain
        self._kills = kills
        self._name = name
        self._said: dict[str, int] = {}
        self._lasting = scratch / "lasting"
        self._lasting.mkdir()

    def run(self, turns: int, tally: Tally) -> None:
        """Take so many turns, each ended by a cut."""
        self._disk.load()
        for turn in range(turns):
            was_killed = self._dice.random() < self._kills
            if was_killed:
                self._work(tally, is_cut=False)
            # What is told at the start after a kill has to be durable then, so the cut comes before anything else is.
            self._work(tally, is_soon=was_killed and self._dice.random() < 0.7)
            keep = self._dice.choice(list(Keep))
            copy = self._scratch / f"copy-{turn}"
            self._disk.revive(keep, self._dice.getrandbits(32), copy)
            tally.cuts += 1
            where = f"{self._name} turn {turn + 1}, cut {self._disk.was_cut}, kept {keep}"
            found = self._look(copy, tally, where)
            if found is None or not self._judge(found, tally, where):
                return  # The same loss would be counted at every cut from now on.
            if self._dice.random() < 0.5:
                self._disk.load(copy)

    def _work(self, tally: Tally, *, is_cut: bool = True, is_soon: bool = False) -> None:
        """Let the store work until the power is cut, or until it is killed."""
        most = 1 if is_soon else SOME if self._is_plain else self._dice.choice((FEW, SOME, MANY))
        changes = self._dice.randrange(most)
        # There all of a commit is written and none of it need be on the disk.
        at_sync = not (is_soon or self._is_plain) and self._dice.random() < 0.3
        waits = self._is_plain or is_soon or self._dice.random() < 0.5
        self._disk.arm(None if waits else changes, at_sync=at_sync)
        armed = not waits
        self._worker.order(
            do="work",
            folder=str(self._disk.folder),
            scratch=str(self._lasting),
            seed=self._dice.getrandbits(32),
            said=self._said,
        )
        heard: list[dict[str, Any]] = []
        give_up_s = time.monotonic() + LONGEST_TURN_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._disk, selectors.EVENT_READ)
            selector.register(self._worker, selectors.EVENT_READ)
            while self._disk.was_cut is None and time.monotonic() < give_up_s and not _over(heard):
                for key, _ in selector.select(max(0.0, give_up_s - time.monotonic())):
                    if key.fileobj is self._disk:
                        self._disk.hear()
                    else:
                        heard += self._worker.take()
                if not armed and any("said" in one for one in heard):
                    armed = True
                    if self._is_plain:
                        # What was made at opening is on the disk by now, as on a machine that has run for a while.
                        self._disk.settle()
                    self._disk.arm(changes, at_sync=at_sync)
        early = _over(heard)
        if self._disk.was_cut is None and early is not None:
            tally.faults.append(f"{self._name}: it stopped before the power did: {early}")
        # A turn that is to be killed and not cut is stopped the same way, by its disk, which then remembers all.
        cut = self._disk.cut()
        self._worker.order(do="end")
        while not any("ended" in one for one in heard):
            heard += self._worker.take()
        if not is_cut:
            self._disk.spare()
        for one in heard:
            if "said" in one and one["at"] < cut.at_ns:
                stream, number = one["said"]
                tally.acknowledged += max(0, number - self._said.get(stream, 0))
                self._said[stream] = max(number, self._said.get(stream, 0))

    def _look(self, copy: Path, tally: Tally, where: str) -> Found | None:
        """Look at what was left; None if no look came to its end."""
        for look in range(1, LOOKS + 1):
            found = self._look_once(copy, LONGEST_LOOK_S * 2 ** (look - 1))
            if isinstance(found, Found):
                return found
            tally.late.append(f"{where}: look {look}: {found}; load {os.getloadavg()[0]:.1f}")
        tally.faults.append(f"{where}: not one look of {LOOKS} came to its end: {tally.late[-1]}")
        tally.unreadable += 1
        return None

    def _look_once(self, copy: Path, longest_s: float) -> Found | str:
        """Look; why it came to no end, if it did not."""
        self._worker.order(do="look", folder=str(copy), scratch=str(self._lasting), seed=0, said=self._said)
        heard: list[dict[str, Any]] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self._worker, selectors.EVENT_READ)
            give_up_s = time.monotonic() + longest_s
            while not any("held" in one or "late" in one for one in heard) and time.monotonic() < give_up_s:
                if selector.select(give_up_s - time.monotonic()):
                    heard += self._worker.take()
        self._worker.order(do="end")
        while not any("ended" in one for one in heard):
            heard += self._worker.take()
        for one in heard:
            if "held" in one:
                return Found(one["held"], one["faults"])
            if "late" in one:
                return str(one["late"])
        return f"it was not looked at within {longest_s:.0f} s"

    def _judge(self, found: Found, tally: Tally, where: str) -> bool:
        """Hold what is found against what was said; say whether nothing is missing."""
        tally.faults += [f"{where}: {fault}" for fault in found.faults]
        tally.unreadable += bool(found.faults)
        lost = sum(len(_missing(found.held.get(stream, ()), last)) for stream, last in self._said.items())
        for stream, numbers in found.held.items():
            if numbers != list(range(1, len(numbers) + 1)):
                tally.faults.append(f"{where}: {stream} is not in order: {numbers[:20]} ... {numbers[-20:]}")
        tally.lost += lost
        tally.cuts_that_lost += lost > 0
        if lost:
            tally.faults.append(f"{where}: said {self._said}, {lost} of them are not there")
        return not lost and not found.faults


def _over(heard: Iterable[Mapping[str, Any]]) -> str | None:
    return next((one["over"] for one in heard if "over" in one), None)


def _missing(held: Iterable[int], last: int) -> set[int]:
    return set(range(1, last + 1)) - set(held)


def main() -> int:
    """Run a campaign by itself: python -m tests.power.campaign MODULE SEED CUTS [SECONDS]; tell its tally."""
    module, seed, cuts, *seconds = sys.argv[1:]

    def tell(word: str) -> None:
        print(word, file=sys.stderr, flush=True)

    tally = Campaign(module, int(seed), tell=tell).run(
        int(cuts), seconds=float(seconds[0]) if seconds else float("inf")
    )
    print(tally, file=sys.stderr)
    print(json.dumps(asdict(tally)))
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
