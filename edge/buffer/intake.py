"""What an append must be before it may wait for the disk. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge.buffer.errors import LineTooLong
from edge.errors import ContractBroken
from protocol.frames import MAX_LINE_BYTES

ENTRY_OVERHEAD_BYTES = 16
"""What an entry takes beside its line, about."""


def weigh(lines: Sequence[bytes], notes: Mapping[str, bytes | None]) -> int:
    """Check lines and notes and give the bytes that the lines will take.

    Raises `LineTooLong`, also for a note, and `ContractBroken` for a line that holds a line feed.
    """
    size = 0
    for line in lines:
        if len(line) > MAX_LINE_BYTES:
            raise LineTooLong(f"a line of {len(line)} bytes; {MAX_LINE_BYTES} is the most")
        if b"\n" in line:
            raise ContractBroken("a line holds a line feed")
        size += len(line) + ENTRY_OVERHEAD_BYTES
    for key, value in notes.items():
        if value is not None and len(value) > MAX_LINE_BYTES:
            raise LineTooLong(f"a note {key!r} of {len(value)} bytes; {MAX_LINE_BYTES} is the most")
    return size
