"""A whole replication in memory: disks that are copied, processes that die, a network that does what it likes.

Beyond 300 lines because its parts have to die, be copied and lose words together.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

from protocol.chain import Chapter, Position, extend
from protocol.frames import (
    decode_reader_message,
    decode_writer_message,
    encode_reader_message,
    encode_writer_message,
    payload_mark,
)
from protocol.identity import Epoch
from protocol.replication.messages import Frame, Hello
from protocol.replication.ports import LogView, Loss, ReaderState, Slice
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, Reply
from protocol.replication.writer import LogWriter
from protocol.replication.writer_actions import (
    Acked,
    LookUp,
    OpenEpoch,
    Say,
    SendFrame,
    SendSnapshot,
    WriterLimits,
)

LIMITS = WriterLimits(frame_entries=4, frame_bytes=10_000, window_frames=3, resend_s=2.0, hello_s=30.0)


@dataclass
class Disk:
    """A writer's file: rows, the chapters that map epochs onto them, and how many of the oldest are pruned."""

    rows: list[bytes]
    chapters: list[tuple[Chapter, int]]
    pruned: int = 0

    @classmethod
    def new(cls, nonce: Callable[[], int]) -> Disk:
        return cls([], [(Chapter(Epoch(1, nonce())), 0)])

    def view(self) -> LogView:
        index = max(i for i, (_, start) in enumerate(self.chapters) if start <= self.pruned)
        epoch, start = self.chapters[index][0].epoch, self.chapters[index][1]
        first = Position(epoch, self.pruned - start, self._digest(epoch, self.pruned - start))
        chapter, start = self.chapters[-1]
        head = Position(chapter.epoch, len(self.rows) - start, self._digest(chapter.epoch, len(self.rows) - start))
        return LogView(tuple(chapter for chapter, _ in self.chapters), first, head)

    def read(self, epoch: Epoch, first: int, limit: int) -> Slice:
        index, start = self._chapter(epoch)
        end = len(self.rows) if index == len(self.chapters) - 1 else self.chapters[index + 1][1]
        row = start + first - 1
        assert self.pruned <= row < end
        return Slice(epoch, first, self._digest(epoch, first - 1), tuple(self.rows[row : min(row + limit, end)]))

    def digest(self, epoch: Epoch, seq: int) -> bytes | None:
        """As a real store: what lies in the pruned part cannot be told."""
        _, start = self._chapter(epoch)
        return None if seq and start + seq < self.pruned else self._digest(epoch, seq)

    def open_epoch(self, chapter: Chapter) -> None:
        base = chapter.base
        assert base is not None
        index, start = self._chapter(base.epoch)
        assert self._digest(base.epoch, base.seq) == base.digest
        assert chapter.depth == start + base.seq
        self.chapters[index + 1 :] = [(chapter, chapter.depth)]

    def told_by(self, head: Position) -> tuple[bytes, ...]:
        """The rows of an epoch up to a head of it."""
        _, start = self._chapter(head.epoch)
        return tuple(self.rows[start : start + head.seq])

    def ids_of(self, row: int) -> Position:
        for chapter, start in reversed(self.chapters):
            if start <= row:
                return Position(chapter.epoch, row - start + 1, b"")
        raise AssertionError(row)

    def _chapter(self, epoch: Epoch) -> tuple[int, int]:
        return next((i, start) for i, (chapter, start) in enumerate(self.chapters) if chapter.epoch == epoch)

    def _digest(self, epoch: Epoch, seq: int) -> bytes:
        _, start = self._chapter(epoch)
        return extend(self.chapters[0][0].origin().digest, self.rows[: start + seq])


@dataclass
class Store:
    """A reader's database: the state and what it stands for."""

    state: ReaderState = field(default_factory=ReaderState)
    entries: dict[Epoch, list[bytes | None]] = field(default_factory=dict)
    chain: dict[tuple[Epoch, int], bytes] = field(default_factory=dict)
    """The chain before and after every entry held."""
    origins: dict[Epoch, bytes] = field(default_factory=dict)
    losses: list[Loss] = field(default_factory=list)
    quarantine: list[bytes] = field(default_factory=list)
    told: set[bytes] = field(default_factory=set)
    """Lines under a head that was durably noted, beyond what is held: if they are lost, the reader can know."""

    def apply(self, commit: Commit) -> None:
        self.losses += commit.losses
        if commit.entries is not None:
            s = commit.entries
            kept = self.entries.setdefault(s.epoch, [])
            kept += [None] * (s.first - 1 - len(kept))
            assert len(kept) == s.first - 1, "an entry came twice or too early"
            kept += s.lines
            self.chain[s.epoch, s.first - 1] = s.digest
            for seq, line in enumerate(s.lines, s.first):
                self.chain[s.epoch, seq] = extend(self.chain[s.epoch, seq - 1], (line,))
            self.origins.setdefault(s.epoch, b"")
            if commit.flagged:
                self.quarantine += s.lines
        self.state = commit.state


class Station:
    """One writer: a disk, and a process while it lives."""

    def __init__(self, disk: Disk, nonce: Callable[[], int]) -> None:
        self.disk = disk
        self.nonce = nonce
        self.writer: LogWriter | None = None

    def start(self, now_s: float) -> None:
        self.writer = LogWriter(self.disk.view(), self.nonce(), self.nonce, LIMITS)
        self.writer.connect(now_s)


class World:
    """Stations that speak for one log, the hub that reads it, and the messages between them."""

    def __init__(self) -> None:
        self._random = 0
        self.now_s = 0.0
        self.stations = [Station(Disk.new(self.nonce), self.nonce)]
        self.store = Store()
        self.reader: LogReader | None = None
        self.to_hub: list[bytes] = []
        self.to_station: list[tuple[Station, bytes]] = []
        self.lines = 0
        self.named: dict[bytes, set[tuple[Epoch, int]]] = {}
        self.heads: dict[Position, tuple[bytes, ...]] = {}
        self.ever_committed: set[tuple[Epoch, int, bytes]] = set()
        self.ever_at: set[Position] = set()
        self.written: set[bytes] = set()
        """The chain after every line of every disk that ever was: all that a reader may ever stand at."""
        self.forks = 0

    def nonce(self) -> int:
        self._random += 1
        return self._random * 0x9E3779B97F4A7C15 % 2**64

    # The station's side

    def append(self, station: Station, n: int) -> None:
        for _ in range(n):
            self.lines += 1
            station.disk.rows.append(b"line %06d" % self.lines)
        self._name(station)
        digest = station.disk.view().lineage[0].origin().digest
        self.written.add(digest)
        for line in station.disk.rows:
            digest = extend(digest, (line,))
            self.written.add(digest)
        if station.writer is not None:
            station.writer.grew(station.disk.view(), self.now_s)

    def _name(self, station: Station) -> None:
        for row in range(len(station.disk.rows)):
            at = station.disk.ids_of(row)
            self.named.setdefault(station.disk.rows[row], set()).add((at.epoch, at.seq))

    def work_station(self, station: Station, steps: int) -> bool:
        """Carry out up to `steps` actions; tell whether anything was done."""
        done = False
        for _ in range(steps):
            writer = station.writer
            action = None if writer is None else writer.next_action()
            if writer is None or action is None:
                return done
            done = True
            match action:
                case Say():
                    if isinstance(action.message, Hello):
                        # It may have grown since the writer made this up: told is what the hello says, and no more.
                        head = action.message.head
                        self.heads[head] = station.disk.told_by(head)
                    self.to_hub.append(encode_writer_message(action.message))
                case SendFrame():
                    s = station.disk.read(action.epoch, action.first, action.max_entries)
                    frame = Frame(
                        s.epoch, s.first, s.digest, s.lines, flagged=action.flagged, writer=writer.incarnation
                    )
                    payload = encode_writer_message(frame)
                    self.to_hub.append(payload)
                    writer.frame_sent(frame, payload_mark(payload), self.now_s)
                case LookUp():
                    writer.looked_up({entry: station.disk.digest(*entry) for entry in action.entries}, self.now_s)
                case OpenEpoch():
                    station.disk.open_epoch(action.chapter)
                    self._name(station)
                    writer.epoch_opened(station.disk.view(), self.now_s)
                case SendSnapshot():
                    raise AssertionError("a station log has no snapshot")
                case Acked():
                    at = action.position
                    own = station.disk.digest(at.epoch, at.seq)
                    assert own is None or own == at.digest, "acknowledged what it does not hold"
                    assert at.seq == 0 or (at.epoch, at.seq, at.digest) in self.ever_committed, (
                        "acknowledged uncommitted"
                    )
        return done

    def prune(self, station: Station, n: int) -> None:
        """Prune acknowledged rows, as retention would."""
        acked = None if station.writer is None else station.writer.acked
        if station.writer is None or acked is None:
            return
        epochs = {chapter.epoch: start for chapter, start in station.disk.chapters}
        if acked.epoch in epochs:
            station.disk.pruned = max(
                station.disk.pruned, min(station.disk.pruned + n, epochs[acked.epoch] + acked.seq)
            )
            station.writer.grew(station.disk.view(), self.now_s)

    # The hub's side

    def start_hub(self) -> None:
        self.reader = LogReader(self.store.state, self.nonce(), self.nonce, OutOfReach.RECORD_LOSS, credit=10)

    def work_hub(self, steps: int, fate: str = "commit") -> bool:
        """Carry out up to `steps` actions; `fate` of the first commit: commit, fail, or die before or after it."""
        done = False
        for _ in range(steps):
            reader = self.reader
            action = None if reader is None else reader.next_action()
            if reader is None or action is None:
                return done
            done = True
            match action:
                case Commit():
                    if fate == "die before":
                        self.reader = None
                    elif fate == "fail":
                        reader.commit_failed()
                        fate = "commit"
                    else:
                        assert not self.store.state.contested or not action.entries, "took entries while contested"
                        self.store.apply(action)
                        at = self.store.state.at
                        if at is not None:
                            for told in action.state.announced:
                                self.store.told.update(self.heads[told.head][at.seq :])
                            self._remember(at, action)
                        if fate == "die after":
                            self.reader = None
                        else:
                            reader.committed(action.serial)
                case Reply():
                    at = getattr(action.message, "at", None)
                    assert at is None or at in self.ever_at, "said a cursor that is not durable"
                    for station in self.stations:
                        self.to_station.append((station, encode_reader_message(action.message)))
                case LookUpRead():
                    reader.looked_up({entry: self._held(*entry) for entry in action.entries})
                case ForkSeen():
                    self.forks += 1
        return done

    def _remember(self, at: Position, commit: Commit) -> None:
        assert at.seq == 0 or at.digest in self.written, "took entries that no writer wrote after one another"
        self.ever_at.add(at)
        self.ever_committed.add((at.epoch, at.seq, at.digest))
        if commit.entries is not None:
            digest = commit.entries.digest
            for i, line in enumerate(commit.entries.lines):
                digest = extend(digest, (line,))
                self.ever_committed.add((commit.entries.epoch, commit.entries.first + i, digest))

    def _held(self, epoch: Epoch, seq: int) -> bytes | None:
        """The chain after an entry, as a real store tells it; None where neither it nor the next one is held."""
        return self.store.chain.get((epoch, seq))

    # The network

    def deliver_to_hub(self, index: int, keep: bool) -> None:
        payload = self.to_hub[index % len(self.to_hub)]
        if not keep:
            self.to_hub.remove(payload)
        if self.reader is not None:
            self.reader.receive(decode_writer_message(payload))

    def deliver_to_station(self, index: int, keep: bool) -> None:
        index %= len(self.to_station)
        station, payload = self.to_station[index]
        if not keep:
            del self.to_station[index]
        if station.writer is not None:
            station.writer.receive(decode_reader_message(payload), self.now_s)

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        for station in self.stations:
            if station.writer is not None:
                station.writer.tick(self.now_s)

    # Mending

    def settle(self) -> None:
        """Bring everything up and let it work, lossless and in order, until nothing moves any more."""
        if self.reader is None:
            self.start_hub()
        for station in self.stations:
            if station.writer is None:
                station.start(self.now_s)
        for attempt in range(400):
            busy = True
            rounds = 0
            while busy:
                busy = self.work_hub(1000)
                for station in self.stations:
                    busy = self.work_station(station, 1000) or busy
                while self.to_hub:
                    self.deliver_to_hub(0, keep=False)
                    busy = True
                while self.to_station:
                    self.deliver_to_station(0, keep=False)
                    busy = True
                rounds += 1
                assert rounds < 3000, "the two sides talk without end"
            if self.store.state.contested or (attempt and self._all_caught_up()):
                return
            self.pass_time(2.5 if attempt else 31.0)
        raise AssertionError("never settled")

    def _all_caught_up(self) -> bool:
        return all(
            s.writer is not None and (s.writer.acked == s.disk.view().head or s.writer.standing.name == "SEALED")
            for s in self.stations
        )

    def copy_disk(self, station: Station) -> Disk:
        return deepcopy(station.disk)
