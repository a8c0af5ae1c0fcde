"""The same day as simpler books have it: in order of arrival, each entry once, and by the stations' own clocks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from protocol.events import Count, Delta, Reversal, StationEntry
from protocol.frames import decode_writer_message
from protocol.identity import StationId
from protocol.replication.messages import Frame
from tests.shop.day import Day

Heard = tuple[StationId, int, StationEntry]
"""A station, its log's seq and the entry there."""


def heard(day: Day) -> list[Heard]:
    """Give every entry of every frame in the order of arrival, repeats as often as they came."""
    return [one for _, entries in heard_at(day) for one in entries]


def heard_at(day: Day) -> Iterator[tuple[int, list[Heard]]]:
    """Give the time of each frame's arrival, and its entries."""
    for delivery in day.deliveries:
        frame = decode_writer_message(delivery.payload)
        assert isinstance(frame, Frame)
        entries = day.stations[delivery.station].entries
        yield delivery.t_us, [(delivery.station, seq, entries[seq - 1]) for seq in range(frame.first, frame.last + 1)]


def each_once(entries: Iterable[Heard]) -> list[Heard]:
    """Leave out what was heard before."""
    known: set[tuple[StationId, int]] = set()
    return [one for one in entries if not (one[:2] in known or known.add(one[:2]))]  # type: ignore[func-returns-value]


def by_own_clocks(day: Day, entries: Iterable[Heard]) -> list[Heard]:
    """Put entries in the order of the stations' own wall clocks; what takes back stands where its target does."""

    def wall_us(one: Heard) -> tuple[int, int]:
        station, seq, entry = one
        target = day.stations[station].entries[entry.seq - 1] if isinstance(entry, Reversal) else entry
        return (target.when.wall_us if isinstance(target, Delta | Count) else 0, seq)

    return sorted(entries, key=wall_us)


def stock(day: Day, entries: Iterable[Heard]) -> dict[str, int]:
    """Keep books as most do: a movement adds to the figure, a count sets it. By code, in pieces."""
    pieces: dict[str, int] = defaultdict(int)
    for station, _, entry in entries:
        match entry:
            case Delta():
                pieces[entry.code] += entry.qty_milli // 1000
            case Count():
                pieces[entry.code] = entry.qty_milli // 1000
            case Reversal():
                target = day.stations[station].entries[entry.seq - 1]
                if isinstance(target, Delta):
                    pieces[target.code] -= target.qty_milli // 1000
            case _:
                pass
    return pieces
