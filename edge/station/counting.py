"""One open count: readings added up by code until END closes them into one `Count` an item.

The hub knows one count of an item in an area at a time: of two, the later replaces the earlier. So codes that mean one
item, pieces and cases of it, are closed into a single `Count`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from operator import itemgetter

from edge.codecs.readings import Scan
from edge.station.actions import CountedReading, Lookup
from edge.station.session import Taken, summarise
from edge.station.summary import SessionSummary
from edge.station.undo import UNDO_DEPTH
from protocol.cards import Mode
from protocol.catalogue import WHOLE_MILLI
from protocol.errors import BadInput
from protocol.events import Count, CountReading, When
from protocol.identity import DeviceId, PlaceId

LONGEST_US = 86_400_000_000
"""How long a count may have been going on before a reboot: a clock set from 1970 would make it half a century."""


@dataclass(slots=True)
class _Line:
    """What was read of one code so far."""

    code: str
    aim: str | None
    qty_milli: int
    readings: int
    first: When
    last: When
    catalogue: int


@dataclass(frozen=True, slots=True)
class ClosedCount:
    """The entries that close a count; `split` if some item has several of them, which someone should look at."""

    entries: tuple[Count, ...]
    split: bool


@dataclass(frozen=True, slots=True)
class Counting:
    """Where a count is taken, which time, and by whom ("" if nobody said)."""

    place: PlaceId
    pass_: int = 1
    person: str = ""


class OpenCount:
    """The readings of one session, those on disk only."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._lines: dict[str, _Line] = {}
        self._undoable: deque[CountedReading] = deque(maxlen=UNDO_DEPTH)
        self._readings = 0
        self._boots: dict[str, int] = {}

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
            line = _Line(reading.code, reading.aim, 0, 0, reading.when, reading.when, reading.catalogue)
            self._lines[reading.key] = line
        line.qty_milli += reading.qty_milli
        line.readings += 1
        self._boots.setdefault(reading.when.boot, len(self._boots))
        # Two scanners' commits may end in another order than their readings began.
        line.first = min(line.first, reading.when, key=self._order)
        line.last = max(line.last, reading.when, key=self._order)
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

    def summary(self, document: str | None, lookup: Lookup) -> SessionSummary:
        """Say what was read so far."""
        taken = [
            Taken(line.code, line.aim, line.qty_milli, None, line.last, line.readings) for line in self._lines.values()
        ]
        return summarise(self.session, Mode.COUNT, document, self.begun, taken, lookup)

    @property
    def begun(self) -> When | None:
        """When the first of the readings was taken that stand."""
        return min((line.first for line in self._lines.values()), key=self._order, default=None)

    def close(self, device: DeviceId, where: Counting, lookup: Lookup) -> ClosedCount:
        """Sum up, from first reading to last: one entry an item, and one a code that means no known item.

        An item's entry is in units of that of its codes with the smallest factor in which the sum is a whole number of
        thousandths. Where there is none (a case of 6 and one of 7), or the code came to mean something else before the
        item's last reading, each code has an entry of its own: no number is ever rounded here.

        `lookup` is asked only now, so that a restart within the count changes nothing. Raises `BadInput`
        ("catalogue-failing"); the count is then still open.
        """
        same: dict[tuple[str | None, str], list[tuple[_Line, int]]] = {}
        for key, line in self._lines.items():
            item, factor_milli = _meaning(line, line.last, lookup)
            same.setdefault((item, key if item is None else ""), []).append((line, factor_milli))
        lines: list[_Line] = []
        split = False
        for (item, _), parts in same.items():
            whole = parts[0][0] if len(parts) == 1 else self._merged(item, parts, lookup)
            lines += [line for line, _ in parts] if whole is None else [whole]
            split |= whole is None
        # Along a log the hub lets no time fall: one that was read last before its neighbour would be taken for later.
        lines.sort(key=lambda line: self._order(line.last))
        return ClosedCount(tuple(self._entry(line, device, where) for line in lines), split)

    def _merged(self, item: str | None, parts: list[tuple[_Line, int]], lookup: Lookup) -> _Line | None:
        """Make one line of those of an item and their factors; None if no code of them can say the sum exactly."""
        first = min((line.first for line, _ in parts), key=self._order)
        newest = max((line for line, _ in parts), key=lambda line: self._order(line.last))
        total = sum(line.qty_milli * factor_milli for line, factor_milli in parts)
        for line, factor_milli in sorted(parts, key=itemgetter(1)):
            # The hub reads the code as of the entry's time, which may be later than the code's own last reading.
            if total % factor_milli == 0 and _meaning(line, newest.last, lookup) == (item, factor_milli):
                qty_milli = total // factor_milli
                return replace(line, qty_milli=qty_milli, first=first, last=newest.last, catalogue=newest.catalogue)
        return None

    def _entry(self, line: _Line, device: DeviceId, where: Counting) -> Count:
        return Count(
            when=line.last,
            from_up_us=in_boot_of(line.last, line.first),
            device=device,
            code=line.code,
            qty_milli=line.qty_milli,
            place=where.place,
            session=self.session,
            catalogue=line.catalogue,
            aim=line.aim,
            pass_=where.pass_,
            person=where.person,
        )

    def _order(self, when: When) -> tuple[int, int]:
        """Order times of readings: the boots as they came, since wall clocks may step between them."""
        return self._boots[when.boot], when.up_us


def _meaning(line: _Line, when: When, lookup: Lookup) -> tuple[str | None, int]:
    """Say which item a line's code means at a time, and by what factor."""
    try:
        goods = lookup(Scan(line.code, b"", line.aim), when)
    except BadInput as error:
        if error.name == "catalogue-failing":
            raise
        # Another release took this code: that it is no longer one must not keep the count from ending.
        return None, WHOLE_MILLI
    return (None if goods.item is None else goods.item.item), goods.factor_milli


def in_boot_of(last: When, first: When) -> int:
    """Say `first` in the boot time of `last`.

    A count that went on after a reboot began before this boot, so at a boot time of 0 or less; by how much only the
    wall clocks can say, which are not believed beyond `LONGEST_US`.
    """
    if first.boot == last.boot:
        return first.up_us
    return min(0, last.up_us - min(max(0, last.wall_us - first.wall_us), LONGEST_US))
