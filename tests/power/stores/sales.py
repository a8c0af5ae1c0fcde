"""The sales that stores are given: each says which it is, so that what is found can be held against what was said."""

from __future__ import annotations

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES
from edge.buffer.lineage import kept_depth
from edge.buffer.sqlite_log import SqliteLog
from protocol.events import Delta, Reason, When, decode_station_entry, encode_entry
from tests.unit.hub_store.shop import JAM_CODE, NOON_US, TEA_CODE


def sale(number: int) -> bytes:
    """The line of sale `number`."""
    when = When("boot", number, NOON_US + number, True)
    code = TEA_CODE if number % 3 else JAM_CODE
    return encode_entry(Delta(when, "scanner", code, "]E0", -1000, Reason.SALE, "shop"))


def number_of(line: bytes) -> int:
    """Which sale a line is."""
    entry = decode_station_entry(line)
    if not isinstance(entry, Delta) or sale(entry.when.up_us) != line:
        raise ValueError(f"no sale of ours: {line!r}")
    return entry.when.up_us


async def numbers_in(log: SqliteLog) -> list[int]:
    """Which sales a log holds, those it has pruned taken for held."""
    view = log.view
    held = list(range(1, kept_depth(view) + 1))
    for index, chapter in enumerate(view.lineage):
        first = max(1, len(held) - chapter.depth + 1)
        while first <= view.end_of(index):
            part = await log.read(chapter.epoch, first, BLOCK_ENTRIES, READ_BYTES)
            held += map(number_of, part.lines)
            first += len(part.lines)
    return held
