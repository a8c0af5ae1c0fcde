"""How much memory a running machine uses: what its kernel cannot give back, and what programs have mapped of files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from tests.lab.machine import Machine
from tests.lab.station import AGENT

MOST_MIB: Final = 152
"""160 MB, as promised."""
SETTLING_S: Final = "60"
"""What only the start needed is gone by then: workers of udev, services that end when nobody asks them."""
_MEMORY = """\
import glob, json, re

def numbers(path):
    return {name: int(kib) for name, kib in re.findall(r"^(\\w+):\\s+(\\d+)", open(path).read(), re.M)}

whole = numbers("/proc/meminfo")
lists = re.findall(r"^ +count: +(\\d+)$", open("/proc/zoneinfo").read(), re.M)
whole["Listed"] = 4 * sum(int(pages) for pages in lists)
given_back = ("MemFree", "Listed", "Buffers", "Cached", "SReclaimable")
kept = whole["MemTotal"] + whole["Shmem"] - sum(whole[each] for each in given_back)
units, mapped = {}, 0
for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
    try:
        one = numbers(path)
        unit = open(path.replace("smaps_rollup", "cgroup")).read().strip().rpartition("/")[2]
    except OSError:
        continue
    if one:
        mapped += one["Pss_File"]
        units[unit] = units.get(unit, 0) + one["Pss"]
print(json.dumps({"kept": kept, "mapped": mapped, "units": units, "available": whole["MemAvailable"],
                  "listed": whole["Listed"], "total": whole["MemTotal"], "slab": whole["SUnreclaim"],
                  "vmalloc": whole["VmallocUsed"]}))
"""
"""What the machine cannot give back (all that is used, without its cache of files) and what is mapped of files, in KiB;
each unit's share, a page used by two counted half to each.

Each processor keeps a list of free pages at hand, to give out without asking the others. They are free, and are in none
of meminfo's lines; `MemFree` is what is on nobody's list (zoneinfo's `pagesets` tell, in pages of 4 KiB).
"""


@dataclass(frozen=True, slots=True)
class Used:
    """In MiB, the lab's own process apart; `by_available` is told of `MemAvailable`.

    That says that less is left: the kernel also keeps back a reserve, and part of the cache of files.
    """

    mib: int
    agent: int
    tables: int
    lab: int
    by_available: int

    def __str__(self) -> str:
        return (
            f"{self.mib} MiB, of it the agent {self.agent}, the kernel's own tables {self.tables}"
            f" (the lab's own {self.lab} apart; by MemAvailable {self.by_available})"
        )


async def used_memory(machine: Machine) -> Used:
    """Ask once what only the start needed has gone, and print each unit's share."""
    await machine.guest.run("sleep", SETTLING_S)
    told = json.loads(await machine.guest.python(_MEMORY))
    units: dict[str, int] = told["units"]
    print({unit: f"{kib / 1024:.1f}" for unit, kib in sorted(units.items(), key=lambda each: -each[1])}, told)
    lab = units["lab.service"]
    return Used(
        (told["kept"] + told["mapped"] - lab) // 1024,
        units[AGENT] // 1024,
        told["slab"] // 1024,
        lab // 1024,
        (told["total"] - told["available"] - lab) // 1024,
    )
