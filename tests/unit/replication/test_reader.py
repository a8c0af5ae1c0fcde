"""The reader of a log: what it takes, what it says, and when it takes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocol.errors import ContractBroken
from protocol.replication.messages import Cursor, Frame
from protocol.replication.ports import Loss
from protocol.replication.reader_actions import ForkSeen
from tests.unit.replication.reader_side import FIRST, LINES, OTHER, Side, at, frame, hello, reading


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
