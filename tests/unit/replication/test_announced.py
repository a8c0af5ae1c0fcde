"""What a reader owns up to when a head that it was told of is lost: from where that writer is known, to the head."""

from __future__ import annotations

import msgspec

from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.following import ANNOUNCED, advance, follow
from protocol.replication.messages import Hello
from protocol.replication.ports import Loss, ReaderState

CHAPTER = Chapter(Epoch(1, 0xA))
LINES = tuple(b"line %d" % n for n in range(1, 101))
ONE, OTHER, THIRD = 1, 2, 3


def head(seq: int, lines: tuple[bytes, ...] = LINES) -> Position:
    return Position(CHAPTER.epoch, seq, extend(CHAPTER.origin().digest, lines[:seq]))


def told(state: ReaderState, seq: int, by: int, lines: tuple[bytes, ...] = LINES) -> tuple[ReaderState, list[Loss]]:
    hello = Hello((CHAPTER,), CHAPTER.origin(), head(seq, lines), by, 0)
    plan = follow(state, hello, {})
    return plan.state, list(plan.losses)


def begun() -> ReaderState:
    return told(ReaderState(), 0, ONE)[0]


def heads(state: ReaderState) -> list[tuple[int, int | None]]:
    return [(each.seq, each.sound) for each in state.announced]


def test_a_writer_that_tells_of_more_continues_what_it_told_of() -> None:
    state, _ = told(begun(), 5, ONE)
    state, _ = told(state, 9, ONE)
    assert heads(state) == [(5, 0), (9, 5)]
    assert told(state, 5, OTHER)[1] == [Loss(CHAPTER.epoch, 6, 9)]


def test_another_writers_head_continues_nothing_but_what_is_held() -> None:
    state, _ = told(begun(), 5, ONE)
    state, _ = told(state, 9, OTHER)
    assert heads(state) == [(5, 0), (9, 0)]
    assert told(state, 5, THIRD)[1] == [Loss(CHAPTER.epoch, 1, 9)]


def test_several_heads_that_are_lost_at_once_are_one_loss() -> None:
    state = begun()
    for seq, by in ((4, ONE), (7, ONE), (9, OTHER)):
        state, _ = told(state, seq, by)
    state, losses = told(state, 2, THIRD)
    assert losses == [Loss(CHAPTER.epoch, 1, 9)]
    assert [(each.seq, each.by) for each in state.announced] == [(2, THIRD)]


def test_who_sends_the_entries_holds_them_below_its_heads_and_nobody_else_is_believed_to() -> None:
    state, _ = told(begun(), 8, ONE)
    state, _ = told(state, 9, OTHER)
    state, losses = advance(state, LINES[:6], OTHER)
    assert not losses
    assert heads(state) == [(8, 0), (9, 6)]


def test_a_head_that_the_entries_do_not_lead_to_is_lost_from_where_its_writer_is_known() -> None:
    otherwise = (b"other 1", *LINES[1:])
    state, _ = told(begun(), 1, ONE)
    state, _ = told(state, 2, OTHER, otherwise)
    state, losses = advance(state, LINES[:3], ONE)
    assert list(losses) == [Loss(CHAPTER.epoch, 1, 2)]
    assert state.announced == ()


def test_of_too_many_heads_those_that_stay_answer_for_those_left_out() -> None:
    state = begun()
    for seq in range(1, ANNOUNCED + 2):
        state, _ = told(state, seq * 2, ONE)
    assert heads(state) == [(2, 0), *((seq, seq - 4) for seq in range(6, 2 * ANNOUNCED + 3, 4))]


def test_a_state_kept_by_an_older_release_goes_by_where_it_stands() -> None:
    now, _ = told(begun(), 9, ONE)
    kept = msgspec.json.decode(msgspec.json.encode(now))
    for each in kept["announced"]:
        del each["by"], each["sound"]
    state = msgspec.json.decode(msgspec.json.encode(kept), type=ReaderState)
    assert [each.head for each in state.announced] == [head(9)]
    state, _ = advance(state, LINES[:4], ONE)
    assert told(state, 6, OTHER)[1] == [Loss(CHAPTER.epoch, 5, 9)]
