"""Where a tag is heard best, and whether it is still where it was. Pure functions of its rings."""

from __future__ import annotations

from edge.presence.records import TagRecord, ZoneRecord
from edge.presence.rules import S_US
from edge.presence.signal_strength import mean_cdbm


def loudest(tag: TagRecord) -> tuple[ZoneRecord, int | None]:
    """Give the zone that hears a pending tag best, and the mean there; the first of equals. It has been read."""
    best, loudness = None, None
    for zone, (times, rssi) in tag.rings.items():
        mean = mean_cdbm(times, rssi, zone.half_life)
        if best is None or (mean is not None and (loudness is None or mean > loudness)):
            best, loudness = zone, mean
    assert best is not None
    return best, loudness


def has_moved(tag: TagRecord, home: ZoneRecord, zone: ZoneRecord, at_us: int, begun_us: int) -> tuple[bool, int | None]:
    """Say whether a tag that was at `home` is now in `zone`, which has just read it, and if so its mean there.

    It is, if the mean there beats that at home by the offset. The offset falls with the silence of home, which is
    counted from `begun_us` at the earliest, and counts only if the zone's last reads were all made in it.
    """
    times, rssi = tag.rings[zone]
    last_home = max(tag.times[-1] if tag.times else 0, begun_us)
    offset = home.threshold
    silence = at_us - last_home - home.holdoff
    if silence > 0 and (zone.witness == 0 or (len(times) >= zone.witness and times[-zone.witness] > last_home)):
        offset -= silence * home.fall // S_US
    # A mean is no more than the loudest read and no less than the faintest. Between zones that hear a tag alike, which
    # is asked about again and again, that settles it for a tenth of the price.
    if offset >= 0 and (not tag.rssi or max(rssi) - min(tag.rssi) <= offset):
        return False, None
    here, there = mean_cdbm(times, rssi, zone.half_life), mean_cdbm(tag.times, tag.rssi, home.half_life)
    # Without a strength on either side nothing is known but the silence.
    gain = 0 if here is None or there is None else here - there
    return gain > offset, here
