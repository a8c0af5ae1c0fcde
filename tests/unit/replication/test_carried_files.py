"""A log reaches its reader once and in order, also where files of it are carried there, old ones and copies'."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.carrying import (
    AllKnown,
    Copy,
    Forked,
    Gap,
    Judgement,
    LookUpOwn,
    ReadOn,
    TwoWriters,
    judge,
)
from protocol.replication.ports import LogView, Loss, ReaderState, Record, Slice, Told
from tests.unit.replication.test_replication import FATES, INDEX, Replication
from tests.unit.replication.world import Disk, World

FIRST = Chapter(Epoch(1, 0xA))
LINES = tuple(b"line %d" % n for n in range(1, 21))


@dataclass
class File:
    """A file of a disk as it was: what follows row `start`."""

    disk: Disk
    start: int

    @property
    def copy(self) -> Copy:
        view = self.disk.view()
        origin = view.lineage[0].origin().digest
        marks = {depth: extend(origin, self.disk.rows[:depth]) for depth in range(self.start, len(self.disk.rows) + 1)}
        epoch, seq = view.at_depth(self.start)
        first = Position(epoch, seq, marks[self.start])
        return Copy(replace(view, first=first), self.disk.pruned, marks)


def carry(world: World, file: File, fate: str, accept_loss: bool, batch: int) -> Judgement | None:
    """Bring a file to the hub as `hub.wire.carrying` does; None where the hub died or would not commit."""
    copy = file.copy
    view = copy.view
    world.heads.setdefault(view.head, tuple(file.disk.rows[file.disk.chapters[-1][1] :]))
    for _ in range(100):
        reader = world.reader
        if reader is None or reader.busy:
            return None
        own: dict[tuple[Epoch, int], bytes | None] = {}
        while isinstance(found := judge(reader.state, copy, own, accept_loss=accept_loss), LookUpOwn):
            own.update({entry: world._held(*entry) for entry in found.entries})
        if not isinstance(found, ReadOn):
            return found
        if found.state != reader.state or found.losses:
            serial = reader.stand(found.state, found.losses)
            world.work_hub(1000, fate)
            if world.reader is not reader or reader.state != found.state:
                return None
            assert serial
        record = found.state.record(found.epoch)
        assert record is not None
        depth = found.depth
        index = view.index(found.epoch)
        end = view.depth if index is None else view.lineage[index].depth + view.end_of(index)
        while depth < end:
            lines = tuple(file.disk.rows[depth : min(end, depth + batch)])
            entries = Slice(found.epoch, depth + 1 - record.depth, copy.marks[depth], lines)
            assert reader.take_carried(entries) is not None
            world.work_hub(1000, fate)
            if world.reader is not reader or reader.busy:
                return None
            if reader.state.record(found.epoch) == record:
                return None
            depth += len(lines)
    raise AssertionError("importing does not end")


class Carrying(Replication):
    """The same world and the same books; and files that are written at any time and imported at any other."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[File] = []

    @rule(which=INDEX, skip=st.sampled_from([0, 0, 0, 1, 5, 30]))
    def write_file(self, which: int, skip: int) -> None:
        disk = self.world.copy_disk(self._station(which))
        start = min(disk.pruned + skip, len(disk.rows))
        self.files = [*self.files, File(disk, start)][-6:]

    @precondition(lambda self: self.files)
    @rule(which=INDEX, fate=FATES, accept_loss=st.booleans(), batch=st.sampled_from([1, 3, 100]))
    def import_file(self, which: int, fate: str, accept_loss: bool, batch: int) -> None:
        file = self.files[which % len(self.files)]
        before = deepcopy(self.world.store)
        if self.world.reader is None or self.world.reader.busy or self.world.reader.next_action() is not None:
            # Whatever waits there comes first, as it does at the desk.
            self.world.start_hub()
        found = carry(self.world, file, fate, accept_loss, batch)
        have = {line for lines in self.world.store.entries.values() for line in lines}
        if isinstance(found, AllKnown):
            assert set(file.disk.rows[file.start :]) <= have
            lost = self.world.store.losses[len(before.losses) :]
            assert accept_loss or all(loss.last is None for loss in lost), "a file's beginning was taken for a loss"
        if isinstance(found, Gap | Forked | TwoWriters):
            assert self.world.store == before or file.disk.chapters[1:], "refused, and yet something was taken"


Carrying.TestCase.settings = settings(Replication.TestCase.settings, max_examples=25)
TestCarrying = Carrying.TestCase


class LongCarrying(Carrying):
    """The same under far more histories."""


LongCarrying.TestCase.settings = settings(Replication.TestCase.settings, max_examples=400, print_blob=True)
TestLongCarrying = pytest.mark.torture(LongCarrying.TestCase)


def told(seq: int) -> Told:
    at = position(seq)
    return Told(at.epoch, at.seq, at.digest)


def position(seq: int, chapter: Chapter = FIRST, lines: tuple[bytes, ...] = LINES) -> Position:
    return Position(chapter.epoch, seq, extend(chapter.origin().digest, lines[:seq]))


def read_up_to(seq: int, **more: object) -> ReaderState:
    at = position(seq)
    return replace(ReaderState(at=at, records=(Record(at, 0),), generation=1), **more)  # type: ignore[arg-type]


def file_of(first: int, last: int, kept: int = 0, lines: tuple[bytes, ...] = LINES) -> Copy:
    marks = {depth: position(depth, lines=lines).digest for depth in range(first, last + 1)}
    return Copy(LogView((FIRST,), position(first, lines=lines), position(last, lines=lines)), kept, marks)


def test_a_reader_that_never_read_the_log_reads_the_file_from_its_beginning() -> None:
    found = judge(ReaderState(), file_of(0, 20), {})
    assert isinstance(found, ReadOn)
    assert (found.epoch, found.depth, found.losses) == (FIRST.epoch, 0, ())


def test_what_the_network_brought_is_passed_over() -> None:
    found = judge(read_up_to(8), file_of(0, 20), {})
    assert isinstance(found, ReadOn)
    assert (found.depth, found.losses) == (8, ())


def test_a_file_that_begins_too_late_is_a_gap_and_never_a_loss() -> None:
    assert judge(read_up_to(8), file_of(9, 20), {}) == Gap(8, kept=True)
    assert judge(read_up_to(8), file_of(12, 20, kept=10), {}, accept_loss=True) == Gap(8, kept=True)
    assert judge(ReaderState(), file_of(3, 20), {}) == Gap(0, kept=True)


def test_what_the_station_no_longer_had_is_lost_only_if_a_person_says_so() -> None:
    file = file_of(10, 20, kept=10)
    assert judge(read_up_to(8), file, {}) == Gap(8, kept=False)
    found = judge(read_up_to(8), file, {}, accept_loss=True)
    assert isinstance(found, ReadOn)
    assert (found.depth, found.losses) == (10, (Loss(FIRST.epoch, 9, 10),))


def test_an_older_file_is_known_and_owns_up_to_nothing_though_more_was_announced() -> None:
    state = read_up_to(8, announced=(told(20),))
    assert judge(state, file_of(0, 8), {(FIRST.epoch, 8): position(8).digest}) == AllKnown()
    found = judge(state, file_of(0, 12), {})
    assert isinstance(found, ReadOn)
    assert found.losses == ()
    assert found.state.announced == (told(20),)


def test_a_copy_that_went_on_otherwise_is_a_fork() -> None:
    other = (*LINES[:5], *(b"other %d" % n for n in range(15)))
    assert judge(read_up_to(8), file_of(0, 20, lines=other), {}) == Forked()
    # Where the station itself has announced more than the hub read, a file must agree with that too.
    assert judge(read_up_to(5, announced=(told(9),)), file_of(0, 20, lines=other), {}) == Forked()


def test_a_new_card_s_log_is_read_beside_the_one_that_was() -> None:
    card = Chapter(Epoch(1, 0xC))
    lines = tuple(b"new %d" % n for n in range(9))
    marks = {depth: extend(card.origin().digest, lines[:depth]) for depth in range(10)}
    state = read_up_to(8)
    whole = Copy(LogView((card,), card.origin(), Position(card.epoch, 9, marks[9])), 0, marks)
    own: dict[tuple[Epoch, int], bytes | None] = {(FIRST.epoch, 0): FIRST.origin().digest}
    found = judge(state, whole, own)
    assert isinstance(found, ReadOn)
    assert (found.epoch, found.depth, found.losses, found.state.at) == (card.epoch, 0, (), state.at)
    # Where our own beginning cannot be told, the two may have entries in common.
    assert judge(state, whole, {(FIRST.epoch, 0): None}) == Forked()
    late = replace(whole, view=replace(whole.view, first=Position(card.epoch, 4, marks[4])))
    assert judge(state, late, own) == Gap(0, kept=True)
    assert judge(state, replace(late, kept_depth=4), own) == Gap(0, kept=False)
    found = judge(state, replace(late, kept_depth=4), own, accept_loss=True)
    assert isinstance(found, ReadOn)
    assert (found.depth, found.losses) == (4, (Loss(card.epoch, 1, 4),))


def test_two_live_writers_have_to_be_chosen_between_first() -> None:
    assert judge(read_up_to(8, contested=(1, 2)), file_of(0, 20), {}) == TwoWriters()


def test_an_older_file_fills_up_an_epoch_that_was_left_before_its_end() -> None:
    """The card was put back to 5 of 8 entries and went on as another epoch; the file from before holds up to 20."""
    second = Chapter(Epoch(2, 0xB), position(5), 5)
    now = Position(second.epoch, 0, position(5).digest)
    state = ReaderState(at=now, records=(Record(position(8), 0), Record(now, 5)), generation=2)
    found = judge(state, file_of(0, 20), {})
    assert found == ReadOn(state, (), FIRST.epoch, 8)
