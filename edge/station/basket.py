"""One open basket: what till software opened and has not closed, and what fell into it meanwhile.

    open        BasketOpened
    a scan      BasketLine, at the time it was scanned
    undo        LineTakenOut
    sold        a Delta for each line that stands, as it was scanned, and BasketClosed behind them, in one transaction
    voided, abandoned                   BasketClosed

A basket is named like a session (`edge.station.session`), by its opening.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.station.actions import Lookup, Where
from edge.station.session import Taken, session_name, summarise
from edge.station.summary import SessionSummary
from edge.station.undo import carry
from protocol.cards import Mode
from protocol.chain import Chapter
from protocol.events import BasketOpened, Delta, When
from protocol.identity import PlaceId

MAX_LINES = 1000
"""The most lines of one basket: all of them are written at once when it is sold."""


class OpenBasket:
    """The lines of one basket, those on disk only."""

    def __init__(self, opened: BasketOpened) -> None:
        self.opened = opened
        self._lines: dict[Where, Delta] = {}

    @classmethod
    def begun(cls, when: When, place: PlaceId, document: str | None) -> OpenBasket:
        """Begin one."""
        return cls(BasketOpened(when, session_name(when), place, document))

    @property
    def name(self) -> str:
        return self.opened.basket

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, where: Where, meant: Delta) -> None:
        """Take a line that is on disk."""
        self._lines[where] = meant

    def take_out(self, where: Where) -> None:
        """Forget a line whose taking out is on disk."""
        self._lines.pop(where, None)

    def lines(self) -> tuple[Delta, ...]:
        """Give what its lines mean, in the order of the log."""
        return tuple(self._lines[where] for where in sorted(self._lines))

    def carried(self, lineage: Sequence[Chapter]) -> None:
        """Follow the lines into the log's newest epoch."""
        self._lines = {carry(where, lineage) or where: meant for where, meant in self._lines.items()}

    def summary(self, lookup: Lookup) -> SessionSummary:
        """Say what it came to so far."""
        taken = [Taken(line.code, line.aim, abs(line.qty_milli), line.price_minor, line.when) for line in self.lines()]
        return summarise(self.name, Mode.SALE, self.opened.document, self.opened.when, taken, lookup)
