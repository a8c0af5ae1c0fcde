"""How a read gets into a tag's ring: a ring is the newest of all reads heard, by their times, one a moment."""

from __future__ import annotations

from bisect import bisect_left
from enum import Enum

from edge.codecs.readings import TagRead
from edge.presence.records import TagRecord, ZoneRecord, empty_ring, strength_of


class Late(Enum):
    """What a read that is not the tag's newest turned out to be."""

    NEW = "new"
    KNOWN = "known"
    TOO_LATE = "too late"
    """Older than all of a full ring: nobody can tell whether it was heard before."""


def put_newest(tag: TagRecord, zone: ZoneRecord, at_us: int, read: TagRead) -> int:
    """Put a read that is the tag's newest into the ring of a zone that is not the tag's; say how many are in it."""
    ring = tag.rings.get(zone)
    if ring is None:
        ring = tag.rings[zone] = empty_ring()
    times, rssi = ring
    times.append(at_us)
    rssi.append(strength_of(read.rssi_cdbm))
    if len(times) > zone.keep:
        del times[0], rssi[0]
    return len(times)


def put_late(tag: TagRecord, zone: ZoneRecord, at_us: int, read: TagRead) -> Late:
    """Put a read where it belongs in the ring of any zone."""
    times, rssi = (tag.times, tag.rssi) if tag.zone is zone else tag.rings.setdefault(zone, empty_ring())
    place = bisect_left(times, at_us)
    if place < len(times) and times[place] == at_us:
        return Late.KNOWN
    if len(times) >= zone.keep:
        if place == 0:
            return Late.TOO_LATE
        del times[0], rssi[0]
        place -= 1
    times.insert(place, at_us)
    rssi.insert(place, strength_of(read.rssi_cdbm))
    return Late.NEW
