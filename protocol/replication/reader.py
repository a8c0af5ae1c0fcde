"""The reader's side of a log: takes entries once and in order, acknowledges what is committed, and sees forks.

Sans-IO, like `writer`. Inputs: `receive` and the answers to actions; then drain `next_action`. A cursor said to anyone
is the durable one; frames that arrive while a commit is under way are taken on top of it, so a driver may commit
several at once.

    frame at our seq, chain equal   commit, then acknowledge     frame before it   say the cursor
    frame beyond it (a gap)         say the cursor               chain differs     fork: skip and acknowledge nothing
    frame of a replaced writer      say the cursor

Whether a writer is alive is proved by challenge: a hello that echoes a number given to that very incarnation. An
incarnation that was replaced by another and proves itself alive afterwards means two live writers of one log (a cloned
card): from then on nothing is taken from either, durably, until `choose`.

One state machine, so one file although it is past 300 lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from protocol.chain import extend
from protocol.errors import ContractBroken
from protocol.identity import Epoch
from protocol.replication.carrying import fill
from protocol.replication.following import advance, follow, jump
from protocol.replication.messages import Cursor, Frame, Hello, Refusal, SnapshotPart, Trace, Traced, WriterMessage
from protocol.replication.ports import Loss, ReaderState, Slice
from protocol.replication.reader_actions import (
    Commit,
    ForkSeen,
    LookUpRead,
    OutOfReach,
    ReaderAction,
    Reply,
    Snapshot,
    Stage,
)

KEPT_INCARNATIONS = 64
CHALLENGES = 16


class LogReader:
    """One log, from whichever writer speaks for it."""

    def __init__(
        self,
        state: ReaderState,
        incarnation: int,
        nonce: Callable[[], int],
        out_of_reach: OutOfReach,
        credit: int,
        *,
        staged: bool = False,
    ) -> None:
        """Take the durable state; `incarnation` is new at each start; `nonce` gives 64 random bits a call.

        `staged`: the parts of a snapshot are handed on as they come, in order, and are not gathered here.
        """
        self._durable = state
        self._tentative = state
        self._incarnation = incarnation
        self._nonce = nonce
        self._out_of_reach = out_of_reach
        self.credit = credit
        """Entries a writer may have in flight; the driver may change it at any time."""
        self._actions: deque[ReaderAction] = deque()
        self._under_way: deque[tuple[Commit, Hello | None]] = deque()
        self._serial = 0
        self._challenges: dict[int, int] = {}
        self._looking: Hello | Trace | None = None
        self._own: dict[tuple[Epoch, int], bytes | None] = {}
        self._later: Hello | None = None
        self._depths: dict[Epoch, int] = {}
        self._wants_snapshot = False
        self._parts: dict[int, SnapshotPart] = {}
        self._staged = staged
        self._next_part: tuple[int, int] | None = None

    @property
    def state(self) -> ReaderState:
        """The durable state."""
        return self._durable

    @property
    def wants_snapshot(self) -> bool:
        """Whether the whole state was asked for and has not come."""
        return self._wants_snapshot

    def say_cursor(self) -> None:
        """Tell where we are, unasked: at connecting, and when a snapshot stays away."""
        self._say(None)

    def receive(self, message: WriterMessage) -> None:
        """Take a message from a writer."""
        match message:
            case Hello():
                self._hello(message)
            case Frame():
                self._frame(message)
            case Trace():
                self._trace(message)
            case SnapshotPart():
                self._part(message)

    def refuse(self, payload: int, reason: str) -> None:
        """Say that a payload could not be understood (`frames.payload_mark` of it)."""
        self._say(None, refused=Refusal(payload, reason))

    def committed(self, serial: int) -> None:
        """Everything up to the commit `serial` is durable: acknowledge, once."""
        answered = False
        if not self._under_way or self._under_way[0][0].serial > serial:
            raise ContractBroken(f"commit {serial} was not under way")
        while self._under_way and self._under_way[0][0].serial <= serial:
            commit, hello = self._under_way.popleft()
            self._durable = commit.state
            if commit.snapshot is not None:
                self._wants_snapshot = False
            if hello is not None:
                self._say(hello.ask)
                answered = True
        if not answered:
            self._say(None)
        self._take_up_later()

    def _take_up_later(self) -> None:
        later = self._later
        if later is not None and not self._under_way:
            self._later = None
            self._follow(later)

    def commit_failed(self) -> None:
        """The oldest commit under way and all after it came to nothing: stand where we durably are."""
        self._under_way.clear()
        self._tentative = self._durable
        self._actions = deque(action for action in self._actions if not isinstance(action, Commit))
        self._take_up_later()

    def choose(self, incarnation: int) -> None:
        """Let one of the live writers go on, as a person decided; the others are sealed, what they hold owned up to."""
        state = self._tentative
        losers = tuple(i for i in state.contested if i != incarnation)
        retired = tuple(i for i in state.retired if i != incarnation)
        chosen = replace(
            state,
            contested=(),
            owner=incarnation,
            retired=retired,
            sealed=(*state.sealed, *losers)[-KEPT_INCARNATIONS:],
        )
        at = state.at
        self._commit(chosen, losses=() if at is None else (Loss(at.epoch, at.seq + 1, None),))

    @property
    def busy(self) -> bool:
        """Whether a commit is under way, so that what is durable is about to change."""
        return bool(self._under_way)

    def stand(self, state: ReaderState, losses: tuple[Loss, ...]) -> int:
        """Stand where a file of the log showed (`carrying`), planned on what is durable; give the commit's serial.

        Raises `ContractBroken` while `busy`.
        """
        if self._under_way:
            raise ContractBroken("a commit is under way")
        self._commit(state, losses=losses)
        return self._serial

    def take_carried(self, entries: Slice) -> int | None:
        """Take entries from a file; give the commit's serial, or None where they are not the next of their epoch.

        No writer is behind them, so whose writer is followed stays as it is.
        """
        state = self._tentative
        record = state.record(entries.epoch)
        if state.contested or record is None or record.position.seq + 1 != entries.first:
            return None
        if record.position.digest != entries.digest:
            return None
        end = extend(entries.digest, entries.lines)
        filled, losses = fill(state, entries.epoch, entries.lines, end)
        self._commit(filled, entries=entries, losses=losses)
        return self._serial

    def looked_up(self, own: Mapping[tuple[Epoch, int], bytes | None]) -> None:
        """`LookUpRead` was carried out."""
        looking, self._looking = self._looking, None
        self._own.update(own)
        match looking:
            case Hello():
                self._follow(looking)
            case Trace():
                self._answer_trace(looking)
            case None:
                raise ContractBroken("no look-up was under way")
        if self._looking is None:
            self._own.clear()

    def next_action(self) -> ReaderAction | None:
        """Give the next thing to do, or None."""
        return self._actions.popleft() if self._actions else None

    def _hello(self, hello: Hello) -> None:
        state = self._tentative
        if hello.echo is None or self._challenges.get(hello.writer) != hello.echo:
            if hello.writer not in self._challenges:
                while len(self._challenges) >= CHALLENGES:
                    del self._challenges[next(iter(self._challenges))]
                self._challenges[hello.writer] = self._nonce()
            self._say(hello.ask, challenge=self._challenges[hello.writer])
            return
        if hello.writer in state.sealed:
            self._say(hello.ask, sealed=hello.writer)
            return
        if hello.writer != state.owner:
            self._change_owner(hello.writer)
        if self._tentative.contested:
            self._settle(hello)
            return
        self._follow(hello)

    def _change_owner(self, writer: int) -> None:
        state = self._tentative
        if state.contested:
            if writer not in state.contested:
                self._tentative = replace(state, contested=(*state.contested, writer)[-KEPT_INCARNATIONS:])
        elif writer in state.retired and state.owner is not None:
            self._tentative = replace(state, contested=(state.owner, writer))
        else:
            retired = state.retired if state.owner is None else (*state.retired, state.owner)
            if state.owner is not None:
                # What it was challenged with before it was replaced proves nothing any more.
                self._challenges.pop(state.owner, None)
            self._tentative = replace(state, owner=writer, retired=retired[-KEPT_INCARNATIONS:])

    def _follow(self, hello: Hello) -> None:
        if self._under_way:
            # What is compared must be what is durable.
            self._later = hello
            return
        if self._tentative.contested:
            self._settle(hello)
            return
        plan = follow(self._tentative, hello, self._own)
        if plan.ask:
            self._look_up(hello, plan.ask)
            return
        self._depths = {chapter.epoch: chapter.depth for chapter in hello.lineage}
        if plan.stay:
            self._settle(hello)
            return
        if plan.whole and self._out_of_reach is OutOfReach.SNAPSHOT:
            self._wants_snapshot = True
            self._settle(hello)
            return
        self._tentative = plan.state
        self._settle(hello, plan.losses)

    def _settle(self, hello: Hello, losses: tuple[Loss, ...] = ()) -> None:
        """Answer a proven hello, after what it changed is durable."""
        newest = self._under_way[-1][0].state if self._under_way else self._durable
        if losses or self._tentative != newest:
            self._commit(self._tentative, hello=hello, losses=losses)
        else:
            self._say(hello.ask)

    def _frame(self, frame: Frame) -> None:
        at = self._tentative.at
        if self._tentative.contested or at is None or self._wants_snapshot or frame.epoch != at.epoch:
            self._say(None)
            return
        if self._later is not None:
            # A proven hello waits for the commit under way. What it no longer holds of what was announced has to be
            # owned up to by where we stand now, before its frames use those numbers for something else.
            self._say(None)
            return
        if frame.writer not in (None, self._tentative.owner):
            # Of one that was replaced: it greets when nothing is acknowledged, and whoever proves to be alive beside it
            # is found out before the numbers that the other announced are used for something else.
            self._say(None)
            return
        if frame.first > at.seq + 1 or frame.last <= at.seq:
            self._say(None)
            return
        known = at.seq + 1 - frame.first
        if extend(frame.digest, frame.lines[:known]) != at.digest:
            self._actions.append(ForkSeen(at.epoch, at.seq))
            self._say(None)
            return
        entries = Slice(at.epoch, at.seq + 1, at.digest, frame.lines[known:])
        state, losses = advance(self._tentative, entries.lines, self._tentative.owner)
        self._commit(state, entries=entries, flagged=frame.flagged, losses=losses)

    def _trace(self, trace: Trace) -> None:
        if self._durable.contested:
            self._say(None)
            return
        entries = {entry for depth, _ in trace.points for entry in self._durable.standing_at(depth)}
        if entries:
            self._look_up(trace, tuple(sorted(entries)))
        else:
            self._answer_trace(trace)

    def _answer_trace(self, trace: Trace) -> None:
        agreed, differed = 0, None
        for depth, digest in trace.points:
            if any(self._own.get(entry) == digest for entry in self._durable.standing_at(depth)):
                agreed = max(agreed, depth)
            else:
                differed = depth if differed is None else min(differed, depth)
        self._actions.append(Reply(Traced(agreed, differed, trace.ask)))

    def _part(self, part: SnapshotPart) -> None:
        at = self._tentative.at
        if self._out_of_reach is not OutOfReach.SNAPSHOT or self._tentative.contested:
            return
        if part.position.epoch not in self._depths:
            return
        ahead = at is not None and at.epoch == part.position.epoch and part.position.seq > at.seq
        if not (self._wants_snapshot or ahead):
            return
        if self._staged:
            self._stage(part)
            return
        if any(kept.snapshot != part.snapshot for kept in self._parts.values()):
            self._parts.clear()
        self._parts[part.part] = part
        if len(self._parts) < part.parts:
            return
        lines = tuple(line for n in sorted(self._parts) for line in self._parts[n].lines)
        self._parts.clear()
        state = jump(self._tentative, part.position, self._depths[part.position.epoch])
        self._commit(state, snapshot=Snapshot(part.position, lines))

    def _stage(self, part: SnapshotPart) -> None:
        if part.part != 1 and self._next_part != (part.snapshot, part.part):
            # One before it is missing: what is staged can come to nothing, and all of it is asked for again.
            self._next_part = None
            return
        state = jump(self._tentative, part.position, self._depths[part.position.epoch])
        self._actions.append(Stage(part, state))
        if part.part == part.parts:
            self._commit(state, snapshot=Snapshot(part.position, ()))
        else:
            self._next_part = (part.snapshot, part.part + 1)

    def _look_up(self, asker: Hello | Trace, entries: tuple[tuple[Epoch, int], ...]) -> None:
        # One at a time: whoever asks meanwhile asks again.
        if self._looking is None:
            self._looking = asker
            self._actions.append(LookUpRead(entries))

    def _commit(
        self,
        state: ReaderState,
        *,
        hello: Hello | None = None,
        entries: Slice | None = None,
        flagged: bool = False,
        snapshot: Snapshot | None = None,
        losses: tuple[Loss, ...] = (),
    ) -> None:
        self._serial += 1
        self._tentative = state
        self._next_part = None
        commit = Commit(self._serial, state, entries, flagged, snapshot, losses)
        self._under_way.append((commit, hello))
        self._actions.append(commit)

    def _say(
        self,
        re: int | None,
        *,
        challenge: int | None = None,
        sealed: int | None = None,
        refused: Refusal | None = None,
    ) -> None:
        self._actions.append(
            Reply(
                Cursor(
                    at=self._durable.at,
                    reader=self._incarnation,
                    credit=self.credit,
                    re=re,
                    challenge=challenge,
                    held=bool(self._durable.contested) or bool(self._tentative.contested),
                    sealed=sealed,
                    snapshot=self._wants_snapshot and challenge is None,
                    refused=refused,
                )
            )
        )
