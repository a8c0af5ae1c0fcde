"""The reader of a log: what it takes, what it says, and when it takes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from protocol.chain import Chapter, Position, extend
from protocol.errors import ContractBroken
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, Frame, Hello, SnapshotPart, Trace, Traced
from protocol.replication.ports import Loss, ReaderState
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, ReaderAction, Reply

FIRST = Chapter(Epoch(1, 0xA))
LINES = tuple(b"line %d" % n for n in range(1, 10))
WRITER, OTHER = 71, 72


def at(seq: int, chapter: Chapter = FIRST, lines: tuple[bytes, ...] = LINES) -> Position:
    return Position(chapter.epoch, seq, extend(chapter.origin().digest, lines[:seq]))


def frame(first: int, last: int, lines: tuple[bytes, ...] = LINES) -> Frame:
    before = at(first - 1, lines=lines)
    return Frame(before.epoch, first, before.digest, lines[first - 1 : last])


class Side:
    """A reader and everything it asks for, with commits made durable only when the test says so."""

    def __init__(self, state: ReaderState | None = None, out_of_reach: OutOfReach = OutOfReach.RECORD_LOSS) -> None:
        numbers = count(1000)
        self.reader = LogReader(state or ReaderState(), 5, lambda: next(numbers), out_of_reach, 100)
        self.commits: list[Commit] = []
        self.said: list[Cursor] = []
        self.traced: list[Traced] = []
        self.forks: list[ForkSeen] = []
        self.chains: dict[tuple[Epoch, int], bytes | None] = {}

    def work(self) -> None:
        for action in self._actions():
            match action:
                case Commit():
                    self.commits.append(action)
                case Reply(message=Cursor() as cursor):
                    self.said.append(cursor)
                case Reply(message=Traced() as traced):
                    self.traced.append(traced)
                case ForkSeen():
                    self.forks.append(action)
                case LookUpRead():
                    self.reader.looked_up({entry: self.chains.get(entry) for entry in action.entries})

    def _actions(self) -> Iterator[ReaderAction]:
        while (action := self.reader.next_action()) is not None:
            yield action

    def take(self, *messages: Hello | Frame | Trace | SnapshotPart, durable: bool = True) -> None:
        for message in messages:
            self.reader.receive(message)
            self.work()
        if durable:
            self.make_durable()

    def make_durable(self) -> None:
        if self.commits and self.commits[-1].state != self.reader.state:
            self.reader.committed(self.commits[-1].serial)
            self.work()

    def greet(self, hello: Hello) -> None:
        """Say hello, answer the challenge, let what follows become durable."""
        self.take(replace(hello, echo=None))
        self.take(replace(hello, ask=hello.ask + 1, echo=self.said[-1].challenge))


def hello(head: int, *, first: int = 0, writer: int = WRITER, lines: tuple[bytes, ...] = LINES) -> Hello:
    return Hello((FIRST,), at(first, lines=lines), at(head, lines=lines), writer, ask=1)


def reading(upto: int, out_of_reach: OutOfReach = OutOfReach.RECORD_LOSS) -> Side:
    side = Side(None, out_of_reach)
    side.greet(hello(upto))
    if upto:
        side.take(frame(1, upto))
    assert side.reader.state.at == at(upto)
    return side


def test_a_log_never_read_is_read_from_its_first_entry() -> None:
    side = Side()
    side.greet(hello(3))
    assert side.said[-1] == Cursor(at(0), 5, 100, re=2)
    assert side.commits[-1].losses == ()


def test_a_hello_that_is_not_proven_changes_nothing_and_is_challenged() -> None:
    side = Side()
    side.take(hello(3))
    assert side.commits == []
    assert side.said[-1].challenge is not None
    side.take(replace(hello(3), echo=12345))
    assert side.commits == []


def test_a_log_whose_beginning_is_gone_is_read_from_what_is_kept_and_the_rest_recorded_as_lost() -> None:
    side = Side()
    side.greet(hello(6, first=2))
    assert side.reader.state.at == at(2)
    assert side.commits[-1].losses == (Loss(FIRST.epoch, 1, 2),)


def test_entries_are_acknowledged_after_their_commit_and_not_before() -> None:
    side = reading(2)
    said = len(side.said)
    side.take(frame(3, 5), durable=False)
    assert side.commits[-1].entries is not None
    assert side.commits[-1].entries.lines == LINES[2:5]
    assert len(side.said) == said
    side.make_durable()
    assert side.said[-1].at == at(5)


def test_frames_that_come_while_a_commit_is_under_way_are_taken_on_top_and_acknowledged_together() -> None:
    side = reading(0)
    said = len(side.said)
    side.take(frame(1, 2), frame(3, 4), frame(5, 6), durable=False)
    side.make_durable()
    assert [c.at for c in side.said[said:]] == [at(6)]


def test_what_is_said_meanwhile_is_the_durable_cursor() -> None:
    side = reading(2)
    side.take(frame(3, 4), durable=False)
    side.reader.say_cursor()
    side.work()
    assert side.said[-1].at == at(2)


@pytest.mark.parametrize("again", [frame(1, 4), frame(2, 3), frame(4, 4)])
def test_a_repeat_is_answered_with_the_cursor_and_stored_no_second_time(again: Frame) -> None:
    side = reading(4)
    commits = len(side.commits)
    side.take(again)
    assert len(side.commits) == commits
    assert side.said[-1].at == at(4)


def test_of_a_frame_that_overlaps_only_the_new_part_is_taken() -> None:
    side = reading(4)
    side.take(frame(2, 7))
    assert side.commits[-1].entries is not None
    assert (side.commits[-1].entries.first, side.commits[-1].entries.lines) == (5, LINES[4:7])
    assert side.reader.state.at == at(7)


def test_a_gap_is_answered_with_the_cursor() -> None:
    side = reading(2)
    commits = len(side.commits)
    side.take(frame(4, 6))
    assert len(side.commits) == commits
    assert side.forks == []
    assert side.said[-1].at == at(2)


@pytest.mark.parametrize("first", [3, 2, 1])
def test_a_frame_whose_chain_differs_is_a_fork_nothing_of_it_is_taken(first: int) -> None:
    side = reading(2)
    commits = len(side.commits)
    side.take(frame(first, 5, lines=(b"another", *LINES[1:])))
    assert side.forks == [ForkSeen(FIRST.epoch, 2)]
    assert len(side.commits) == commits
    assert side.said[-1].at == at(2)


def test_a_failed_commit_leaves_the_reader_where_it_durably_is_and_the_frame_may_come_again() -> None:
    side = reading(2)
    side.take(frame(3, 4), frame(5, 6), durable=False)
    side.reader.commit_failed()
    side.work()
    side.take(frame(3, 6))
    assert side.reader.state.at == at(6)


def test_committing_what_was_not_asked_for_is_a_bug() -> None:
    with pytest.raises(ContractBroken):
        reading(1).reader.committed(999)


def test_a_flagged_entry_passes_to_quarantine_and_the_cursor_moves_on() -> None:
    side = reading(2)
    side.take(replace(frame(3, 3), flagged=True))
    assert side.commits[-1].flagged
    assert side.reader.state.at == at(3)


def test_a_writer_that_pruned_what_we_lack_leads_to_a_loss_record_of_just_that() -> None:
    side = reading(2)
    side.greet(hello(8, first=5))
    assert side.commits[-1].losses == (Loss(FIRST.epoch, 3, 5),)
    assert side.reader.state.at == at(5)


def test_an_announced_head_that_is_taken_back_is_recorded_as_lost() -> None:
    side = reading(2)
    side.greet(hello(7))
    side.greet(hello(4, writer=OTHER))
    assert side.commits[-1].losses == (Loss(FIRST.epoch, 3, 7),)


def test_an_announced_head_that_turns_out_to_lead_elsewhere_is_recorded_as_lost() -> None:
    side = reading(2)
    side.greet(hello(4))
    changed = (*LINES[:2], b"other 3", b"other 4", b"other 5")
    side.take(frame(3, 5, lines=changed))
    assert side.commits[-1].losses == (Loss(FIRST.epoch, 3, 4),)


class TestTwoLiveWriters:
    def contested(self) -> Side:
        side = reading(2)
        side.greet(hello(2, writer=OTHER))
        side.greet(hello(2, writer=WRITER))
        return side

    def test_a_replaced_writer_that_proves_itself_alive_makes_the_log_contested(self) -> None:
        side = self.contested()
        assert set(side.reader.state.contested) == {WRITER, OTHER}
        assert side.said[-1].held

    def test_from_then_on_nothing_is_taken_from_either(self) -> None:
        side = self.contested()
        commits = len(side.commits)
        side.take(frame(3, 5))
        assert len(side.commits) == commits
        assert side.said[-1].held

    def test_frames_of_a_replaced_writer_are_not_taken_so_that_it_has_to_prove_itself(self) -> None:
        side = reading(2)
        side.greet(hello(2, writer=OTHER))
        commits = len(side.commits)
        side.take(replace(frame(3, 5), writer=WRITER))
        assert len(side.commits) == commits
        assert side.said[-1].at == at(2)
        side.take(replace(frame(3, 5), writer=OTHER))
        assert side.reader.state.at == at(5)

    def test_a_writer_that_does_not_say_which_it_is_is_read_from(self) -> None:
        side = reading(2)
        side.take(replace(frame(3, 5), writer=None))
        assert side.reader.state.at == at(5)

    def test_it_stays_so_over_a_restart(self) -> None:
        side = Side(self.contested().reader.state)
        side.take(frame(3, 5))
        assert side.commits == []

    def test_until_a_person_chooses_then_the_other_is_sealed(self) -> None:
        side = self.contested()
        side.reader.choose(OTHER)
        side.work()
        side.make_durable()
        side.take(frame(3, 4))
        assert side.reader.state.at == at(4)
        side.greet(hello(2, writer=WRITER))
        assert side.said[-1].sealed == WRITER

    def test_a_delayed_hello_of_a_writer_long_dead_contests_nothing(self) -> None:
        side = Side()
        side.take(hello(2))
        proven = replace(hello(2), echo=side.said[-1].challenge)
        side.take(proven)
        side.greet(hello(2, writer=OTHER))
        side.take(proven)
        assert side.reader.state.contested == ()
        assert side.reader.state.owner == OTHER

    def test_a_restart_is_no_contest(self) -> None:
        side = reading(2)
        for writer in (OTHER, 73, 74):
            side.greet(hello(2, writer=writer))
        assert side.reader.state.contested == ()


class TestNewEpoch:
    """The writer was restored at 3 of our 5 and went on in a new epoch."""

    BASE = at(3)
    NEXT = Chapter(Epoch(2, 0xB), BASE, depth=3)

    def said_hello(self, chapter: Chapter, lines: tuple[bytes, ...]) -> Hello:
        head = Position(chapter.epoch, len(lines), extend(chapter.origin().digest, lines))
        return Hello((FIRST, chapter), at(0), head, OTHER, ask=9)

    def test_it_is_followed_where_we_hold_its_base_and_what_only_we_hold_is_owned_up_to(self) -> None:
        side = reading(5)
        side.chains[FIRST.epoch, 3] = at(3).digest
        side.greet(self.said_hello(self.NEXT, (b"new",)))
        assert side.reader.state.at == self.NEXT.origin()
        assert side.commits[-1].losses == (Loss(FIRST.epoch, 6, None),)

    def test_it_is_not_followed_where_our_chain_at_its_base_is_another(self) -> None:
        side = reading(5)
        side.chains[FIRST.epoch, 3] = bytes(32)
        side.greet(self.said_hello(self.NEXT, (b"new",)))
        assert side.reader.state.at == at(5)

    def test_it_is_not_followed_where_we_hold_more_of_it_than_it_says(self) -> None:
        side = reading(5)
        side.chains[FIRST.epoch, 3] = at(3).digest
        side.chains[FIRST.epoch, 4] = at(4).digest
        carried = replace(self.NEXT, carried=at(4).digest)
        side.greet(self.said_hello(carried, LINES[3:5]))
        assert side.reader.state.at == at(5)

    def test_a_generation_not_above_ours_is_not_followed_from_elsewhere(self) -> None:
        side = reading(5)
        stranger = Chapter(Epoch(1, 0xC))
        head = stranger.origin()
        side.greet(Hello((stranger,), head, head, OTHER, ask=9))
        assert side.reader.state.at == at(5)

    def test_a_trace_is_answered_by_what_any_epoch_holds_at_that_depth(self) -> None:
        side = reading(5)
        side.chains.update({(FIRST.epoch, n): at(n).digest for n in range(1, 6)})
        points = ((2, at(2).digest), (3, at(3).digest), (4, bytes(32)), (9, bytes(32)))
        side.take(Trace(points, OTHER, ask=4))
        assert side.traced == [Traced(3, 4, 4)]


class TestSnapshot:
    """A reader of states, like a catalogue's, asks for the whole when the log no longer reaches."""

    PARTS = tuple(SnapshotPart(at(8), 6, n, 3, (b"row %d" % n,)) for n in (1, 2, 3))

    def test_it_is_asked_for_and_taken_whole_whatever_the_order_of_its_parts(self) -> None:
        side = reading(2, out_of_reach=OutOfReach.SNAPSHOT)
        side.greet(hello(8, first=5))
        assert side.said[-1].snapshot
        side.take(self.PARTS[2], self.PARTS[0], self.PARTS[0])
        assert side.reader.state.at == at(2)
        side.take(self.PARTS[1])
        assert side.commits[-1].snapshot is not None
        assert side.commits[-1].snapshot.lines == (b"row 1", b"row 2", b"row 3")
        assert side.reader.state.at == at(8)
        assert not side.said[-1].snapshot

    def test_unasked_it_is_taken_where_it_leads_on_and_not_where_it_leads_back(self) -> None:
        side = reading(2, out_of_reach=OutOfReach.SNAPSHOT)
        side.take(*self.PARTS)
        assert side.reader.state.at == at(8)
        side.take(*(replace(part, position=at(5), snapshot=7) for part in self.PARTS))
        assert side.reader.state.at == at(8)

    def test_a_reader_of_events_takes_none(self) -> None:
        side = reading(2)
        side.take(*self.PARTS)
        assert side.reader.state.at == at(2)
