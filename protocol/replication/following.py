"""Where a reader goes on when a writer says what it holds: stay, move along the lineage, or record what is lost.

Pure: a plan from the reader's state and a proven hello. What has to be compared but is not at hand is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from protocol.chain import Chapter, Position, extend
from protocol.errors import ContractBroken
from protocol.identity import Epoch
from protocol.replication.messages import Hello
from protocol.replication.ports import Loss, ReaderState

ANNOUNCED = 16
"""Heads told of and not reached that a reader remembers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome: the state to commit and the losses it owns up to.

    `ask` is a digest of ours to find first. `stay`: the writer's lineage does not meet ours, it has to trace.
    `whole`: something read belongs to a timeline given up, or something is missing: a reader of states needs a snapshot.
    """

    state: ReaderState
    losses: tuple[Loss, ...] = ()
    ask: tuple[Epoch, int] | None = None
    stay: bool = False
    whole: bool = False


def follow(state: ReaderState, hello: Hello, own: Mapping[tuple[Epoch, int], bytes | None]) -> Plan:
    """Plan how to read on from a hello; `own` holds the digests asked for before."""
    if state.at is None:
        return _begin(state, hello)
    losses: list[Loss] = []
    whole = False
    start = state.at
    at = _resume(state, hello)
    if isinstance(at, Chapter):
        # A chapter opened on an epoch we read, which the writer itself no longer tells.
        step = _step(state, at, own)
        if not isinstance(step, bool):
            return replace(Plan(state), ask=step)
        if not step:
            return Plan(state, stay=True)
        losses.append(Loss(start.epoch, start.seq + 1, None))
        whole = True
        state = _move(state, at.origin())
    elif at is None:
        return Plan(state, stay=True)
    elif at.epoch != start.epoch:
        losses.append(Loss(start.epoch, start.seq + 1, None))
        whole = True
        state = _move(state, at)
    while True:
        at = state.at
        if at is None:
            return Plan(state, stay=True)
        index = _index(hello, at.epoch)
        last = index == len(hello.lineage) - 1
        base = None if last else hello.lineage[index + 1].base
        first_index = _index(hello, hello.first.epoch)
        if base is not None and at.seq >= base.seq:
            following = hello.lineage[index + 1]
            step = _step(state, following, own)
            if not isinstance(step, bool):
                return replace(Plan(state), ask=step)
            if not step:
                return Plan(state, stay=True)
            losses.append(Loss(at.epoch, at.seq + 1, None))
            whole = whole or at.seq > base.seq
            state = _move(state, following.origin())
            continue
        if first_index > index:
            losses.append(Loss(at.epoch, at.seq + 1, None))
            losses.extend(Loss(passed.epoch, 1, None) for passed in hello.lineage[index + 1 : first_index])
            if hello.first.seq > 0:
                losses.append(Loss(hello.first.epoch, 1, hello.first.seq))
            whole = True
            state = _move(state, hello.first)
        elif first_index == index and at.seq < hello.first.seq:
            losses.append(Loss(at.epoch, at.seq + 1, hello.first.seq))
            whole = True
            state = _move(state, hello.first)
        state, unkept = _hear(state, hello.head)
        generation = max(state.generation, hello.head.epoch.generation)
        return Plan(replace(state, generation=generation), (*losses, *unkept), whole=whole)


def advance(state: ReaderState, lines: tuple[bytes, ...]) -> tuple[ReaderState, tuple[Loss, ...]]:
    """Read `lines` on from where we stand; owns up to what was announced by a writer that has since lost it."""
    at = state.at
    if at is None:
        raise ContractBroken("nothing is being read yet")
    losses: list[Loss] = []
    seq, digest, sound = at.seq, at.digest, at.seq
    waiting = list(state.announced)
    while waiting and waiting[0].seq <= at.seq + len(lines):
        told = waiting.pop(0)
        digest = extend(digest, lines[seq - at.seq : told.seq - at.seq])
        seq = told.seq
        if digest != told.digest:
            losses.append(Loss(at.epoch, sound + 1, seq))
        sound = seq
    digest = extend(digest, lines[seq - at.seq :])
    moved = _move(state, Position(at.epoch, at.seq + len(lines), digest))
    return replace(moved, announced=tuple(waiting)), tuple(losses)


def jump(state: ReaderState, to: Position) -> ReaderState:
    """Stand at `to`, having been given everything before it as a whole."""
    moved = _move(state, to)
    return replace(moved, generation=max(state.generation, to.epoch.generation), announced=())


def _hear(state: ReaderState, head: Position) -> tuple[ReaderState, tuple[Loss, ...]]:
    """Note a head told of; a head behind an earlier one means that what lay between is lost."""
    at = state.at
    if at is None or head.epoch != at.epoch:
        return replace(state, announced=()), ()
    kept = [told for told in state.announced if at.seq < told.seq]
    losses: list[Loss] = []
    while kept and (kept[-1].seq > head.seq or (kept[-1].seq == head.seq and kept[-1].digest != head.digest)):
        gone = kept.pop()
        sound = max(at.seq, kept[-1].seq if kept else 0)
        losses.append(Loss(at.epoch, sound + 1, gone.seq))
    if head.seq > (kept[-1].seq if kept else at.seq):
        kept.append(head)
    if len(kept) > ANNOUNCED:
        del kept[1:-1:2]
    return replace(state, announced=tuple(kept)), tuple(losses)


def _begin(state: ReaderState, hello: Hello) -> Plan:
    losses = [Loss(c.epoch, 1, None) for c in hello.lineage[: _index(hello, hello.first.epoch)]]
    if hello.first.seq > 0:
        losses.append(Loss(hello.first.epoch, 1, hello.first.seq))
    moved, _ = _hear(_move(state, hello.first), hello.head)
    moved = replace(moved, generation=hello.head.epoch.generation)
    return Plan(moved, tuple(losses), whole=bool(losses) or len(hello.lineage) > 1)


def _resume(state: ReaderState, hello: Hello) -> Position | Chapter | None:
    """Find where our records and the lineage meet, newest first."""
    at = state.at
    if at is None or any(chapter.epoch == at.epoch for chapter in hello.lineage):
        return at
    if hello.head.epoch.generation <= state.generation:
        return None
    told = [chapter.epoch for chapter in hello.lineage]
    for chapter in reversed(hello.lineage):
        record = state.record(chapter.epoch)
        if record is not None:
            return record
        base = chapter.base
        if base is not None and state.record(base.epoch) is not None and base.epoch not in told:
            return chapter
    return None


def _step(
    state: ReaderState, chapter: Chapter, own: Mapping[tuple[Epoch, int], bytes | None]
) -> bool | tuple[Epoch, int]:
    """Tell whether we hold what `chapter` was opened on; or which digest of ours would tell."""
    base = chapter.base
    if base is None:
        return False
    if base.seq == 0:
        return True
    record = state.record(base.epoch)
    if record is None or record.seq < base.seq:
        return False
    if record.seq == base.seq:
        return record.digest == base.digest
    key = (base.epoch, base.seq)
    if key not in own:
        return key
    return own[key] == base.digest


def _move(state: ReaderState, to: Position) -> ReaderState:
    """Stand at `to`, keeping the furthest position of every epoch read."""
    others = tuple(record for record in state.records if record.epoch != to.epoch)
    announced = state.announced if state.at is not None and state.at.epoch == to.epoch else ()
    return replace(state, at=to, records=(*others, to), announced=announced)


def _index(hello: Hello, epoch: Epoch) -> int:
    return [chapter.epoch for chapter in hello.lineage].index(epoch)
