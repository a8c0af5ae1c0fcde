"""The writer's side of a log: what to send, what was acknowledged, and when a new epoch must be opened.

Sans-IO. Inputs are methods (`connect`, `receive`, `grew`, `tick`, ...) that receive the time they need, in seconds of
any steady clock; afterwards `next_action` is drained until None and each action carried out, its result given back by
the method the action names. Nothing is acknowledged on the transport's word: only a `Cursor` from a reader that
answered this writer's own hello, whose digest equals ours at that seq, moves `acked`.

One state machine, so one file although it is past 300 lines: every method reads or moves the same session.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from protocol.chain import Chapter, Position, extend
from protocol.errors import ContractBroken
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, Frame, Hello, ReaderMessage, Trace, Traced
from protocol.replication.ports import LogView
from protocol.replication.search import PrefixSearch
from protocol.replication.writer_actions import (
    Acked,
    LookUp,
    OpenEpoch,
    Say,
    SendFrame,
    SendSnapshot,
    WriterAction,
    WriterLimits,
)

_NEEDS_ANSWER = (SendFrame, LookUp, OpenEpoch)
MAX_LEAP = 1000
"""Generations that a new epoch may leave out; a reader that tells of more says what cannot be."""


class Standing(Enum):
    """How the writer stands with its reader."""

    APART = auto()
    READING = auto()
    TRACING = auto()
    HELD = auto()
    SEALED = auto()


@dataclass(frozen=True, slots=True)
class _Sent:
    """A frame in flight: its last seq, the chain after it, and the mark a refusal would name."""

    last: int
    digest: bytes
    mark: int
    entries: int
    flagged: bool


@dataclass(slots=True)
class _Tracing:
    """A search under way: the new epoch must follow generation `above`; `ask` ties answers to it."""

    search: PrefixSearch
    above: int
    ask: int
    done: bool = False


class LogWriter:
    """One log towards one reader."""

    def __init__(self, view: LogView, incarnation: int, nonce: Callable[[], int], limits: WriterLimits) -> None:
        """Take the log as it stands; `incarnation` is new at each start; `nonce` gives 64 random bits a call."""
        self._view = view
        self._incarnation = incarnation
        self._nonce = nonce
        self._limits = limits
        self._actions: deque[WriterAction] = deque()
        self._waiting_for: type[object] | None = None
        self._connected = False
        self._sealed = False
        self.snapshot_above: int | None = None
        """Send the whole state instead of more entries than this; None: never. The driver may change it."""
        self._acked: Position | None = None
        self._ask = 0
        self._greeted_s = self._progress_s = self._snapshot_s = 0.0
        self._credit = 0
        self._held = self._flag = self._asking = False
        self._next = 1
        self._acked_seq = 0
        self._limit = limits.frame_entries
        self._reader: int | None = None
        self._challenge: int | None = None
        self._tracing: _Tracing | None = None
        self._serving: Epoch | None = None
        self._in_flight: deque[_Sent] = deque()
        self._to_check: Position | None = None
        self._forget_reader()

    @property
    def incarnation(self) -> int:
        """The number this start of the writer goes by."""
        return self._incarnation

    @property
    def ask(self) -> int:
        """The number that the answer to the latest hello will return."""
        return self._ask

    @property
    def standing(self) -> Standing:
        """How it stands with the reader."""
        if self._sealed:
            return Standing.SEALED
        if self._reader is None:
            return Standing.APART
        if self._held:
            return Standing.HELD
        return Standing.TRACING if self._tracing is not None else Standing.READING

    @property
    def acked(self) -> Position | None:
        """How far the reader is known to have committed."""
        return self._acked

    @property
    def backlog(self) -> int:
        """Entries not known to be committed by the reader: from the acknowledged position to the head."""
        if self._acked is None:
            return self._view.entries_after(self._view.first)
        return self._view.entries_after(self._acked)

    def connect(self, now_s: float) -> None:
        """The transport is up: greet."""
        self._forget_reader()
        self._connected = True
        self._greet(now_s)

    def disconnect(self) -> None:
        """The transport is gone; what was in flight counts as unsent."""
        self._forget_reader()
        self._connected = False
        self._actions.clear()

    def grew(self, view: LogView, now_s: float) -> None:
        """The log holds more, durably (or less at its old end, or a new epoch that another reader's fork asked for)."""
        is_other_life = view.head.epoch != self._view.head.epoch
        self._view = view
        if is_other_life and self._connected:
            # Where this reader stands in it, and whether that needs an epoch of its own still, only a greeting tells.
            self._tracing = None
            self._stop_serving()
            self._greet(now_s)
        elif self._serving is not None and not view.keeps(self._serving, self._next) and self._next <= self._end():
            # What is to be sent next is gone: the hello's `first` lets the reader move on.
            self._stop_serving()
            self._greet(now_s)
        if not self._in_flight:
            self._progress_s = now_s
        self._fill()

    def receive(self, message: ReaderMessage, now_s: float) -> None:
        """Take a message from the reader's side; anything stale or meant for another writer is dropped."""
        if not self._connected:
            return
        match message:
            case Cursor():
                self._cursor(message, now_s)
            case Traced():
                self._traced(message, now_s)
        self._fill()

    def tick(self, now_s: float) -> None:
        """Time passed: resend what made no progress, greet when idle."""
        if not self._connected or self._waiting_for is not None:
            return
        overdue = now_s - self._progress_s >= self._limits.resend_s
        unanswered = now_s - self._greeted_s >= self._limits.resend_s
        if self._reader is None or self._tracing is not None or self._awaiting_switch():
            if unanswered:
                self._tracing = None
                self._greet(now_s)
        elif self._in_flight and overdue:
            if not self._asking or unanswered:
                # It may be slow, deaf, or have been robbed of a frame. Its answer comes after all that went before the
                # question, and says what is to be sent again: a slow one is not given everything twice.
                self._asking = True
                self._greet(now_s)
        elif now_s - self._greeted_s >= self._limits.hello_s:
            self._greet(now_s)
        self._fill()

    def wake_s(self) -> float:
        """When `tick` has something to do at the latest."""
        if self._reader is None or self._tracing is not None or self._awaiting_switch():
            return self._greeted_s + self._limits.resend_s
        if self._in_flight:
            if self._asking:
                return self._greeted_s + self._limits.resend_s
            return min(self._progress_s + self._limits.resend_s, self._greeted_s + self._limits.hello_s)
        return self._greeted_s + self._limits.hello_s

    def next_action(self) -> WriterAction | None:
        """Give the next thing to do, or None."""
        if not self._actions:
            return None
        action = self._actions.popleft()
        if isinstance(action, _NEEDS_ANSWER):
            self._waiting_for = type(action)
        return action

    def frame_sent(self, frame: Frame, mark: int, now_s: float) -> None:
        """`SendFrame` was carried out with this frame; `mark` is `frames.payload_mark` of its bytes."""
        self._answered(SendFrame)
        if self._serving != frame.epoch or frame.first != self._next:
            return
        if not self._in_flight:
            self._progress_s = now_s
        end = extend(frame.digest, frame.lines)
        self._in_flight.append(_Sent(frame.last, end, mark, len(frame.lines), frame.flagged))
        self._next = frame.last + 1
        self._fill()

    def looked_up(self, own: Mapping[tuple[Epoch, int], bytes | None], now_s: float) -> None:
        """`LookUp` was carried out."""
        self._answered(LookUp)
        tracing = self._tracing
        if tracing is not None:
            if tracing.done:
                self._open(tracing, own)
                return
            points = tracing.search.offer({self._view.depth_of(entry): digest for entry, digest in own.items()})
            if points:
                self._actions.append(Say(Trace(points, self._incarnation, tracing.ask)))
            else:
                self._end_search(tracing)
            return
        asked, self._to_check = self._to_check, None
        if asked is not None and (asked.epoch, asked.seq) in own:
            digest = own[asked.epoch, asked.seq]
            if digest is None:
                self._cannot_tell(asked, now_s)
            else:
                self._judge(asked, digest, now_s)
        self._fill()

    def epoch_opened(self, view: LogView, now_s: float) -> None:
        """`OpenEpoch` was carried out: the log's view now."""
        self._answered(OpenEpoch)
        self._view = view
        self._tracing = None
        self._stop_serving()
        self._greet(now_s)

    def abandon(self) -> None:
        """The action under way could not be carried out; `tick` tries again."""
        self._waiting_for = None
        if self._to_check is not None:
            # Nothing but another cursor brings the question up again, so ask for one, as soon as what is unanswered.
            self._to_check = None
            self._greeted_s += self._limits.resend_s - self._limits.hello_s

    # Greeting and cursors

    def _greet(self, now_s: float) -> None:
        self._ask = self._nonce()
        self._greeted_s = now_s
        view = self._view
        hello = Hello(view.lineage, view.first, view.head, self._incarnation, self._ask, self._challenge)
        self._actions.append(Say(hello))

    def _cursor(self, cursor: Cursor, now_s: float) -> None:
        answers = cursor.re is not None and cursor.re == self._ask
        if not answers and cursor.reader != self._reader:
            # A reader we have not shaken hands with: it restarted, or this is an echo of one long gone.
            if now_s - self._greeted_s >= self._limits.resend_s or self._reader is not None:
                self._reader = None
                self._challenge = None
                self._stop_serving()
                self._greet(now_s)
            return
        if cursor.re is not None and not answers:
            return
        if answers:
            self._ask = self._nonce()
            if cursor.reader != self._reader:
                self._stop_serving()
                self._reader = cursor.reader
                self._challenge = None
        if cursor.sealed == self._incarnation:
            self._sealed = True
        if answers:
            self._held = cursor.held
        else:
            self._held = self._held or cursor.held
        if self._sealed or self._held:
            self._stop_serving()
        proven = cursor.challenge is None
        if cursor.challenge is not None and cursor.challenge != self._challenge:
            self._challenge = cursor.challenge
            self._greet(now_s)
        if self._sealed or self._held:
            return
        self._credit = cursor.credit
        if cursor.snapshot:
            self._send_snapshot(answers, now_s)
            return
        if cursor.refused is not None:
            self._refused(cursor.refused.payload, now_s)
        if cursor.at is not None and self._tracing is None:
            self._place(cursor.at, answers, answers and proven, now_s)
        if answers and proven and self._asking:
            self._asking = False
            if self._in_flight:
                self._rewind(now_s)

    def _place(self, at: Position, answers: bool, settled: bool, now_s: float) -> None:
        """Find where the reader stands in our lineage; `settled`: it has seen our proven hello and stays there."""
        index = self._view.index(at.epoch)
        if index is None:
            if settled:
                self._trace(at.epoch.generation, now_s)
            return
        if not answers and self._serving is not None:
            serving = self._view.index(self._serving)
            if serving is not None and (index, at.seq) < (serving, self._acked_seq):
                return
        end = self._view.end_of(index)
        last = index == len(self._view.lineage) - 1
        if at.seq > end or (at.seq == end and not last):
            if last or settled:
                # Ahead of us; or offered the next epoch and it did not follow: we share less than we think.
                self._trace(at.epoch.generation, now_s)
            else:
                self._stop_serving()
                self._serving = at.epoch
                self._next = end + 1
            return
        own = self._own_digest(at)
        if own is None:
            if self._to_check is not None:
                return
            self._to_check = at
            self._actions.append(LookUp(((at.epoch, at.seq),)))
            return
        self._judge(at, own, now_s)

    def _cannot_tell(self, at: Position, now_s: float) -> None:
        """Go on where our own chain is unknown: so far back, or within what the log has lost."""
        if not self._view.keeps(at.epoch, at.seq + 1):
            # The hello's `first` lets the reader move on.
            self._greet(now_s)
            return
        # What the reader has there can be neither compared nor sent. Being asked to send it, the log finds that out and
        # moves its first entry behind the loss.
        self._stop_serving()
        self._acked = at
        self._actions.append(Acked(at))
        self._serving = at.epoch
        self._next = at.seq + 1
        self._acked_seq = at.seq

    def _judge(self, at: Position, own: bytes, now_s: float) -> None:
        if own != at.digest:
            self._trace(at.epoch.generation, now_s)
            return
        if self._serving != at.epoch or at.seq < self._acked_seq or at.seq >= self._next:
            self._stop_serving()
            self._serving = at.epoch
            self._next = at.seq + 1
            self._progress_s = now_s
        while self._in_flight and self._in_flight[0].last <= at.seq:
            done = self._in_flight.popleft()
            self._limit = min(self._limit * 2, self._limits.frame_entries)
            if done.flagged:
                self._flag = False
        if at.seq > self._acked_seq:
            self._progress_s = now_s
            self._asking = False
        self._acked_seq = at.seq
        if at != self._acked:
            self._acked = at
            self._actions.append(Acked(at))
        behind = self._view.entries_after(at)
        if self.snapshot_above is not None and behind > self.snapshot_above and not self._in_flight:
            self._stop_serving()
            self._send_snapshot(False, now_s)

    def _send_snapshot(self, asked: bool, now_s: float) -> None:
        """Send the whole state, but not once for every cursor that still lacks it."""
        if asked or now_s - self._snapshot_s >= self._limits.resend_s:
            self._snapshot_s = now_s
            self._progress_s = now_s
            self._actions.append(SendSnapshot())

    def _refused(self, mark: int, now_s: float) -> None:
        for sent in self._in_flight:
            if sent.mark == mark:
                if sent.entries == 1:
                    self._flag = True
                self._limit = max(1, sent.entries // 2)
                self._rewind(now_s)
                return

    def _own_digest(self, at: Position) -> bytes | None:
        view = self._view
        for known in (view.head, view.first, self._acked):
            if known is not None and known.epoch == at.epoch and known.seq == at.seq:
                return known.digest
        if at.seq == 0:
            index = self._view.index(at.epoch)
            return None if index is None else view.lineage[index].origin().digest
        if self._serving == at.epoch:
            for sent in self._in_flight:
                if sent.last == at.seq:
                    return sent.digest
        return None

    # Forks

    def _trace(self, above: int, now_s: float) -> None:
        """Look for the last entry that the reader shares; a new epoch must follow generation `above`."""
        self._stop_serving()
        view = self._view
        if above > view.head.epoch.generation + MAX_LEAP:
            # Following it would use up the generations there are. Greeted again in time, it may know better.
            return
        kept_from = view.depth_of((view.first.epoch, view.first.seq))
        search = PrefixSearch(view.lineage[0].origin().digest, view.depth, kept_from)
        self._tracing = _Tracing(search, above, self._nonce())
        self._greeted_s = now_s
        self._narrow(self._tracing)

    def _narrow(self, tracing: _Tracing) -> None:
        depths = tracing.search.wanted()
        if depths:
            self._actions.append(LookUp(tuple(self._view.at_depth(depth) for depth in depths)))
        else:
            self._end_search(tracing)

    def _traced(self, traced: Traced, now_s: float) -> None:
        tracing = self._tracing
        if tracing is None or traced.re != tracing.ask:
            return
        self._greeted_s = now_s
        if not tracing.search.answer(traced):
            self._tracing = None
            self._greet(now_s)
            return
        tracing.ask = self._nonce()
        self._narrow(tracing)

    def _end_search(self, tracing: _Tracing) -> None:
        """All that is left to know is whether an entry is carried over, and the chain after it."""
        tracing.done = True
        depth = tracing.search.shared
        following = (self._view.at_depth(depth + 1),) if depth < self._view.depth else ()
        self._actions.append(LookUp(following))

    def _open(self, tracing: _Tracing, own: Mapping[tuple[Epoch, int], bytes | None]) -> None:
        generation = max(tracing.above, self._view.head.epoch.generation) + 1
        depth = tracing.search.shared
        epoch, seq = self._view.at_depth(depth)
        base = Position(epoch, seq, tracing.search.digest)
        carried = next(iter(own.values()), None)
        self._actions.append(OpenEpoch(Chapter(Epoch(generation, self._nonce()), base, depth, carried)))

    # Sending

    def _fill(self) -> None:
        """Ask for the next frame if there is something to send and room for it."""
        if (
            self._waiting_for is not None
            or self._serving is None
            or self._tracing is not None
            or self._held
            or self._sealed
            or self._asking
        ):
            return
        if any(isinstance(action, _NEEDS_ANSWER) for action in self._actions):
            return
        index = self._view.index(self._serving)
        if index is None or self._next > self._view.end_of(index) or not self._view.keeps(self._serving, self._next):
            return
        entries = sum(sent.entries for sent in self._in_flight)
        if len(self._in_flight) >= self._limits.window_frames or (entries and entries >= self._credit):
            return
        limit = 1 if self._flag else min(self._limit, max(1, self._credit - entries))
        limit = min(limit, self._view.end_of(index) - self._next + 1)
        self._actions.append(SendFrame(self._serving, self._next, limit, self._limits.frame_bytes, self._flag))

    def _end(self) -> int:
        index = None if self._serving is None else self._view.index(self._serving)
        return 0 if index is None else self._view.end_of(index)

    def _rewind(self, now_s: float) -> None:
        self._in_flight.clear()
        self._next = self._acked_seq + 1
        self._progress_s = now_s

    def _stop_serving(self) -> None:
        self._serving = None
        self._next = 1
        self._acked_seq = 0
        self._in_flight.clear()
        self._asking = False
        self._to_check = None

    def _forget_reader(self) -> None:
        self._reader = None
        self._challenge = None
        self._ask = 0
        self._greeted_s = 0.0
        self._progress_s = 0.0
        self._snapshot_s = -self._limits.resend_s
        self._credit = 0
        self._held = False
        self._tracing = None
        self._waiting_for = None
        self._limit = self._limits.frame_entries
        self._flag = False
        self._stop_serving()

    def _answered(self, action: type[object]) -> None:
        if self._waiting_for is not action:
            raise ContractBroken(f"{action.__name__} was not under way")
        self._waiting_for = None

    def _awaiting_switch(self) -> bool:
        if self._serving is None:
            return False
        index = self._view.index(self._serving)
        return index is not None and index < len(self._view.lineage) - 1 and self._next > self._view.end_of(index)
