"""What becomes of a figure of head office's that is not the store's."""

from __future__ import annotations

from itertools import permutations

import pytest

from hub.ledger.conflicts import Answered, Rank, asked_us, final_answer, standing
from protocol.feed_documents import Standing
from protocol.hq_decisions import ConflictAnswer

HERE = Rank(1, 50, 1, 3)
ACCEPT, KEEP, COUNT = ConflictAnswer.ACCEPT_HQ, ConflictAnswer.KEEP_STORE, ConflictAnswer.RECOUNT


def said(answer: ConflictAnswer, seq: int = 1, at_us: int = 100) -> Answered:
    return Answered((1, seq), answer, at_us)


@pytest.mark.parametrize(
    ("answers", "newest", "counted_us", "comes_to"),
    [
        ([], None, None, Standing.OPEN),
        ([], None, 500, Standing.OPEN),
        ([said(ACCEPT)], None, None, Standing.ACCEPTED),
        ([said(KEEP)], None, None, Standing.KEPT),
        ([said(COUNT)], None, None, Standing.COUNTING),
        ([said(COUNT)], None, 100, Standing.COUNTING),
        ([said(COUNT)], None, 101, Standing.COUNTED),
        ([said(COUNT, 1, 100), said(COUNT, 2, 300)], None, 200, Standing.COUNTING),
        ([said(COUNT), said(KEEP, 2)], None, 500, Standing.KEPT),
        ([], Rank(1, 51), None, Standing.SUPERSEDED),
        ([], Rank(2, 1), None, Standing.SUPERSEDED),
        ([], Rank(1, 50, 1, 4), None, Standing.SUPERSEDED),
        ([], Rank(1, 49, 9, 9), None, Standing.OPEN),
        ([said(COUNT)], Rank(1, 51), None, Standing.SUPERSEDED),
        ([said(COUNT)], Rank(1, 51), 500, Standing.COUNTED),
        ([said(ACCEPT)], Rank(1, 51), None, Standing.ACCEPTED),
    ],
)
def test_how_a_conflict_stands(
    answers: list[Answered], newest: Rank | None, counted_us: int | None, comes_to: Standing
) -> None:
    for order in permutations(answers):
        assert standing(HERE, order, newest, counted_us) is comes_to


def test_of_two_who_say_who_is_right_the_first_in_the_journal_counts() -> None:
    told = [said(COUNT, 1), said(KEEP, 7, 50), said(ACCEPT, 4, 90), Answered((2, 1), KEEP, 10)]
    for order in permutations(told):
        assert final_answer(order) == said(ACCEPT, 4, 90)
        assert asked_us(order) == 100
