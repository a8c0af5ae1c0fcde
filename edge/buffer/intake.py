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
    longest = max(map(len, lines), default=0)
    if longest > MAX_LINE_BYTES:
        raise LineTooLong(f"a line of {longest} bytes; {MAX_LINE_BYTES} is the most")
    text = b"".join(lines)
    if b"\n" in text:
        raise ContractBroken("a line holds a line feed")
    for key, value in notes.items():
        if value is not None and len(value) > MAX_LINE_BYTES:
            raise LineTooLong(f"a note {key!r} of {len(value)} bytes; {MAX_LINE_BYTES} is the most")
    return len(text) + ENTRY_OVERHEAD_BYTES * len(lines)
