"""What a person is told of a carried file that does not go on where the hub is, and what to do then. Pure."""

from __future__ import annotations

from hub.errors import BadInput
from protocol.replication.carrying import Gap
from protocol.replication.ports import ReaderState
from protocol.station_file_header import FileHeader


def gap_refused(header: FileHeader, state: ReaderState, gap: Gap) -> BadInput:
    """Say from where the file is to be exported again, or which entries are lost ("gap", "entries-lost")."""
    epoch, seq = header.view.at_depth(header.first_depth + 1) if header.entries else (header.view.head.epoch, 0)
    begins = f"this file begins at {epoch}:{seq}"
    at = state.at
    if at is not None and header.view.index(at.epoch) is None:
        at = None  # of another log, which says nothing of this one
    has = "nothing of this log" if at is None else f"this log up to {at.epoch}:{at.seq}"
    again = "--all" if at is None or at.seq == 0 else f"--from {at.epoch}:{at.seq}"
    if gap.kept:
        return BadInput("gap", f"the hub has {has}; {begins}; export again with {again}")
    missing = header.first_depth - gap.depth
    return BadInput(
        "entries-lost",
        f"the hub has {has}; {begins}, and the station no longer kept the {missing} entries between when it was"
        " written. If an earlier file holds them, import that first; if none does, --accept-loss records the loss",
    )


def forked_words(header: FileHeader, state: ReaderState) -> str:
    """Say that the file is not of the log that the hub has."""
    at = state.at
    has = "" if at is None else f", which it has up to {at.epoch}:{at.seq}"
    return (
        f"the file has other entries of {header.station}'s {header.stream} log than the hub{has}: it comes from a copy"
        " of that station's card, or from one that was put back to an older state. Nothing was taken"
    )
