"""What a store has to tell to be put on a disk that loses power: how it works, and what is found in it afterwards.

Nothing but the standard library is imported here and in `worker.py`: peers run in a Python of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


class TooSlow(Exception):
    """A look that did not come to its end in time. That is no finding; it says how far it came."""


Say = Callable[[str, int], None]
"""Told a stream's name and a number: everything of that stream up to this number is acknowledged."""


@dataclass(frozen=True, slots=True)
class Job:
    """One turn: `folder` is on the disk that loses power, `scratch` on one that does not and lasts as long.

    `said` is the greatest number acknowledged so far of each stream.
    """

    folder: Path
    scratch: Path
    seed: int
    said: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What a reopened store holds: the numbers of each stream in its own order, and what is wrong with it."""

    held: dict[str, list[int]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


class Subject(Protocol):
    """A module that is a store under test."""

    def work(self, job: Job, say: Say) -> None:
        """Open the store in `job.folder` and go on adding to it, numbering from 1 without gaps, until killed."""
        ...

    def look(self, job: Job) -> Found:
        """Open the store in `job.folder`, by now a copy of what was left, and tell what is there. Raises `TooSlow`."""
        ...
