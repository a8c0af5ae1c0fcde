"""The writer of a log: when it sends, what it takes for an acknowledgement, and when it opens a new epoch.

Beyond 300 lines because these are one machine's rules, a few lines each, on one rig.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, Frame, Hello, Refusal, Trace, Traced
from protocol.replication.ports import LogView
from protocol.replication.writer import LogWriter, Standing
from protocol.replication.writer_actions import Acked, LookUp, OpenEpoch, Say, SendFrame, SendSnapshot, WriterLimits

FIRST = Chapter(Epoch(1, 0xA))
LINES = tuple(b"line %d" % n for n in range(1, 41))
LIMITS = WriterLimits(frame_entries=4, frame_bytes=1 << 20, window_frames=3, resend_s=2.0, hello_s=30.0)
READER = 5


def at(seq: int, lines: tuple[bytes, ...] = LINES) -> Position:
    return Position(FIRST.epoch, seq, extend(FIRST.origin().digest, lines[:seq]))


class Side:
    """A writer of a log of `head` lines, and everything it asks for."""

    def __init__(self, head: int, kept_from: int = 0) -> None:
        numbers = count(1000)
        self.view = LogView((FIRST,), at(kept_from), at(head))
        self.writer = LogWriter(self.view, 71, lambda: next(numbers), LIMITS)
        self.now_s = 0.0
        self.said: list[Hello | Trace] = []
        self.frames: list[tuple[int, int, bool]] = []
        self.acked: list[int] = []
        self.opened: list[Chapter] = []
        self.snapshots = 0
        self.writer.connect(0.0)
        self.work()

    def work(self) -> None:
        while (action := self.writer.next_action()) is not None:
            match action:
                case Say():
                    self.said.append(action.message)
                case SendFrame():
                    last = action.first + action.max_entries - 1
                    lines = LINES[action.first - 1 : last]
                    self.frames.append((action.first, last, action.flagged))
                    frame = Frame(
                        action.epoch, action.first, at(action.first - 1).digest, lines, flagged=action.flagged
                    )
                    self.writer.frame_sent(frame, action.first * 100 + last, self.now_s)
                case LookUp():
                    kept = self.view.first.seq
                    own = {(e, s): at(s).digest if s == 0 or s >= kept else None for e, s in action.entries}
                    self.writer.looked_up(own, self.now_s)
                case OpenEpoch():
                    self.opened.append(action.chapter)
                    base = action.chapter.base
                    assert base is not None
                    n = self.view.head.seq - base.seq
                    head = Position(action.chapter.epoch, n, self.view.head.digest)
                    self.view = LogView((FIRST, action.chapter), self.view.first, head)
                    self.writer.epoch_opened(self.view, self.now_s)
                case Acked():
                    self.acked.append(action.position.seq)
                case SendSnapshot():
                    self.snapshots += 1

    def hear(self, cursor: Cursor | Traced) -> None:
        self.writer.receive(cursor, self.now_s)
        self.work()

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.writer.tick(self.now_s)
        self.work()

    def shake_hands(self, where: Position, reader: int = READER, credit: int = 100) -> None:
        self.hear(Cursor(where, reader, credit, re=self.last_hello.ask))

    @property
    def last_hello(self) -> Hello:
        return [message for message in self.said if isinstance(message, Hello)][-1]


def cursor(seq: int, reader: int = READER, credit: int = 100) -> Cursor:
    return Cursor(at(seq), reader, credit)


def test_it_greets_and_sends_nothing_before_the_reader_answered_this_very_hello() -> None:
    side = Side(10)
    assert [type(message) for message in side.said] == [Hello]
    side.hear(cursor(0))
    side.hear(replace(cursor(0), re=424242))
    assert side.frames == []
    assert side.writer.standing is Standing.APART


def test_then_it_sends_in_order_from_the_cursor_within_the_window() -> None:
    side = Side(40)
    side.shake_hands(at(2))
    assert side.frames == [(3, 6, False), (7, 10, False), (11, 14, False)]
    side.hear(cursor(6))
    assert side.frames[3:] == [(15, 18, False)]
    assert side.acked == [2, 6]


def test_the_readers_credit_bounds_what_is_in_flight() -> None:
    side = Side(40)
    side.shake_hands(at(0), credit=6)
    assert side.frames == [(1, 4, False), (5, 6, False)]


def test_no_credit_still_lets_one_entry_try() -> None:
    side = Side(40)
    side.shake_hands(at(0), credit=0)
    assert side.frames == [(1, 1, False)]


def test_growth_is_sent_at_once() -> None:
    side = Side(2)
    side.shake_hands(at(2))
    side.view = LogView((FIRST,), at(0), at(3))
    side.writer.grew(side.view, side.now_s)
    side.work()
    assert side.frames == [(3, 3, False)]


def test_a_challenge_is_echoed_in_a_hello() -> None:
    side = Side(2)
    side.hear(Cursor(at(2), READER, 100, re=side.last_hello.ask, challenge=99))
    assert side.last_hello.echo == 99


def test_a_cursor_behind_the_last_from_the_same_reader_is_an_old_message() -> None:
    side = Side(10)
    side.shake_hands(at(0))
    side.hear(cursor(8))
    side.hear(cursor(4))
    assert side.writer.acked == at(8)
    assert side.frames[-1] == (9, 10, False)


def test_a_restored_reader_is_another_incarnation_and_rewinds_after_a_handshake() -> None:
    side = Side(10)
    side.shake_hands(at(0))
    side.hear(cursor(10))
    side.hear(cursor(3, reader=6))
    assert side.writer.acked == at(10)
    side.shake_hands(at(3), reader=6)
    assert side.writer.acked == at(3)
    assert side.frames[-2:] == [(4, 7, False), (8, 10, False)]


def test_an_echo_of_a_reader_long_dead_acknowledges_nothing() -> None:
    side = Side(10)
    side.shake_hands(at(3), reader=6)
    side.hear(cursor(8, reader=READER))
    assert side.writer.acked == at(3)


def test_without_progress_for_two_seconds_it_asks_and_sends_again_what_the_answer_lacks() -> None:
    side = Side(10)
    side.shake_hands(at(0))
    side.hear(cursor(4))
    sent, said = len(side.frames), len(side.said)
    side.pass_time(1.9)
    assert (len(side.frames), len(side.said)) == (sent, said)
    side.pass_time(0.2)
    assert (len(side.frames), len(side.said)) == (sent, said + 1)
    side.shake_hands(at(4))
    assert side.frames[sent:] == [(5, 8, False), (9, 10, False)]


def test_a_reader_that_was_only_slow_is_sent_nothing_twice() -> None:
    side = Side(20)
    side.shake_hands(at(0))
    assert side.frames == [(1, 4, False), (5, 8, False), (9, 12, False)]
    side.pass_time(2.1)
    side.shake_hands(at(12))
    assert side.frames[3:] == [(13, 16, False), (17, 20, False)]
    side.pass_time(2.1)
    side.hear(cursor(16))
    side.hear(cursor(20))
    assert len(side.frames) == 5
    assert side.acked[-1] == 20


def test_a_deaf_reader_is_asked_every_two_seconds_and_sent_nothing() -> None:
    side = Side(20)
    side.shake_hands(at(0))
    sent, said = len(side.frames), len(side.said)
    for _ in range(50):
        side.pass_time(0.21)
    assert len(side.frames) == sent
    assert len(side.said) - said == 5
    assert side.writer.wake_s() - side.now_s <= 2.0
    side.shake_hands(at(0))
    assert side.frames[sent:] == [(1, 4, False), (5, 8, False), (9, 12, False)]


def test_what_an_unproven_greeting_is_answered_says_nothing_of_what_went_before_it() -> None:
    """A challenge is answered at once; the answer to the proof is not, but after what is under way."""
    side = Side(10)
    side.shake_hands(at(0))
    sent = len(side.frames)
    side.pass_time(2.1)
    side.hear(Cursor(at(0), READER, 100, re=side.last_hello.ask, challenge=9))
    assert len(side.frames) == sent
    assert side.last_hello.echo == 9
    side.shake_hands(at(10))
    assert len(side.frames) == sent


def test_idle_it_greets_every_thirty_seconds_so_that_a_restored_hub_is_found_out() -> None:
    side = Side(2)
    side.shake_hands(at(2))
    said = len(side.said)
    side.pass_time(29.0)
    assert len(side.said) == said
    side.pass_time(1.5)
    assert len(side.said) == said + 1


def test_unanswered_it_greets_again_after_two_seconds() -> None:
    side = Side(2)
    side.pass_time(2.1)
    assert len(side.said) == 2


def test_a_refused_frame_is_halved_down_to_the_entry_which_is_then_flagged() -> None:
    side = Side(4)
    side.shake_hands(at(0))
    while not side.frames[-1][2]:
        first, last, _ = side.frames[-1]
        if first > 1:
            first, last = next((f, la) for f, la, _ in reversed(side.frames) if f == 1)
        side.hear(replace(cursor(0), refused=Refusal(first * 100 + last, "bad-frame")))
        assert len(side.frames) < 30
    assert [frame for frame in side.frames if frame[0] == 1] == [
        (1, 4, False),
        (1, 2, False),
        (1, 1, False),
        (1, 1, True),
    ]
    side.hear(cursor(1))
    assert side.frames[-1][2] is False


def test_a_refusal_of_what_is_not_in_flight_is_an_old_message() -> None:
    side = Side(4)
    side.shake_hands(at(0))
    side.hear(replace(cursor(0), refused=Refusal(7, "bad-frame")))
    assert side.frames == [(1, 4, False)]


@pytest.mark.parametrize("where", [Position(FIRST.epoch, 5, bytes(32)), Position(FIRST.epoch, 12, bytes(32))])
def test_a_cursor_that_is_not_on_our_chain_acknowledges_nothing_and_is_traced(where: Position) -> None:
    side = Side(10)
    side.shake_hands(where)
    assert side.acked == []
    assert side.writer.standing is Standing.TRACING
    assert isinstance(side.said[-1], Trace)


def test_the_last_shared_entry_is_found_and_a_new_epoch_opened_there_with_what_follows() -> None:
    side = Side(40)
    side.shake_hands(Position(FIRST.epoch, 38, bytes(32)))
    shared = 23
    for _ in range(6):
        trace = side.said[-1]
        if not isinstance(trace, Trace):
            break
        agreed = max((d for d, _ in trace.points if d <= shared), default=0)
        differed = min((d for d, _ in trace.points if d > shared), default=None)
        side.hear(Traced(agreed, differed, trace.ask))
    assert [(c.base, c.depth, c.carried) for c in side.opened] == [(at(23), 23, at(24).digest)]
    assert side.opened[0].epoch.generation == 2
    assert side.last_hello.lineage == (FIRST, side.opened[0])


def test_a_reader_of_an_epoch_unknown_here_gets_an_epoch_above_its_own() -> None:
    side = Side(3)
    side.shake_hands(Position(Epoch(7, 0xF), 12, bytes(32)))
    trace = side.said[-1]
    assert isinstance(trace, Trace)
    side.hear(Traced(0, 1, trace.ask))
    assert [(c.base, c.epoch.generation) for c in side.opened] == [(at(0), 8)]


def test_an_answer_to_another_search_is_dropped() -> None:
    side = Side(3)
    side.shake_hands(Position(Epoch(7, 0xF), 12, bytes(32)))
    side.hear(Traced(0, 1, 424242))
    assert side.opened == []


def test_a_reader_that_lacks_what_is_pruned_is_told_again_what_is_kept() -> None:
    side = Side(10, kept_from=6)
    side.shake_hands(at(2))
    assert side.frames == []
    assert side.last_hello.first == at(6)


def test_held_it_sends_nothing_and_sealed_it_never_will() -> None:
    side = Side(10)
    side.hear(replace(cursor(0), re=side.last_hello.ask, held=True))
    assert (side.writer.standing, side.frames) == (Standing.HELD, [])
    side.pass_time(31.0)
    side.hear(replace(cursor(0), re=side.last_hello.ask, sealed=side.writer.incarnation))
    assert (side.writer.standing, side.frames) == (Standing.SEALED, [])


def test_the_whole_state_is_sent_when_asked_for_or_when_it_is_the_shorter_telling() -> None:
    side = Side(40)
    side.hear(replace(cursor(2), re=side.last_hello.ask, snapshot=True))
    assert (side.snapshots, side.frames) == (1, [])
    other = Side(40)
    other.writer.snapshot_above = 20
    other.shake_hands(at(2))
    assert (other.snapshots, other.frames) == (1, [])
    near = Side(40)
    near.writer.snapshot_above = 20
    near.shake_hands(at(30))
    assert near.snapshots == 0
    assert near.frames


def test_a_look_up_that_failed_is_asked_for_again_soon() -> None:
    side = Side(40)
    side.writer.receive(Cursor(at(20), READER, 100, re=side.last_hello.ask), 0.0)
    assert isinstance(side.writer.next_action(), LookUp)
    side.writer.abandon()  # the disk did not read
    side.pass_time(LIMITS.resend_s)
    side.shake_hands(at(20))
    assert side.acked == [20]
    assert side.frames[0] == (21, 24, False)


def test_what_it_was_about_to_send_being_gone_it_says_at_once_from_where_there_is_more() -> None:
    side = Side(40)
    side.shake_hands(at(0), credit=8)
    assert side.frames == [(1, 4, False), (5, 8, False)]
    side.hear(cursor(8, credit=0))
    greeted = len(side.said)
    side.view = replace(side.view, first=at(12))
    side.writer.grew(side.view, side.now_s)
    side.work()
    assert len(side.said) == greeted + 1
    assert side.last_hello.first == at(12)
    side.shake_hands(at(12))
    assert side.frames[-1][0] == 21


def test_where_its_own_chain_is_lost_it_asks_its_log_to_go_on_from_there() -> None:
    """Entries 11 to 19 were lost with a damaged file; the reader had read up to 15."""
    side = Side(40)
    side.writer.receive(Cursor(at(15), READER, 100, re=side.last_hello.ask), 0.0)
    assert side.writer.next_action() == LookUp(((FIRST.epoch, 15),))
    side.writer.looked_up({(FIRST.epoch, 15): None}, 0.0)
    assert side.writer.next_action() == Acked(at(15))
    wanted = side.writer.next_action()
    assert isinstance(wanted, SendFrame)
    assert wanted.first == 16
    side.writer.abandon()  # the log has it no more, and says from where it goes on
    side.view = replace(side.view, first=at(19))
    side.writer.grew(side.view, 0.0)
    side.work()
    assert side.last_hello.first == at(19)
