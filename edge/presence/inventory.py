"""What is told of the tags to whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.presence.changes import Counts, Standing


@dataclass(frozen=True, slots=True)
class Inventory:
    """The tags at one moment.

    `zones` counts those present in each zone, the empty ones of the settings included; `unknown` those that nobody can
    tell; `pending` those not read often enough yet. `waiting` is how many changes are not durable yet. `tags` are some
    of the tags, present or unknown.
    """

    zones: Mapping[str, int]
    unknown: int
    pending: int
    waiting: int
    counts: Counts
    tags: tuple[Standing, ...]
