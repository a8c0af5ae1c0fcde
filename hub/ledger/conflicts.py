"""What has become of a figure of head office's that is not the store's. Pure.

    open ──> counting ──> counted                      a recount was asked for; a count stands
      ├──────────┴──────> accepted | kept              somebody said who is right
      └─────────────────> superseded                   a later statement says something of the same item and area

Which it is follows from what is known, in whatever order that came. A statement is later than another if it names a
later position of the store feed; of two on one position, if it stands later in head office's log.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from protocol.feed_documents import Standing
from protocol.hq_decisions import ConflictAnswer

WANTED = (Standing.OPEN, Standing.COUNTING)
"""Those that may still be answered."""


class Rank(NamedTuple):
    """Orders statements: the position in the feed (generation, seq), then where they stand in head office's log."""

    feed_generation: int
    feed_seq: int
    generation: int = 0
    seq: int = 0


class Answered(NamedTuple):
    """An answer; `number` is where it stands in the journal (generation, seq)."""

    number: tuple[int, int]
    answer: ConflictAnswer
    at_us: int


def final_answer(answers: Iterable[Answered]) -> Answered | None:
    """Choose the answer that says who is right: of several the first."""
    return min((each for each in answers if each.answer is not ConflictAnswer.RECOUNT), default=None)


def asked_us(answers: Iterable[Answered]) -> int | None:
    """Say when a recount was asked for last (UTC), None if it never was."""
    return max((each.at_us for each in answers if each.answer is ConflictAnswer.RECOUNT), default=None)


def standing(rank: Rank, answers: Iterable[Answered], newest: Rank | None, counted_us: int | None) -> Standing:
    """Say how a conflict stands.

    `rank` is its statement's, `newest` that of the last statement on the same item and area, `counted_us` when these
    were last counted (UTC).
    """
    said = [*answers]
    final = final_answer(said)
    if final is not None:
        return Standing.ACCEPTED if final.answer is ConflictAnswer.ACCEPT_HQ else Standing.KEPT
    asked = asked_us(said)
    if asked is not None and counted_us is not None and counted_us > asked:
        return Standing.COUNTED
    if newest is not None and newest > rank:
        return Standing.SUPERSEDED
    return Standing.OPEN if asked is None else Standing.COUNTING
