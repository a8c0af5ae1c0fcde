"""Turns scans, weights and command cards into stock events, one at a time and each exactly once.

    mode    sale -  return +  receive +  transfer -  waste -      a Delta a scan
            count                                                 a CountReading a scan; END: a Count an item
            price-check                                           nothing

A weighed item waits for the next stable weight of the station's scale. Undo takes back what is only pending (a waiting
weight, a quantity), else names the last entry in a `Reversal`; in a count it appends the last reading negated, since
a reading moves nothing that could be reversed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.codecs.readings import Scan, Weight
from edge.station.actions import (
    RAW_BYTES,
    Accepted,
    Action,
    Answer,
    Commit,
    Counted,
    CountedReading,
    Goods,
    Log,
    Lookup,
    Moved,
    Notice,
    Rejected,
    Reversed,
    Switched,
    Ticket,
    Where,
)
from edge.station.config import StationConfig
from edge.station.note import StationNote
from edge.station.period import MOVES, Period
from edge.station.quantities import Quantities
from edge.station.weighing import Waiting, Weighing
from protocol.cards import Card, EndCard, Mode, ModeCard, QuantityCard, UndoCard, card_text, parse_card
from protocol.catalogue import WHOLE_MILLI, Price, Unit
from protocol.chain import Chapter, Position
from protocol.errors import BadInput
from protocol.events import MAX_TEXT, Delta, Rejection, StationEntry, When
from protocol.identity import DeviceId
from protocol.pricing import winning_price

MAX_SCAN_MILLI = 1_000_000_000
"""The most one scan may stand for: a million pieces or a thousand tonnes."""


class Station:
    """The rules and memory of one station.

    The `on_...` methods, `committed` and `not_committed` return what is to be done, in order. Every `Commit` is given
    back to one of the latter two; the station takes more input meanwhile.
    """

    def __init__(self, config: StationConfig) -> None:
        self._config = config
        self._period = Period(config.mode, config.place)
        self._quantities = Quantities()
        self._weighing = Weighing()

    @property
    def mode(self) -> Mode:
        """What a scan means now."""
        return self._period.mode

    @property
    def document(self) -> str | None:
        """The document that new entries name."""
        return self._period.document

    @property
    def scale(self) -> DeviceId | None:
        """The device whose weights count, None for any."""
        return self._config.scale

    @property
    def settled(self) -> bool:
        """Tell whether nothing older is still to be written: no commit runs, no weight waits, no count is open."""
        return self._period.settled and self._weighing.waiting is None

    @property
    def next_deadline_us(self) -> int | None:
        """When `on_tick` will have something to do (boot time), unless something else happens before."""
        waiting = self._weighing.waiting
        times = (self._quantities.next_deadline_us, None if waiting is None else waiting.until_us)
        return min((time for time in times if time is not None), default=None)

    def resume(self, note: StationNote | None, head: Where, lineage: Sequence[Chapter]) -> Where:
        """Take up the mode period `note` tells of, before anything else; `head` and `lineage` are the log's.

        Settings that name another mode than they did then win over the note, but not over an open count. Gives the
        position after which the log is to be read again, each entry given to `recall`.
        """
        return self._period.resume(note, head, lineage)

    def recall(self, where: Where, entry: StationEntry, key: str) -> None:
        """Take an entry back from the log, in log order; `key` is what its code adds up under (`Goods.key`)."""
        self._period.recall(where, entry, key)

    def carried(self, head: Where, lineage: Sequence[Chapter]) -> None:
        """Learn that the log has opened a new epoch and carried entries into it."""
        self._period.carried(head, lineage)

    # What comes in

    def on_scan(
        self, ticket: Ticket, scan: Scan, when: When, lookup: Lookup, qty_milli: int | None = None
    ) -> tuple[Action, ...]:
        """Take a scan; `qty_milli` is a quantity told beside it, in place of a scale or one piece."""
        late = self.on_tick(when)
        try:
            if len(scan.text) > MAX_TEXT:
                raise BadInput("too-long", f"a code of {len(scan.text)} characters")
            card = parse_card(scan.text)
            if card is not None:
                return late + self._on_card(ticket, card, when, lookup)
            return late + self._on_goods(ticket, scan, lookup(scan, when), when, qty_milli)
        except BadInput as error:
            return late + self._reject(ticket, scan, when, Rejected(error.name, error.detail))

    def on_mode(
        self, ticket: Ticket, mode: Mode, document: str | None, when: When, lookup: Lookup
    ) -> tuple[Action, ...]:
        """Switch the mode, as a mode card does that could be printed."""
        late = self.on_tick(when)
        try:
            card_text(ModeCard(mode, document))
            return late + self._on_mode(ticket, mode, document, lookup)
        except BadInput as error:
            return (*late, Answer(ticket, Rejected(error.name, error.detail)))

    def on_weight(self, device: DeviceId, weight: Weight, when: When) -> tuple[Action, ...]:
        """Take what a scale says."""
        late = self.on_tick(when)
        if self._config.scale not in (None, device):
            return late
        grams = self._weighing.weigh(weight)
        if grams is None or self._period.switching or self._weighing.waiting is None:
            return late
        waiting = self._weighing.stop()
        assert waiting is not None
        self._weighing.taken(grams)
        return (*late, self._take_goods(waiting.ticket, waiting.scan, waiting.goods, when, grams, weighed=True))

    def on_tick(self, now: When) -> tuple[Action, ...]:
        """Let what has waited too long end in a refusal."""
        actions: list[Action] = []
        waiting = self._weighing.waiting
        if waiting is not None and now.up_us >= waiting.until_us:
            self._weighing.stop()
            actions += self._reject(waiting.ticket, waiting.scan, now, self._weighing.why_none())
        for device, pieces in self._quantities.expire(now.up_us):
            expired = Rejected("quantity-expired", f"no scan followed the quantity card of {pieces}")
            actions.append(Notice(device, expired))
        return tuple(actions)

    def on_stop(self, now: When) -> tuple[Action, ...]:
        """Refuse what still waits for a weight: the station is about to stop."""
        waiting = self._weighing.stop()
        if waiting is None:
            return ()
        return self._reject(waiting.ticket, waiting.scan, now, Rejected("stopping", "the station stopped"))

    def committed(self, commit: Commit, position: Position) -> tuple[Action, ...]:
        """Learn that a commit is durable, its last entry at `position`."""
        where = Where(position.epoch, position.seq)
        self._period.committed(commit, where)
        answer = replace(commit.answer, where=where if commit.entries else None)
        actions: tuple[Action, ...] = (Answer(commit.ticket, answer),)
        match commit.effect:
            case Reversed(_, True, _) | Counted(_, True):
                self._weighing.give_back()
            case Switched():
                self._quantities.clear()
                waited = self._weighing.stop()
                if waited is not None:
                    changed = Rejected("mode-changed", "the mode changed before a weight came")
                    actions += (Answer(waited.ticket, changed),)
            case _:
                pass
        return actions

    def not_committed(self, commit: Commit, rejected: Rejected) -> tuple[Action, ...]:
        """Learn that nothing of a commit is in the log, and why."""
        self._period.not_committed(commit)
        match commit.effect:
            case Moved(_, True) | Counted(_, False):
                self._weighing.give_back()
            case _:
                pass
        return (Answer(commit.ticket, rejected),)

    # Goods

    def _on_goods(
        self, ticket: Ticket, scan: Scan, goods: Goods, when: When, told_milli: int | None
    ) -> tuple[Action, ...]:
        if self._period.switching:
            raise BadInput("busy", "the mode is just changing")
        waiting = self._weighing.waiting
        if waiting is not None and waiting.ticket.device == ticket.device:
            raise BadInput("weighing", "the item before still waits for its weight; the undo card gives it up")
        if self.mode is Mode.PRICE_CHECK:
            if goods.item is None:
                raise BadInput("unknown-item", "the catalogue does not have it")
            price = self._price(goods, WHOLE_MILLI)
            return (Answer(ticket, Accepted(self.mode.value, self.mode, scan.text, goods, price=price)),)
        if not self._period.room_in_count(goods.key, self._config.count_codes):
            raise BadInput("count-too-large", f"{self._config.count_codes} codes; end this count and begin another")
        if told_milli is None and goods.item is not None and goods.item.unit is Unit.KG:
            if self._quantities.drop(ticket.device):
                raise BadInput("quantity-of-weighed", "an item sold by weight is weighed, not multiplied")
            if waiting is not None:
                raise BadInput("scale-busy", "the scale is waited for by another scan")
            self._weighing.wait(Waiting(ticket, scan, goods, when.up_us + self._config.weight_wait_us))
            return ()
        qty_milli = (WHOLE_MILLI if told_milli is None else told_milli) * self._quantities.of(ticket.device)
        if not 0 < qty_milli <= MAX_SCAN_MILLI:
            raise BadInput("bad-quantity", f"{qty_milli} thousandths")
        self._quantities.drop(ticket.device)
        return (self._take_goods(ticket, scan, goods, when, qty_milli, weighed=False),)

    def _take_goods(
        self, ticket: Ticket, scan: Scan, goods: Goods, when: When, qty_milli: int, weighed: bool
    ) -> Commit:
        price = self._price(goods, qty_milli)
        answer = Accepted(
            did=self.mode.value,
            mode=self.mode,
            code=scan.text,
            goods=goods,
            qty_milli=qty_milli,
            price=price,
            attention=self._attention(goods, price),
        )
        if self.mode is Mode.COUNT:
            reading = CountedReading(goods.key, scan.text, scan.aim, qty_milli, when, goods.catalogue)
            return self._period.read(ticket, reading, answer)
        reason, sign = MOVES[self.mode]
        delta = Delta(
            when=when,
            device=ticket.device,
            code=scan.text,
            aim=scan.aim,
            qty_milli=sign * qty_milli,
            reason=reason,
            place=self._config.place,
            document=self.document,
            catalogue=goods.catalogue,
            price_minor=None if price is None else price.minor,
        )
        return self._period.move(ticket, delta, answer, weighed)

    def _price(self, goods: Goods, qty_milli: int) -> Price | None:
        of_item_milli = qty_milli * goods.factor_milli // WHOLE_MILLI
        return winning_price(goods.prices, goods.at_us, of_item_milli, self._config.scopes)

    def _attention(self, goods: Goods, price: Price | None) -> str | None:
        if goods.item is None:
            return "unknown-item"
        return "no-price" if price is None and self.mode is Mode.SALE else None

    def _reject(self, ticket: Ticket, scan: Scan, when: When, rejected: Rejected) -> tuple[Action, ...]:
        raw = scan.raw[:RAW_BYTES].decode("latin-1")
        entry = Rejection(when, ticket.device, rejected.name, rejected.detail[:RAW_BYTES], raw)
        return (Answer(ticket, rejected), Log(entry))

    # Cards

    def _on_card(self, ticket: Ticket, card: Card, when: When, lookup: Lookup) -> tuple[Action, ...]:
        match card:
            case QuantityCard(pieces):
                self._quantities.put(ticket.device, pieces, when.up_us)
                return (Answer(ticket, Accepted("quantity", self.mode, qty_milli=pieces * WHOLE_MILLI)),)
            case UndoCard():
                return self._on_undo(ticket, when)
            case EndCard():
                return (self._period.end_count(ticket, lookup),)
            case ModeCard(mode, document):
                return self._on_mode(ticket, mode, document, lookup)

    def _on_mode(self, ticket: Ticket, mode: Mode, document: str | None, lookup: Lookup) -> tuple[Action, ...]:
        return (self._period.switch(ticket, mode, document, lookup) or Answer(ticket, Accepted("mode", mode)),)

    def _on_undo(self, ticket: Ticket, when: When) -> tuple[Action, ...]:
        waiting = self._weighing.waiting
        if waiting is not None and waiting.ticket.device == ticket.device:
            self._weighing.stop()
            given_up = Rejected("given-up", "the undo card came before a weight")
            undone = Answer(ticket, Accepted("undo", self.mode))
            return (*self._reject(waiting.ticket, waiting.scan, when, given_up), undone)
        if self._quantities.drop(ticket.device):
            return (Answer(ticket, Accepted("undo", self.mode)),)
        return (self._period.undo(ticket, when),)
