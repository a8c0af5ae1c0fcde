"""Baskets that people ended from the stored lines alone, for `rebuilding`: gathered whole, then each ended once."""

from __future__ import annotations

from collections.abc import Iterator

from hub.ledger.entries import Delta
from hub.store.basket_ends import meant_by
from hub.store.baskets import Line, source_name
from hub.store.epochs import EpochRow, EpochRows, folded_log
from hub.store.lines import Event, Lines
from hub.store.reader_logs import load_state
from hub.store.sql import Sql
from protocol.decisions import BasketEnded
from protocol.events import BasketClosed, BasketLine, BasketOpened, LineTakenOut
from protocol.identity import EntryId, Epoch, StationId


class Rebasketing:
    """Gathers lines in the order of their logs, then gives the movements that words on baskets make."""

    def __init__(self, epochs: EpochRows) -> None:
        self._epochs = epochs
        self._open: dict[tuple[StationId, str], tuple[EntryId, dict[EntryId, Line]]] = {}
        self._words: dict[str, tuple[tuple[int, int], BasketEnded]] = {}

    def told(self, names: Sql, epoch: EpochRow, seq: int, event: Event, line: bytes) -> None:
        """Take a line of a log, if it is about a basket; `names` is where the rows of epochs are."""
        match event:
            case BasketOpened():
                self._open[epoch.station, event.basket] = (epoch.entry(seq), {})
            case BasketLine() if (epoch.station, event.basket) in self._open:
                _, lines = self._open[epoch.station, event.basket]
                lines[epoch.entry(seq)] = Line(epoch, seq, line)
            case LineTakenOut() if (epoch.station, event.basket) in self._open:
                _, lines = self._open[epoch.station, event.basket]
                state = load_state(names, folded_log(epoch.station))
                taken = EntryId(epoch.station, *state.meant(epoch.epoch, Epoch.parse(event.epoch), event.seq))
                lines.pop(taken, None)
            case BasketClosed():
                self._open.pop((epoch.station, event.basket), None)
            case BasketEnded():
                number = epoch.epoch.generation, seq
                if event.basket not in self._words or self._words[event.basket][0] < number:
                    self._words[event.basket] = number, event
            case _:
                pass

    def movements(self, sql: Sql, lines: Lines) -> Iterator[Delta]:
        """Give the movements of all baskets that a person ended and no station closed."""
        for (station, name), (opened, put) in self._open.items():
            said = self._words.get(str(opened))
            if said is not None:
                yield from meant_by(sql, lines, put.values(), said[1], source_name(station, name))
