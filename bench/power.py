"""Power cuts: what our stores and others' had acknowledged and lost, on a disk that forgets what was not synced.

The campaign and the disk are those of the tests (tests/power/, tests/stand_ins/forgetful/). Peers run in a Python of
their own, which `tools/peers` makes.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import Cuts, PowerCuts
from tests.power.campaign import STORES, Campaign

ROOT = Path(__file__).parents[1]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
CUTS = 100
QUICK_CUTS = 2


@dataclass(frozen=True, slots=True)
class Entrant:
    """A store that is cut: what it is called, its module, and its package if it is another's.

    Plainly is as peers are cut: each time on a disk of its own, soon after it was opened. The others live through many
    cuts, and are cut while they are being made as well.
    """

    name: str
    module: str
    package: str | None = None
    is_plain: bool = True

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("Shelfwire")


ENTRANTS = (
    Entrant("Shelfwire, station log, event by event", "tests.power.stores.one_by_one"),
    *(Entrant(f"Shelfwire, {name}, at work", module, is_plain=False) for name, module in STORES.items()),
    Entrant("persist-queue, SQLiteAckQueue", "bench.peers.persist_queue_sqlite", "persist-queue"),
    Entrant("persist-queue, Queue in files", "bench.peers.persist_queue_file", "persist-queue"),
    Entrant("litequeue", "bench.peers.lite_queue", "litequeue"),
    Entrant("ThingsBoard IoT Gateway, SQLite storage", "bench.peers.thingsboard_sqlite", "thingsboard-gateway"),
    Entrant("ThingsBoard IoT Gateway, file storage", "bench.peers.thingsboard_file", "thingsboard-gateway"),
    Entrant("bare SQLite, WAL, synchronous=NORMAL", "tests.power.stores.careless"),
)


async def measure(cuts: int, *, commit: str) -> PowerCuts:
    """Cut the power under everyone, each store so many times."""
    return await asyncio.to_thread(_cut_all, cuts, commit)


def why_not() -> str | None:
    """Say why power cannot be cut on this machine, None if it can."""
    if shutil.which("fusermount3") is None:
        return "fuse3 is not installed"
    return None if Path("/dev/fuse").exists() else "there is no /dev/fuse"


def _cut_all(cuts: int, commit: str) -> PowerCuts:
    began_s = time.monotonic()
    seed = random.randrange(1 << 32)
    missing = _install_peers()
    rows = tuple(_cut(one, cuts, seed, missing) for one in ENTRANTS)
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return PowerCuts(at=at, commit=commit, seconds=time.monotonic() - began_s, seed=seed, rows=rows)


def _cut(one: Entrant, cuts: int, seed: int, missing: str | None) -> Cuts:
    print(f"power cuts: {one.name}", file=sys.stderr, flush=True)
    if one.package is not None and missing is not None:
        return Cuts(store=one.name, note=f"cannot be installed here: {missing}")
    python = Path(sys.executable) if one.package is None else PEERS

    def tell(word: str) -> None:
        if one.is_ours:  # of others it is what is looked for
            print(word, file=sys.stderr, flush=True)

    tally = Campaign(one.module, seed, python=python, is_plain=one.is_plain, tell=tell).run(cuts)
    return Cuts(
        store=one.name,
        ours=one.is_ours,
        version=_version(one.package),
        cuts=tally.cuts,
        lossy=tally.cuts_that_lost,
        acknowledged=tally.acknowledged,
        lost=tally.lost,
        unreadable=tally.unreadable,
        faults=tuple(tally.faults) if one.is_ours else (),
    )


def _install_peers() -> str | None:
    """Install what is not there; say in a line why that is impossible, None if it is there."""
    told = subprocess.run([str(ROOT / "tools" / "peers")], capture_output=True, text=True, check=False)
    if told.returncode == 0:
        return None
    return (told.stderr.strip().splitlines() or ["no reason given"])[-1]


def _version(package: str | None) -> str:
    if package is None:
        return ""
    asked = [str(PEERS), "-m", "pip", "--disable-pip-version-check", "list", "--format", "json"]
    listed = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    return next((one["version"] for one in listed if one["name"].lower() == package), "")
