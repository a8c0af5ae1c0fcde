"""One open count: readings added up by code until END closes them into one `Count` a code."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.station.actions import CountedReading
from protocol.events import Count, CountReading, When
from protocol.identity import DeviceId, PlaceId

UNDO_DEPTH = 100
"""How many steps back undo can reach, in a count as elsewhere."""


@dataclass(slots=True)
class _Line:
    """What was read of one code so far."""

    code: str
    qty_milli: int
    readings: int
    first: When
    last: When
    catalogue: int


class OpenCount:
    """The readings of one session, those on disk only."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._lines: dict[str, _Line] = {}
        self._undoable: deque[CountedReading] = deque(maxlen=UNDO_DEPTH)
        self._readings = 0

    def __len__(self) -> int:
        """How many readings stand."""
        return self._readings

    @property
    def codes(self) -> int:
        """How many different codes have readings that stand."""
        return len(self._lines)

    def holds(self, key: str) -> bool:
        """Tell whether a code has been read in this count."""
        return key in self._lines

    def add(self, reading: CountedReading) -> None:
        """Take a reading that is on disk."""
        line = self._lines.get(reading.key)
        if line is None:
            line = _Line(reading.code, 0, 0, reading.when, reading.when, reading.catalogue)
            self._lines[reading.key] = line
        line.qty_milli += reading.qty_milli
        line.readings += 1
        # Two scanners' commits may end in another order than their readings began.
        if _is_later(line.first, reading.when):
            line.first = reading.when
        if not _is_later(line.last, reading.when):
            line.last = reading.when
        line.catalogue = reading.catalogue
        self._readings += 1
        self._undoable.append(reading)

    def next_undo(self) -> CountedReading | None:
        """Give the reading an undo would take back now, and keep it from the next undo."""
        return self._undoable.pop() if self._undoable else None

    def undo_failed(self, reading: CountedReading) -> None:
        """Offer a reading to undo again: taking it back did not reach the disk."""
        self._undoable.append(reading)

    def take_back(self, reading: CountedReading) -> None:
        """Take off a reading whose taking back is on disk."""
        line = self._lines[reading.key]
        line.qty_milli -= reading.qty_milli
        line.readings -= 1
        self._readings -= 1
        if line.readings == 0:
            del self._lines[reading.key]

    def recall(self, entry: CountReading, key: str) -> None:
        """Take a reading as it comes back from the log, in log order; a negative one takes back the last like it."""
        reading = CountedReading(key, entry.code, entry.aim, abs(entry.qty_milli), entry.when, entry.catalogue)
        if entry.qty_milli >= 0:
            self.add(reading)
            return
        for meant in reversed(self._undoable):
            if (meant.code, meant.qty_milli) == (reading.code, reading.qty_milli):
                self._undoable.remove(meant)
                self.take_back(meant)
                return

    def close(self, device: DeviceId, place: PlaceId) -> tuple[Count, ...]:
        """Sum up: one entry a code, from its first reading to its last."""
        return tuple(
            Count(
                when=line.last,
                from_up_us=_in_boot_of(line.last, line.first),
                device=device,
                code=line.code,
                qty_milli=line.qty_milli,
                place=place,
                session=self.session,
                catalogue=line.catalogue,
            )
            for line in self._lines.values()
        )


def _is_later(one: When, other: When) -> bool:
    return one.boot == other.boot and one.up_us > other.up_us


def _in_boot_of(last: When, first: When) -> int:
    """Say `first` in the boot time of `last`.

    A count that went on after a reboot began before this boot, so at a boot time of 0 or less; by how much only the
    wall clocks can say.
    """
    if first.boot == last.boot:
        return first.up_us
    return min(0, last.up_us - max(0, last.wall_us - first.wall_us))
