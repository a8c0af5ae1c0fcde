"""The reader of a log that is not what it was: two writers of it, another epoch, a snapshot."""

from __future__ import annotations

from dataclasses import replace

from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.messages import Hello, SnapshotPart, Trace, Traced
from protocol.replication.ports import Loss
from protocol.replication.reader_actions import OutOfReach
from tests.unit.replication.reader_side import FIRST, LINES, OTHER, WRITER, Side, at, frame, hello, reading


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


class TestStagedSnapshot:
    """Parts are handed on as they come; they count when all have come, in order and with nothing between."""

    PARTS = TestSnapshot.PARTS

    def side(self) -> Side:
        return reading(2, out_of_reach=OutOfReach.SNAPSHOT, staged=True)

    def test_each_part_is_handed_on_and_the_last_commits_what_they_lead_to(self) -> None:
        side = self.side()
        side.take(*self.PARTS[:2], durable=False)
        assert [stage.part for stage in side.stages] == list(self.PARTS[:2])
        assert side.reader.state.at == at(2)
        side.take(self.PARTS[2])
        commit = side.commits[-1]
        assert commit.snapshot is not None
        assert {stage.state for stage in side.stages} == {commit.state}
        assert side.reader.state.at == at(8)

    def test_after_a_part_that_is_missing_nothing_counts_until_it_is_begun_again(self) -> None:
        side = self.side()
        before = len(side.commits)
        side.take(self.PARTS[0], self.PARTS[2], self.PARTS[1], self.PARTS[2])
        assert len(side.commits) == before
        again = tuple(replace(part, snapshot=7) for part in self.PARTS)
        side.take(again[0], self.PARTS[1], *again)
        assert [stage.part.part for stage in side.stages] == [1, 1, 1, 2, 3]
        assert side.reader.state.at == at(8)

    def test_entries_that_come_between_its_parts_end_it(self) -> None:
        side = self.side()
        side.take(self.PARTS[0], frame(3, 4), *self.PARTS[1:])
        assert side.reader.state.at == at(4)
        assert side.commits[-1].snapshot is None
        side.take(*self.PARTS)
        assert side.reader.state.at == at(8)

    def test_nothing_is_taken_that_leads_back(self) -> None:
        side = self.side()
        side.take(*(replace(part, position=at(1)) for part in self.PARTS))
        assert not side.stages
