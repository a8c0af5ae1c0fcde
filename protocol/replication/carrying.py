"""Where a reader goes on when a copy of a log is brought to it as a file: what is new in it, or why it cannot be taken.

Pure. A file is no writer: it proves nothing of who is alive, and may be older than what the reader has. So it never
changes whose writer is followed, and never owns up to a loss for ending or beginning somewhere. Beyond that the rules
are those of the wire (`following`), and one more: a chain that agrees where the reader stands in *any* epoch it has
read makes what follows in the file the next entries there, whatever the file calls them. That is so for an older file,
from before the log was given a new epoch, which may hold entries that exist nowhere else any more. And a log of which
nothing was read yet, a new card's, is read beside the one that was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from protocol.chain import Position
from protocol.identity import Epoch
from protocol.replication.following import Chains, advance, follow
from protocol.replication.messages import Hello
from protocol.replication.ports import LogView, Loss, ReaderState, Record


@dataclass(frozen=True, slots=True)
class Copy:
    """A file of a log: entries of `view` from after `view.first` to its head, and the chain at the depths in `marks`.

    `kept_depth` is where the oldest entry lay that the writer still had when the file was written.
    """

    view: LogView
    kept_depth: int
    marks: Mapping[int, bytes]

    @property
    def first_depth(self) -> int:
        """The depth before the first entry of the file."""
        return self.view.depth_of((self.view.first.epoch, self.view.first.seq))


@dataclass(frozen=True, slots=True)
class LookUpOwn:
    """Find our chain after these entries first."""

    entries: tuple[tuple[Epoch, int], ...]


@dataclass(frozen=True, slots=True)
class LookUpCopy:
    """Find the file's chain at this depth first: it is not among its marks."""

    depth: int


@dataclass(frozen=True, slots=True)
class AllKnown:
    """The reader has every entry of the file."""


@dataclass(frozen=True, slots=True)
class ReadOn:
    """Stand in `state`, own up to `losses`, then take the file's entries after `depth` as the next ones of `epoch`."""

    state: ReaderState
    losses: tuple[Loss, ...]
    epoch: Epoch
    depth: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries lie between what the reader has, up to `depth`, and the file's first. `kept`: the station had them."""

    depth: int
    kept: bool


@dataclass(frozen=True, slots=True)
class Forked:
    """The file holds other entries than the reader does, or than the station has announced."""


@dataclass(frozen=True, slots=True)
class TwoWriters:
    """Two writers of this log are alive; a person has to choose first."""


Judgement = LookUpOwn | LookUpCopy | AllKnown | ReadOn | Gap | Forked | TwoWriters


def wanted_marks(state: ReaderState) -> frozenset[int]:
    """Say at which depths the file's chain will be asked for."""
    at = state.at
    here = None if at is None else state.record(at.epoch)
    announced = () if here is None else (here.depth + told.seq for told in state.announced)
    begins = (record.depth for record in state.records)
    return frozenset((*begins, *(_end(record) for record in state.records), *announced))


def judge(state: ReaderState, copy: Copy, own: Chains, *, accept_loss: bool = False) -> Judgement:
    """Decide what to do about a file; `own` holds our chain after the entries asked for before.

    `accept_loss`: go on where entries are missing that neither the file has nor the station any more had.
    """
    if state.contested:
        return TwoWriters()
    head = copy.view.depth
    here = state.standing_at(head)
    missing = tuple(entry for entry in here if entry not in own)
    if missing:
        return LookUpOwn(missing)
    if any(own[entry] == copy.view.head.digest for entry in here):
        return AllKnown()
    found = _by_lineage(state, copy, own, accept_loss) or _by_chain(state, copy)
    if isinstance(found, Forked | Gap):
        found = _as_another_log(state, copy, own, accept_loss) or found
    if isinstance(found, ReadOn) and found.depth == head and found.state == state and not found.losses:
        return AllKnown()
    return found


def fill(
    state: ReaderState, epoch: Epoch, lines: tuple[bytes, ...], digest: bytes
) -> tuple[ReaderState, tuple[Loss, ...]]:
    """Read `lines` on in an epoch read before, be it the present one; `digest` is the chain after them."""
    at, record = state.at, state.record(epoch)
    if at is not None and at.epoch == epoch:
        return advance(state, lines)
    if record is None:
        return state, ()
    longer = Record(Position(epoch, record.position.seq + len(lines), digest), record.depth)
    return replace(state, records=tuple(longer if one is record else one for one in state.records)), ()


def _by_lineage(state: ReaderState, copy: Copy, own: Chains, accept_loss: bool) -> Judgement | None:
    """Read on as from a writer that greets with the file's lineage; None where that leads nowhere."""
    view = copy.view
    origin = view.lineage[0].origin()
    plan = follow(state, Hello(view.lineage, origin, _head_to_tell(state, copy), 0, 0), own)
    if plan.ask:
        return LookUpOwn(plan.ask)
    at = plan.state.at
    record = None if at is None else plan.state.record(at.epoch)
    if plan.stay or at is None or record is None:
        return None
    depth = _end(record)
    if depth < copy.first_depth:
        kept = copy.first_depth > copy.kept_depth or copy.kept_depth <= depth
        if kept or not accept_loss:
            return Gap(depth, kept)
        plan = follow(state, Hello(view.lineage, view.first, _head_to_tell(state, copy), 0, 0), own)
        at = plan.state.at
        if plan.stay or at is None:
            return None
        return ReadOn(plan.state, plan.losses, at.epoch, copy.first_depth)
    return _read_on(ReadOn(plan.state, plan.losses, at.epoch, depth), copy)


def _by_chain(state: ReaderState, copy: Copy) -> Judgement:
    """Read on in whichever epoch agrees with the file furthest."""
    at = state.at
    # The one being read now comes first among equals.
    records = sorted(state.records, key=lambda one: (_end(one), at is not None and one.position.epoch == at.epoch))
    for record in reversed(records):
        if copy.first_depth <= _end(record) <= copy.view.depth:
            found = _read_on(ReadOn(state, (), record.position.epoch, _end(record)), copy)
            if not isinstance(found, Forked):
                return found
    furthest = max((_end(record) for record in records), default=0)
    return Gap(furthest, kept=True) if furthest < copy.first_depth else Forked()


def _as_another_log(state: ReaderState, copy: Copy, own: Chains, accept_loss: bool) -> Judgement | None:
    """Read a log of which the reader has no entry, from its beginning: that of a card that took another's place.

    The one being read stays the one being read. None where the two may have entries in common: a record whose chain at
    its beginning is the file's, or cannot be told.
    """
    view = copy.view
    if state.at is None or any(state.record(chapter.epoch) is not None for chapter in view.lineage):
        return None
    for record in state.records:
        if record.depth >= view.depth:
            continue
        entry = (record.position.epoch, 0)
        if record.position.seq and entry not in own:
            return LookUpOwn((entry,))
        ours = own[entry] if record.position.seq else record.position.digest
        theirs = copy.marks.get(record.depth) if record.depth else view.lineage[0].origin().digest
        if record.depth >= copy.first_depth and theirs is None:
            return LookUpCopy(record.depth)
        if ours is None or theirs is None or ours == theirs:
            return None
    if copy.first_depth > 0 and (copy.first_depth > copy.kept_depth or not accept_loss):
        return Gap(0, kept=copy.first_depth > copy.kept_depth)
    index = view.index(view.first.epoch) or 0
    chapter = view.lineage[index]
    lost = [Loss(passed.epoch, 1, None) for passed in view.lineage[:index]]
    if view.first.seq:
        lost.append(Loss(chapter.epoch, 1, view.first.seq))
    begun = replace(state, records=(*state.records, Record(view.first, chapter.depth)))
    return _in_next_chapter(ReadOn(begun, tuple(lost), chapter.epoch, copy.first_depth), copy)


def _read_on(found: ReadOn, copy: Copy) -> Judgement:
    """Give `found` if the chain agrees there, and with what was announced beyond."""
    record = found.state.record(found.epoch)
    if record is None or found.depth > copy.view.depth:
        return Forked()
    ours = {found.depth: record.position.digest}
    at = found.state.at
    if at is not None and at.epoch == found.epoch:
        ours.update((record.depth + told.seq, told.digest) for told in found.state.announced)
    for depth, digest in ours.items():
        if found.depth <= depth <= copy.view.depth:
            theirs = copy.marks.get(depth)
            if theirs is None:
                return LookUpCopy(depth)
            if theirs != digest:
                return Forked()
    return _in_next_chapter(found, copy)


def _in_next_chapter(found: ReadOn, copy: Copy) -> Judgement:
    """Where the file's chapter ends here, what follows goes by the next one's name, as it would on the wire."""
    lineage = copy.view.lineage
    index = copy.view.index(found.epoch)
    state = found.state
    while (
        index is not None and index + 1 < len(lineage) and found.depth == lineage[index].depth + copy.view.end_of(index)
    ):
        index += 1
        chapter = lineage[index]
        known = state.record(chapter.epoch)
        if known is not None and _end(known) != found.depth:
            return Forked()
        if known is None:
            state = replace(state, records=(*state.records, Record(chapter.origin(), chapter.depth)))
        found = replace(found, state=state, epoch=chapter.epoch)
    return found


def _head_to_tell(state: ReaderState, copy: Copy) -> Position:
    """Give the file's head, or the one announced beyond it: a file is older than that, its log has not shrunk."""
    head = copy.view.head
    if state.at is not None and state.announced and state.at.epoch == head.epoch:
        last = state.announced[-1]
        return last.head if last.seq >= head.seq else head
    return head


def _end(record: Record) -> int:
    return record.depth + record.position.seq
