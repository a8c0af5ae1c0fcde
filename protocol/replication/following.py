"""Where a reader goes on when a writer says what it holds: stay, move along the lineage, or record what is lost.

Pure: a plan from the reader's state and a proven hello. What has to be compared but is not at hand is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from protocol.chain import Chapter, Position, extend
from protocol.errors import ContractBroken
from protocol.identity import Epoch
from protocol.replication.messages import Hello
from protocol.replication.ports import Loss, ReaderState, Record, Told

Chains = Mapping[tuple[Epoch, int], bytes | None]
"""Our chain after some entries; None where the store cannot tell."""

ANNOUNCED = 16
"""Heads told of and not reached that a reader remembers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The outcome: the state to commit and the losses it owns up to.

    `ask` names what of ours to compare first. `stay`: the writer's lineage does not meet ours, it has to trace.
    `whole`: something read belongs to a timeline given up, or something is missing: a reader of states needs a
    snapshot.
    """

    state: ReaderState
    losses: tuple[Loss, ...] = ()
    ask: tuple[tuple[Epoch, int], ...] = ()
    stay: bool = False
    whole: bool = False


def follow(state: ReaderState, hello: Hello, own: Chains) -> Plan:
    """Plan how to read on from a hello; `own` holds our chain after the entries asked for before."""
    at = state.at
    if at is None:
        return _begin(state, hello)
    lineage = hello.lineage
    index = next((i for i, chapter in enumerate(lineage) if chapter.epoch == at.epoch), None)
    if index is None and hello.head.epoch.generation <= state.generation:
        return Plan(state, stay=True)
    losses: list[Loss] = []
    whole = False
    onward = range(len(lineage)) if index is None else range(index + 1, len(lineage))
    missing = [entry for i in onward for entry in _entries_to_compare(state, lineage[i]) if entry not in own]
    if missing:
        return Plan(state, ask=tuple(missing))
    for i in reversed(onward):
        chapter = lineage[i]
        if chapter.base is None or not _held(state, chapter.depth, chapter.base.digest, own):
            continue
        if chapter.carried is not None and _held(state, chapter.depth + 1, chapter.carried, own):
            # We hold more of it than its base says: opened before we had read the rest elsewhere.
            return Plan(state, stay=True)
        record = state.record(at.epoch)
        whole = record is None or record.depth + at.seq > chapter.depth
        losses.append(Loss(at.epoch, at.seq + 1, None))
        state = _move(state, chapter.origin(), chapter.depth)
        index = i
        break
    if index is None:
        return Plan(state, stay=True)
    return _reach(state, hello, index, losses, whole)


def _reach(state: ReaderState, hello: Hello, index: int, losses: list[Loss], whole: bool) -> Plan:
    """Read on in chapter `index`, or from the first entry still kept where that lies further on."""
    at = state.at
    first_index = _index(hello, hello.first.epoch)
    if at is not None and (first_index, hello.first.seq) > (index, at.seq):
        passed = hello.lineage[index:first_index]
        losses.extend(Loss(c.epoch, at.seq + 1 if c.epoch == at.epoch else 1, None) for c in passed)
        start = at.seq if first_index == index else 0
        if hello.first.seq > start:
            losses.append(Loss(hello.first.epoch, start + 1, hello.first.seq))
        whole = True
        state = _move(state, hello.first, hello.lineage[first_index].depth)
    state, unkept = _hear(state, hello)
    generation = max(state.generation, hello.head.epoch.generation)
    return Plan(replace(state, generation=generation), (*losses, *unkept), whole=whole)


def _entries_to_compare(state: ReaderState, chapter: Chapter) -> Iterator[tuple[Epoch, int]]:
    """Name what we hold at a chapter's base and right after it."""
    if chapter.depth > 0:
        yield from state.standing_at(chapter.depth)
    if chapter.carried is not None:
        yield from state.standing_at(chapter.depth + 1)


def _held(state: ReaderState, depth: int, digest: bytes, own: Chains) -> bool:
    """Tell whether any epoch we read has this chain at `depth`."""
    return depth == 0 or any(own.get(entry) == digest for entry in state.standing_at(depth))


def advance(
    state: ReaderState, lines: tuple[bytes, ...], by: int | None = None
) -> tuple[ReaderState, tuple[Loss, ...]]:
    """Read `lines` on from where we stand; owns up to what was announced by a writer that has since lost it.

    `by`: the incarnation that sent them; None if no writer did.
    """
    at = state.at
    if at is None:
        raise ContractBroken("nothing is being read yet")
    end = at.seq + len(lines)
    losses: list[Loss] = []
    seq, digest, before = at.seq, at.digest, at.seq
    reached = [told for told in state.announced if told.seq <= end]
    for told in reached:
        digest = extend(digest, lines[seq - at.seq : told.seq - at.seq])
        seq = told.seq
        if digest != told.digest:
            losses.append(Loss(at.epoch, _sound(told, before) + 1, seq))
        before = seq
    digest = extend(digest, lines[seq - at.seq :])
    record = state.record(at.epoch)
    if record is None:
        raise ContractBroken(f"{at.epoch} is read and not recorded")
    # Whoever sends these lines holds them below the heads that it told of.
    waiting = tuple(
        replace(told, sound=max(end, _sound(told, end))) if by is not None and told.by == by else told
        for told in state.announced[len(reached) :]
    )
    moved = _move(state, Position(at.epoch, end, digest), record.depth)
    return replace(moved, announced=waiting), tuple(losses)


def _sound(told: Told, before: int) -> int:
    """Give up to where a head continues what we know; `before`: where the one before it ends, or where we stand."""
    return before if told.sound is None else told.sound


def jump(state: ReaderState, to: Position, depth: int) -> ReaderState:
    """Stand at `to`, having been given everything before it as a whole; `depth` is that of the epoch's origin."""
    moved = _move(state, to, depth)
    return replace(moved, generation=max(state.generation, to.epoch.generation), announced=())


def _hear(state: ReaderState, hello: Hello) -> tuple[ReaderState, tuple[Loss, ...]]:
    """Note the head told of; where it is behind an earlier one, what that told of is lost.

    Two writers of one log may have told of heads before either's entries were taken, and what the one had by some
    numbers need not be what the other has: so a head that is lost is owned up to from where its own writer is known.
    """
    at, head = state.at, hello.head
    if at is None or head.epoch != at.epoch:
        return replace(state, announced=()), ()
    kept = [told for told in state.announced if at.seq < told.seq]
    last, first = 0, 0
    while kept and (kept[-1].seq > head.seq or (kept[-1].seq == head.seq and kept[-1].digest != head.digest)):
        gone = kept.pop()
        sound = _sound(gone, max(at.seq, kept[-1].seq if kept else 0))
        first = min(first, sound + 1) if last else sound + 1
        last = last or gone.seq
    before = kept[-1] if kept else None
    if head.seq > (before.seq if before else at.seq):
        sound = before.seq if before and before.by == hello.writer else at.seq
        kept.append(Told(head.epoch, head.seq, head.digest, hello.writer, sound))
    losses = (Loss(at.epoch, first, last),) if last else ()
    return replace(state, announced=_thinned(kept)), losses


def _thinned(kept: list[Told]) -> tuple[Told, ...]:
    """Leave out every other one where there are too many; what follows one that is gone has to answer for it."""
    if len(kept) <= ANNOUNCED:
        return tuple(kept)
    last = len(kept) - 1
    return tuple(
        _answering(told, kept[i - 1]) if i and not i % 2 else told
        for i, told in enumerate(kept)
        if not i % 2 or i == last
    )


def _answering(told: Told, gone: Told) -> Told:
    if told.by != gone.by or told.sound is None or gone.sound is None:
        return told
    return replace(told, sound=min(told.sound, gone.sound))


def _begin(state: ReaderState, hello: Hello) -> Plan:
    index = _index(hello, hello.first.epoch)
    losses = [Loss(c.epoch, 1, None) for c in hello.lineage[:index]]
    if hello.first.seq > 0:
        losses.append(Loss(hello.first.epoch, 1, hello.first.seq))
    moved, _ = _hear(_move(state, hello.first, hello.lineage[index].depth), hello)
    moved = replace(moved, generation=hello.head.epoch.generation)
    return Plan(moved, tuple(losses), whole=bool(losses))


def _move(state: ReaderState, to: Position, depth: int) -> ReaderState:
    """Stand at `to`, in an epoch whose origin lies at `depth`, keeping the furthest position of every epoch read."""
    others = tuple(record for record in state.records if record.position.epoch != to.epoch)
    announced = state.announced if state.at is not None and state.at.epoch == to.epoch else ()
    return replace(state, at=to, records=(*others, Record(to, depth)), announced=announced)


def _index(hello: Hello, epoch: Epoch) -> int:
    return [chapter.epoch for chapter in hello.lineage].index(epoch)
