"""From reads of RFID tags to what changed about them: arrived, moved, departed, unknown.

    reads ──> on_reads ──┐
    antenna health ──────┼──> waiting: changes ──> told(n), once n of them are durable
    time ──> on_tick ────┘

Each tag is in one state, and every read takes the same work however many tags there are:

    pending ── min_reads ──> PRESENT in a zone ── unread, antenna alive ──────> departed: forgotten
       │                       │   ▲    │ its mean elsewhere beats the zone's
       └ unread: forgotten     │   │    └──> PRESENT elsewhere (moved)
                        unread,│   │ read
                  antenna dead ▼   │
                             UNKNOWN ── unread, antenna alive ──> departed

Reads are taken by their own time, not by when they come. Those of a tag in a zone form a ring: the newest of all reads
heard so far, in the order of their times, one a moment. So a read heard before is either in the ring, older than all of
a full ring, or older than the time-out, and in each case it changes nothing, in whatever order old reports come again.
Reads older than the time-out say nothing about now; that is why a tag that departed can be forgotten.

A read without a time is taken at the time it came; so is one from the future, and counted. The rings are not kept over
a restart. Then all zones begin anew to be silent, so that no tag moves on the strength of what is not remembered.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from edge.codecs.readings import TagRead
from edge.presence.changes import Change, Counts, Standing
from edge.presence.deadlines import Deadlines
from edge.presence.liveness import Liveness
from edge.presence.rules import MAX_EPC_BYTES, S_US, Antenna, Rules, Smoothing
from edge.presence.signal_strength import NOT_TOLD, mean_cdbm
from protocol.events import Presence
from protocol.identity import DeviceId

JUDGE_EVERY_US = 500_000
"""A tag is heard in two zones many times a second; where it is, is asked no oftener than this."""
_BUCKETS = 256
"""In a time-out: what a change may be late for being looked for in buckets."""


class _Zone:
    """A zone's name and figures, each an attribute away."""

    __slots__ = ("fall", "half_life", "holdoff", "keep", "move_reads", "name", "threshold", "witness")

    def __init__(self, name: str, smoothing: Smoothing) -> None:
        self.name = name
        self.keep = smoothing.ring_reads
        self.half_life = smoothing.half_life_us
        self.threshold = smoothing.threshold_cdb
        self.holdoff = smoothing.holdoff_us
        self.fall = smoothing.fall_cdb_per_s
        self.move_reads = smoothing.move_reads
        self.witness = smoothing.witness_reads


class _Antenna(Liveness):
    """An antenna, its zone, and whether its reader vouches for it."""

    __slots__ = ("device", "number", "told", "zone")

    def __init__(self, antenna: Antenna, zone: _Zone, alive_for_us: int, begun_us: int) -> None:
        super().__init__(alive_for_us, begun_us)
        self.device = antenna.device
        self.number = antenna.number
        self.zone = zone
        self.told = False
        """The reader said that it is connected, and not since that it is not."""


_Ring = tuple["array[int]", "array[int]"]
"""Times, ascending, and the strengths told then (`NOT_TOLD`: none). Arrays: an eighth of the room of lists, and so
fewer of the waits for memory that are most of a read's time where tags are many."""


def _empty() -> _Ring:
    return array("q"), array("h")


def _told(rssi_cdbm: int | None) -> int:
    return rssi_cdbm if rssi_cdbm is not None and NOT_TOLD < rssi_cdbm <= -NOT_TOLD - 1 else NOT_TOLD


class _Tag:
    """What is known of a tag. `zone` is None unless it is present; `times` and `rssi` are its ring there."""

    __slots__ = ("antenna", "dead", "epc", "home", "judge", "last", "reads", "rings", "rssi", "times", "zone")

    def __init__(self, epc: bytes, antenna: _Antenna, at_us: int) -> None:
        self.epc = epc
        self.zone: _Zone | None = None
        self.home: _Zone | None = None
        """Where it was before it became unknown; None while it is pending, and while it is present."""
        self.times, self.rssi = _empty()
        self.rings: dict[_Zone, _Ring] = {}
        """The rings of the other zones; of all zones while it is pending."""
        self.last = at_us
        self.antenna = antenna
        self.dead = antenna.dead_us
        self.reads = 0
        self.judge = 0


class Engine:
    """All the tags of a station. Times are UTC microseconds; `begun_us` is the time now.

    `begun_us` and every `now_us` are of one clock, which `clock_set` tells of when somebody sets it.
    """

    def __init__(self, rules: Rules, begun_us: int) -> None:
        self._rules = rules
        self._after_us = rules.departed_after_us
        self._width_us = max(1, rules.departed_after_us // _BUCKETS)
        self._zones: dict[str, _Zone] = {}
        self._antennas: dict[DeviceId, dict[int, _Antenna]] = {}
        for zone in rules.zones:
            made = self._zones[zone.name] = _Zone(zone.name, zone.smoothing)
            for one in zone.antennas:
                self._antennas.setdefault(one.device, {})[one.number] = _Antenna(
                    one, made, rules.alive_for_us, begun_us
                )
        self._tags: dict[bytes, _Tag] = {}
        self._deadlines: Deadlines[_Tag] = Deadlines(self._width_us)
        self._waiting: list[Change] = []
        self._begun_us = begun_us
        self._came_us = 0
        self._horizon_us = 0
        self.counts = Counts()

    # What came of it

    @property
    def waiting(self) -> Sequence[Change]:
        """The changes that were not taken yet, oldest first."""
        return self._waiting

    def told(self, changes: int) -> None:
        """Take the oldest changes away: they are durable."""
        del self._waiting[:changes]

    @property
    def next_deadline_us(self) -> int | None:
        """When `on_tick` will have something to look at."""
        return self._deadlines.next_us

    @property
    def known(self) -> int:
        """How many tags take up room, pending ones among them."""
        return len(self._tags)

    def standings(self) -> Iterator[Standing]:
        """Give the tags that are present or unknown, `seen_us` being their last read of all; reads may go on."""
        for tag in tuple(self._tags.values()):
            zone = tag.zone or tag.home
            if zone is not None:
                antenna = tag.antenna
                yield Standing(tag.epc, antenna.device, antenna.number, zone.name, tag.last, tag.zone is not None)

    def restore(self, standings: Iterable[Standing]) -> None:
        """Take up what was told before the engine was made: before anything else, and only once.

        A zone or an antenna that the rules no longer have still holds its tags, until they are read elsewhere or
        become unknown.
        """
        ghosts: dict[Antenna, _Antenna] = {}
        for one in standings:
            zone = self._zones.get(one.zone)
            if zone is None:
                zone = self._zones[one.zone] = _Zone(one.zone, Smoothing())
            antenna = self._antennas.get(one.device, {}).get(one.antenna)
            if antenna is None:
                named = Antenna(one.device, one.antenna)
                antenna = ghosts.setdefault(named, _Antenna(named, zone, self._rules.alive_for_us, self._begun_us))
            tag = self._tags[one.epc] = _Tag(one.epc, antenna, min(one.seen_us, self._begun_us))
            if one.present:
                tag.zone = zone
            else:
                tag.home = zone
            self._deadlines.put(tag, self._begun_us + self._after_us)

    # What comes in

    def on_reads(self, device: DeviceId, reads: Iterable[TagRead], now_us: int, offset_us: int = 0) -> None:
        """Take reads of one reader that came now, in any order; its clock is `offset_us` behind."""
        antenna_of = self._antennas.get(device, {}).get
        tag_of = self._tags.get
        latest = now_us + self._rules.ahead_us
        horizon = self._horizon_us = max(self._horizon_us, now_us - self._after_us)
        counts = self.counts
        for read in reads:
            antenna = antenna_of(read.antenna)
            if antenna is None:
                counts.no_zone += 1
                continue
            at = read.seen_us
            if at is None:
                at = self._came_us = max(self._came_us + 1, now_us)
            elif (at := at + offset_us) > latest:
                counts.ahead += 1
                at = self._came_us = max(self._came_us + 1, now_us)
            elif at <= horizon:
                counts.too_old += 1
                continue
            if at > antenna.renew_us:
                antenna.seen(at)
            tag = tag_of(read.epc)
            # Nearly every read is of a tag that is where it was: from here on, nothing is called for it.
            if tag is None:
                self._first(antenna, at, read)
            elif at <= tag.last:
                self._late(tag, antenna, at, read)
            elif tag.zone is antenna.zone:
                tag.last = at
                tag.antenna = antenna
                tag.dead = antenna.dead_us
                times = tag.times
                rssi = tag.rssi
                times.append(at)
                try:
                    rssi.append(read.rssi_cdbm)  # type: ignore[arg-type]
                except (TypeError, OverflowError):
                    rssi.append(NOT_TOLD)
                if len(times) > antenna.zone.keep:
                    del times[0], rssi[0]
            else:
                tag.last = at
                tag.antenna = antenna
                tag.dead = antenna.dead_us
                if tag.zone is not None:
                    self._elsewhere(tag, tag.zone, antenna.zone, at, read)
                elif tag.home is not None:
                    self._back(tag, tag.home, antenna.zone, at, read)
                else:
                    self._again(tag, antenna.zone, at, read)

    def on_antenna(self, device: DeviceId, number: int, connected: bool, now_us: int) -> None:
        """Learn what a reader says of an antenna: it is, or is no longer, able to read."""
        antenna = self._antennas.get(device, {}).get(number)
        if antenna is None:
            return
        antenna.told = connected
        if connected:
            antenna.seen(now_us)
        else:
            antenna.lost(now_us)

    def on_reader(self, device: DeviceId, ready: bool, now_us: int) -> None:
        """Learn that a reader works or does not; to be said again well within `Rules.alive_for_us` while it works.

        A reader that works speaks for those antennas only that it said to be connected. The others are alive by what
        they read.
        """
        for antenna in self._antennas.get(device, {}).values():
            if not ready:
                antenna.told = False
                antenna.lost(now_us)
            elif antenna.told:
                antenna.seen(now_us)

    def on_tick(self, now_us: int) -> None:
        """Look at the tags that have been unread for long; late is fine."""
        while due := self._deadlines.take(now_us):
            for tag in due:
                self._look_at(tag, now_us)

    def clock_set(self, now_us: int) -> None:
        """Learn that the clock was set: now is `now_us`, and what was before cannot be compared with it.

        Every tag is given the whole time-out again. The rings are emptied and old reports may be taken for new: nobody
        knows their times by this clock. Takes a look at every tag, which is why it is not done for less.
        """
        self._begun_us = now_us
        self._horizon_us = self._came_us = 0
        for antenna in (one for numbers in self._antennas.values() for one in numbers.values()):
            told = antenna.told
            antenna.restarted(now_us)
            if told:
                antenna.seen(now_us + 1)
        self._deadlines = Deadlines(self._width_us)
        for tag in self._tags.values():
            tag.last = min(tag.last, now_us)
            tag.dead = tag.antenna.dead_us
            tag.judge = 0
            tag.times, tag.rssi = _empty()
            tag.rings.clear()
            self._deadlines.put(tag, now_us + self._after_us)

    # Reads out of the ordinary

    def _first(self, antenna: _Antenna, at: int, read: TagRead) -> None:
        if not 0 < len(read.epc) <= MAX_EPC_BYTES:
            self.counts.bad_epc += 1
            return
        if len(self._tags) >= self._rules.max_tags:
            self.counts.refused += 1
            return
        tag = self._tags[read.epc] = _Tag(read.epc, antenna, at)
        self._deadlines.put(tag, at + self._after_us)
        self._again(tag, antenna.zone, at, read)

    def _again(self, tag: _Tag, zone: _Zone, at: int, read: TagRead) -> None:
        """Count a read of a tag that has not arrived yet."""
        self._keep(tag, zone, at, read)
        tag.reads += max(1, read.reads)
        if tag.reads >= self._rules.min_reads:
            self._arrive(tag, None, tag.reads)

    def _back(self, tag: _Tag, home: _Zone, zone: _Zone, at: int, read: TagRead) -> None:
        self._keep(tag, zone, at, read)
        tag.home = None
        self._arrive(tag, home, max(1, read.reads))

    def _arrive(self, tag: _Tag, home: _Zone | None, reads: int) -> None:
        best, rssi = None, None
        for zone, (times, strengths) in tag.rings.items():
            mean = mean_cdbm(times, strengths, zone.half_life)
            if best is None or (mean is not None and (rssi is None or mean > rssi)):
                best, rssi = zone, mean
        assert best is not None
        tag.zone = best
        tag.reads = 0
        tag.times, tag.rssi = tag.rings.pop(best)
        self._say(Presence.ARRIVED, tag, best, home, reads, rssi)

    def _elsewhere(self, tag: _Tag, home: _Zone, zone: _Zone, at: int, read: TagRead) -> None:
        """Take a read in another zone, and judge whether the tag is now there."""
        times, strengths = self._keep(tag, zone, at, read)
        if at < tag.judge or len(times) < zone.move_reads:
            return
        tag.judge = at + JUDGE_EVERY_US
        last_home = max(tag.times[-1] if tag.times else 0, self._begun_us)
        offset = home.threshold
        silence = at - last_home - home.holdoff
        if silence > 0 and (zone.witness == 0 or (len(times) >= zone.witness and times[-zone.witness] > last_home)):
            offset -= silence * home.fall // S_US
        there = mean_cdbm(tag.times, tag.rssi, home.half_life)
        here = mean_cdbm(times, strengths, zone.half_life)
        # Without a strength on either side nothing is known but the silence.
        if (0 if here is None or there is None else here - there) <= offset:
            return
        if self._full():
            return
        if tag.times:
            tag.rings[home] = (tag.times, tag.rssi)
        tag.times, tag.rssi = tag.rings.pop(zone)
        tag.zone = zone
        self._say(Presence.MOVED, tag, zone, home, len(times), here)

    def _keep(self, tag: _Tag, zone: _Zone, at: int, read: TagRead) -> _Ring:
        """Put a read that is the tag's newest into the ring of a zone that is not the tag's."""
        ring = tag.rings.get(zone)
        if ring is None:
            ring = tag.rings[zone] = _empty()
        times, strengths = ring
        times.append(at)
        strengths.append(_told(read.rssi_cdbm))
        if len(times) > zone.keep:
            del times[0], strengths[0]
        return ring

    def _late(self, tag: _Tag, antenna: _Antenna, at: int, read: TagRead) -> None:
        """Take a read that is not the tag's newest: it may count, but where the tag is, is for a newer one to say."""
        zone = antenna.zone
        if tag.home is not None:
            self.counts.late += 1
            return
        if tag.zone is zone:
            times, strengths = tag.times, tag.rssi
        else:
            times, strengths = tag.rings.setdefault(zone, _empty())
        place = bisect_left(times, at)
        if place < len(times) and times[place] == at:
            self.counts.repeated += 1
            return
        if len(times) >= zone.keep:
            if place == 0:
                self.counts.late += 1
                return
            del times[0], strengths[0]
            place -= 1
        times.insert(place, at)
        strengths.insert(place, _told(read.rssi_cdbm))
        if tag.zone is None:
            tag.reads += max(1, read.reads)
            if tag.reads >= self._rules.min_reads:
                self._arrive(tag, None, tag.reads)

    # Time

    def _look_at(self, tag: _Tag, now_us: int) -> None:
        """See whether a tag has been unread for too long."""
        after = self._after_us
        since = max(tag.last, self._begun_us)
        if now_us < since + after:
            self._forget_old_rings(tag, now_us)
            self._deadlines.put(tag, since + after)
            return
        zone = tag.zone or tag.home
        if zone is None:
            del self._tags[tag.epc]
            return
        dead = tag.antenna.dead_until(now_us) - tag.dead
        left = after - (now_us - since - dead)
        if left <= 0:
            if not self._full():
                del self._tags[tag.epc]
                self._say(Presence.DEPARTED, tag, zone, None, 0, None)
                return
        elif tag.zone is not None and dead > self._rules.alive_for_us and not self._full():
            tag.zone, tag.home = None, zone
            tag.times, tag.rssi = _empty()
            tag.rings.clear()
            self._say(Presence.UNKNOWN, tag, zone, None, 0, None)
        if left <= 0 or not tag.antenna.alive_at(now_us):
            # An antenna may stay dead for days, or the disk full.
            left = max(left, after // 16)
        self._deadlines.put(tag, now_us + max(left, 1))

    def _forget_old_rings(self, tag: _Tag, now_us: int) -> None:
        """Drop the rings of zones that have not read the tag for so long that no late read could belong to them."""
        if tag.rings:
            oldest = now_us - self._after_us
            for zone in [zone for zone, (times, _) in tag.rings.items() if times[-1] <= oldest]:
                del tag.rings[zone]

    def _full(self) -> bool:
        """Whether what can wait has to. Arrivals need not: a tag that has arrived cannot again before it departs."""
        if len(self._waiting) < self._rules.max_waiting:
            return False
        self.counts.put_off += 1
        return True

    def _say(
        self, change: Presence, tag: _Tag, zone: _Zone, from_zone: _Zone | None, reads: int, rssi: int | None
    ) -> None:
        antenna = tag.antenna
        self._waiting.append(
            Change(
                change,
                tag.epc,
                antenna.device,
                antenna.number,
                zone.name,
                None if from_zone is None else from_zone.name,
                tag.last,
                reads,
                rssi,
            )
        )
