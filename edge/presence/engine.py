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

Beyond 300 lines because it is one state machine.

A read without a time is taken at the time it came; so is one from the future, and counted. The rings are not kept over
a restart. Then all zones begin anew to be silent, so that no tag moves on the strength of what is not remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from edge.codecs.readings import TagRead
from edge.presence.changes import Change, Counts, Standing
from edge.presence.deadlines import Deadlines
from edge.presence.judging import has_moved, loudest
from edge.presence.records import AntennaRecord, TagRecord, ZoneRecord, empty_ring, times_of
from edge.presence.rings import Late, put_late, put_newest
from edge.presence.rules import MAX_EPC_BYTES, Antenna, Rules, Smoothing
from edge.presence.signal_strength import NOT_TOLD
from protocol.events import Presence
from protocol.identity import DeviceId

JUDGE_EVERY_US = 500_000
"""A tag is heard in two zones many times a second; where it is, is asked no oftener than this."""
_BUCKETS = 256
"""In a time-out: what a change may be late for being looked for in buckets."""


class Engine:
    """All the tags of a station. Times are UTC microseconds; `begun_us` is the time now.

    `begun_us` and every `now_us` are of one clock, which `clock_set` tells of when somebody sets it.
    """

    def __init__(self, rules: Rules, begun_us: int) -> None:
        self._rules = rules
        self._after_us = rules.departed_after_us
        self._width_us = max(1, rules.departed_after_us // _BUCKETS)
        self._zones: dict[str, ZoneRecord] = {}
        self._antennas: dict[DeviceId, dict[int, AntennaRecord]] = {}
        for zone in rules.zones:
            made = self._zones[zone.name] = ZoneRecord(zone.name, zone.smoothing)
            for one in zone.antennas:
                self._antennas.setdefault(one.device, {})[one.number] = AntennaRecord(
                    one, made, rules.alive_for_us, begun_us
                )
        self._tags: dict[bytes, TagRecord] = {}
        self._deadlines: Deadlines[TagRecord] = Deadlines(self._width_us)
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
        ghosts: dict[Antenna, AntennaRecord] = {}
        for one in standings:
            zone = self._zones.get(one.zone)
            if zone is None:
                zone = self._zones[one.zone] = ZoneRecord(one.zone, Smoothing())
            antenna = self._antennas.get(one.device, {}).get(one.antenna)
            if antenna is None:
                named = Antenna(one.device, one.antenna)
                antenna = ghosts.setdefault(named, AntennaRecord(named, zone, self._rules.alive_for_us, self._begun_us))
            tag = self._tags[one.epc] = TagRecord(one.epc, antenna, min(one.seen_us, self._begun_us))
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
            tag.times, tag.rssi = empty_ring()
            tag.rings.clear()
            self._deadlines.put(tag, now_us + self._after_us)

    # Reads out of the ordinary

    def _first(self, antenna: AntennaRecord, at: int, read: TagRead) -> None:
        if not 0 < len(read.epc) <= MAX_EPC_BYTES:
            self.counts.bad_epc += 1
            return
        if len(self._tags) >= self._rules.max_tags:
            self.counts.refused += 1
            return
        tag = self._tags[read.epc] = TagRecord(read.epc, antenna, at)
        self._deadlines.put(tag, at + self._after_us)
        self._again(tag, antenna.zone, at, read)

    def _again(self, tag: TagRecord, zone: ZoneRecord, at: int, read: TagRead) -> None:
        """Count a read of a tag that has not arrived yet."""
        put_newest(tag, zone, at, read)
        tag.reads += times_of(read)
        if tag.reads >= self._rules.min_reads:
            self._arrive(tag, None, tag.reads)

    def _back(self, tag: TagRecord, home: ZoneRecord, zone: ZoneRecord, at: int, read: TagRead) -> None:
        put_newest(tag, zone, at, read)
        tag.home = None
        self._arrive(tag, home, times_of(read))

    def _arrive(self, tag: TagRecord, home: ZoneRecord | None, reads: int) -> None:
        best, rssi = loudest(tag)
        tag.zone = best
        tag.reads = 0
        tag.times, tag.rssi = tag.rings.pop(best)
        self._say(Presence.ARRIVED, tag, best, home, reads, rssi)

    def _elsewhere(self, tag: TagRecord, home: ZoneRecord, zone: ZoneRecord, at: int, read: TagRead) -> None:
        """Take a read in another zone, and judge whether the tag is now there."""
        reads = put_newest(tag, zone, at, read)
        if at < tag.judge or reads < zone.move_reads:
            return
        tag.judge = at + JUDGE_EVERY_US
        moved, mean = has_moved(tag, home, zone, at, self._begun_us)
        if not moved or self._full():
            return
        if tag.times:
            tag.rings[home] = (tag.times, tag.rssi)
        tag.times, tag.rssi = tag.rings.pop(zone)
        tag.zone = zone
        self._say(Presence.MOVED, tag, zone, home, reads, mean)

    def _late(self, tag: TagRecord, antenna: AntennaRecord, at: int, read: TagRead) -> None:
        """Take a read that is not the tag's newest: it may count, but where the tag is, is for a newer one to say."""
        if tag.home is not None or (late := put_late(tag, antenna.zone, at, read)) is Late.TOO_LATE:
            self.counts.late += 1
            return
        if late is Late.KNOWN:
            self.counts.repeated += 1
            return
        if tag.zone is None:
            tag.reads += times_of(read)
            if tag.reads >= self._rules.min_reads:
                self._arrive(tag, None, tag.reads)

    # Time

    def _look_at(self, tag: TagRecord, now_us: int) -> None:
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
            tag.times, tag.rssi = empty_ring()
            tag.rings.clear()
            self._say(Presence.UNKNOWN, tag, zone, None, 0, None)
        if left <= 0 or not tag.antenna.alive_at(now_us):
            # An antenna may stay dead for days, or the disk full.
            left = max(left, after // 16)
        self._deadlines.put(tag, now_us + max(left, 1))

    def _forget_old_rings(self, tag: TagRecord, now_us: int) -> None:
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
        self,
        change: Presence,
        tag: TagRecord,
        zone: ZoneRecord,
        from_zone: ZoneRecord | None,
        reads: int,
        rssi: int | None,
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
