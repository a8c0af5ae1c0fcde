"""Reads the station's last period back from its log at start, so that the rules go on where the power went."""

from __future__ import annotations

import logging

from edge.buffer.api import BLOCK_ENTRIES, READ_BYTES, StationLog
from edge.buffer.errors import NotKept
from edge.codecs.readings import Scan
from edge.station.actions import Lookup, Where
from edge.station.note import NOTE, StationNote, decode_note
from edge.station.station import Station
from protocol.chain import Chapter
from protocol.errors import BadInput
from protocol.events import CountReading, StationEntry, Suppressed, decode_station_entry
from protocol.identity import Epoch

_log = logging.getLogger(__name__)


async def recall(station: Station, log: StationLog, lookup: Lookup) -> None:
    """Have `station` take up the period its log tells of; `lookup` says what its codes add up under.

    Raises `LogRefused`.
    """
    view = log.view
    after = station.resume(_note(log), Where(view.head.epoch, view.head.seq), view.lineage)
    if not view.keeps(after.epoch, after.seq + 1):
        after = Where(view.first.epoch, view.first.seq)
    at: Where | None = after
    while at is not None:
        try:
            part = await log.read(at.epoch, at.seq + 1, BLOCK_ENTRIES, READ_BYTES)
        except NotKept:
            # Lost with a damaged file. Behind all that, a new epoch was begun.
            newest = view.lineage[-1].epoch
            at = None if at.epoch == newest else Where(newest, 0)
            continue
        for seq, line in enumerate(part.lines, part.first):
            _give(station, Where(at.epoch, seq), line, lookup)
        at = Where(at.epoch, at.seq + len(part.lines)) if part.lines else _next(view.lineage, at.epoch)


def _give(station: Station, where: Where, line: bytes, lookup: Lookup) -> None:
    try:
        entry = decode_station_entry(line)
    except BadInput as error:
        _log.error("own entry not understood", extra={"seq": where.seq, "error": str(error)})
        return
    station.recall(where, entry, _key(entry, lookup))


def _key(entry: StationEntry, lookup: Lookup) -> str:
    """Say what the code of a reading adds up under; of other entries nobody asks it."""
    reading = entry.meant if isinstance(entry, Suppressed) else entry
    if not isinstance(reading, CountReading):
        return ""
    try:
        return lookup(Scan(reading.code, b"", reading.aim), reading.when).key
    except BadInput:
        return reading.code


def _next(lineage: tuple[Chapter, ...], epoch: Epoch) -> Where | None:
    for chapter in lineage:
        if chapter.base is not None and chapter.base.epoch == epoch:
            return Where(chapter.epoch, 0)
    return None


def _note(log: StationLog) -> StationNote | None:
    data = log.notes().get(NOTE)
    if data is None:
        return None
    try:
        return decode_note(data)
    except BadInput as error:
        # Written by another release, or damaged: the settings' mode is the safe one.
        _log.error("note on the mode not understood", extra={"error": str(error)})
        return None
