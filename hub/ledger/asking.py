"""Whether a person is asked about a count. The answer never holds the count up: it stands as soon as it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from hub.ledger.counting import Composed, Plan, ShelfResult
from hub.ledger.entries import Scope
from hub.ledger.figures import nearest_milli
from protocol.identity import ItemId, PlaceId


class Tolerance(msgspec.Struct, frozen=True):
    """By how much two quantities may differ without anybody being asked: so many milli-units or so many in a thousand.

    The greater of the two counts, the latter of the greater quantity.
    """

    qty_milli: int = 0
    per_mille: int = 0

    def allows(self, one_milli: int, other_milli: int) -> bool:
        """Whether two quantities are near enough to each other."""
        apart_milli = abs(one_milli - other_milli)
        return apart_milli <= self.qty_milli or (
            apart_milli * 1000 <= self.per_mille * max(abs(one_milli), abs(other_milli))
        )


class Asked(StrEnum):
    """What a person is asked to do.

    `repeat`: have another person count the shelf. `passes-differ`: say which pass is right, or have it counted
    once more. `variance`: look at a count that is far from what the books expected, and that nobody has repeated.
    """

    REPEAT = "repeat"
    PASSES_DIFFER = "passes-differ"
    VARIANCE = "variance"


class Question(msgspec.Struct, frozen=True):
    """A question about a count; of a shelf, or with `place` None of the whole."""

    scope: Scope
    asked: Asked
    place: PlaceId | None


def questions(
    plan: Plan | None,
    composed: Composed,
    tolerance: Callable[[ItemId], Tolerance],
    expected_milli: Mapping[Scope, int],
) -> list[Question]:
    """Ask about a session's counts that nobody has accepted, by what the books expected (`CountFigure`).

    Two people who found the same, as far as the item's tolerance goes, are asked nothing.
    """
    asked: list[Question] = []
    for scope, result in composed.results.items():
        if result.settled:
            continue
        allowed = tolerance(scope.item)
        is_repeated = True
        differ = False
        for shelf in result.shelves:
            if not _agree(shelf, allowed):
                differ = True
                asked.append(Question(scope, Asked.PASSES_DIFFER, shelf.place))
            elif not _is_by_two(shelf):
                is_repeated = False
                if plan is not None and plan.two_passes and plan.area == scope.area:
                    asked.append(Question(scope, Asked.REPEAT, shelf.place))
        expected = expected_milli.get(scope)
        if is_repeated or differ or expected is None:
            continue
        count = result.count
        nearest = nearest_milli(expected, count.qty_milli, count.lo_milli, count.hi_milli)
        if not allowed.allows(nearest, expected):
            asked.append(Question(scope, Asked.VARIANCE, None))
    return asked


def _agree(shelf: ShelfResult, allowed: Tolerance) -> bool:
    """Whether the last two passes found the same."""
    last = shelf.passes[-2:]
    return allowed.allows(last[0].qty_milli, last[-1].qty_milli)


def _is_by_two(shelf: ShelfResult) -> bool:
    """Whether the last two passes were made by people of whom one is another."""
    if len(shelf.passes) < 2:
        return False
    first, second = shelf.passes[-2:]
    return bool(first.persons) and bool(second.persons - first.persons)
