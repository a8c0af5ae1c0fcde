"""Turns scans, weights and command cards into stock events, one at a time and each exactly once.

    mode    sale -  return +  receive +  transfer -  waste -      a Delta a scan; + for a shipment that arrives
            sale, with baskets                                    a BasketLine a scan (`basket`)
            count                                                 a CountReading a scan; END: a Count an item, and of
                                                                  a place somebody gave that it is counted
            price-check                                           nothing

A weighed item waits for the next stable weight of the station's scale. Undo takes back what is only pending (a waiting
weight, a quantity, a price card), else names the last scan's entries in `Reversal`s; in a count it appends the last
reading negated, since a reading moves nothing that could be reversed. What a presentation scanner sees twice is held
back (`dwell`), written down and, if it was meant, restored (`suppressed`).

One file although it is past 300 lines: every input, and what each rule may assume of the others, is read in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from msgspec import structs

from edge.codecs.readings import Scan, Weight
from edge.station.actions import (
    RAW_BYTES,
    Accepted,
    Action,
    Answer,
    Commit,
    Counted,
    CountedReading,
    GivenCount,
    Goods,
    Idle,
    Log,
    Lookup,
    Moved,
    Notice,
    Rejected,
    Repeated,
    Reversed,
    Switched,
    Ticket,
    Where,
    Work,
)
from edge.station.basket import OpenBasket
from edge.station.config import StationConfig
from edge.station.dwell import Dwell, Sight
from edge.station.movements import MOVES
from edge.station.note import StationNote
from edge.station.period import Period
from edge.station.price_checks import PriceChecks
from edge.station.quantities import Quantities
from edge.station.summary import SessionSummary
from edge.station.weighing import Waiting, Weighing
from edge.station.worth import by_weight, in_grams, milli_on_label, price_of, told_minor
from protocol.cards import (
    AgainCard,
    AnswerCard,
    Card,
    CheckCard,
    CountCard,
    EndCard,
    Mode,
    ModeCard,
    PlaceCard,
    PluCard,
    PriceCard,
    QuantityCard,
    ShipmentCard,
    ShipmentEnd,
    SkipCard,
    UndoCard,
    WhoCard,
    card_text,
    parse_card,
)
from protocol.catalogue import WHOLE_MILLI, Price
from protocol.chain import Chapter, Position
from protocol.codes import plu_code
from protocol.errors import BadInput
from protocol.events import (
    MAX_TEXT,
    BasketEnd,
    BasketLine,
    CountReading,
    Delta,
    Reason,
    Rejection,
    StationEntry,
    When,
)
from protocol.identity import DeviceId

MAX_SCAN_MILLI = 1_000_000_000
"""The most one scan may stand for: a million pieces or a thousand tonnes."""
MAX_DOCUMENT = 128
"""The longest name of an order that a basket is for."""
LOGGED_REPEATS = 10
"""How many repeats of one sight are written down to be restored; a code left in view must not fill the log."""


class Station:
    """The rules and memory of one station.

    The `on_...` methods, `committed` and `not_committed` return what is to be done, in order. Every `Commit` is given
    back to one of the latter two; the station takes more input meanwhile.
    """

    def __init__(self, config: StationConfig) -> None:
        self._config = config
        self._period = Period(config.mode, config.place, config.idle_us)
        self._quantities = Quantities()
        self._price_checks = PriceChecks()
        self._goods_in_view = Dwell(config.dwell_us)
        self._cards_in_view = Dwell(config.dwell_us)
        self._weighing = Weighing()

    @property
    def work(self) -> Work:
        """What a scan means now."""
        return self._period.work

    @property
    def mode(self) -> Mode:
        """The mode of that work."""
        return self._period.work.mode

    @property
    def session(self) -> str | None:
        """The session that is open."""
        return self._period.session

    @property
    def basket(self) -> OpenBasket | None:
        """The basket that is open."""
        return self._period.basket

    @property
    def given(self) -> GivenCount | None:
        """What somebody gave to be counted and is not counted yet."""
        return self._period.given

    @property
    def person(self) -> str:
        """Who counts, "" if nobody said."""
        return self._period.counting.person

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
        times = (
            self._quantities.next_deadline_us,
            self._price_checks.next_deadline_us,
            self._period.next_deadline_us,
            None if waiting is None else waiting.until_us,
        )
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

    def marking(self) -> None:
        """Learn that the log is about to say that nothing older is still to come."""
        self._period.marked()

    @property
    def restorable(self) -> tuple[tuple[Where, Delta | CountReading], ...]:
        """The suppressed scans that could be restored now, and what each would do."""
        return self._period.restorable

    def summary(self, lookup: Lookup) -> SessionSummary | None:
        """Say what the open session came to so far. Raises `BadInput` ("catalogue-failing")."""
        return self._period.summary(lookup)

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
            if isinstance(card, PluCard):
                text = plu_code(card.plu)
                scan = Scan(text, text.encode())
            elif card is not None:
                return late + self._on_card_in_view(ticket, scan, card, when, lookup)
            return late + self._on_goods(ticket, scan, lookup(scan, when), when, qty_milli)
        except BadInput as error:
            return late + self._reject(ticket, scan, when, Rejected(error.name, error.detail))

    def on_work(self, ticket: Ticket, work: Work, when: When, lookup: Lookup) -> tuple[Action, ...]:
        """Switch mode, document and place, as a card does that could be printed."""
        late = self.on_tick(when)
        try:
            if work.count is not None:
                if work != Work(Mode.COUNT, count=replace(work.count, ended=False)):
                    raise BadInput("bad-count", "only a count has a session and a shelf, and then nothing else")
                card_text(CountCard(work.count.session, work.count.place, work.count.pass_))
            elif work.arriving and (work.mode is not Mode.TRANSFER or work.document is None or work.to_place):
                raise BadInput("bad-document", "goods arrive by a transfer, under its document")
            elif work.to_place is None:
                card_text(ModeCard(work.mode, work.document))
            elif (work.mode, work.document) != (Mode.TRANSFER, None):
                raise BadInput("bad-place", "only a transfer goes to a place, and then under no document")
            else:
                card_text(PlaceCard(work.to_place))
            return late + self._on_work(ticket, work, lookup, when)
        except BadInput as error:
            return (*late, Answer(ticket, Rejected(error.name, error.detail)))

    def on_end(self, ticket: Ticket, session: str | None, when: When, lookup: Lookup) -> tuple[Action, ...]:
        """Close the open session as the END card does; only if it is `session`, where that is named."""
        late = self.on_tick(when)
        try:
            return (*late, self._period.end(ticket, session, lookup, when))
        except BadInput as error:
            return (*late, Answer(ticket, Rejected(error.name, error.detail)))

    def on_open_basket(self, ticket: Ticket, document: str | None, when: When, lookup: Lookup) -> tuple[Action, ...]:
        """Open a basket, for the order `document` if it is named: what is scanned falls into it until it is closed."""
        late = self.on_tick(when)
        try:
            if not self._config.baskets:
                raise BadInput("no-baskets", 'the settings say selling = "immediate"')
            if document is not None and not (0 < len(document) <= MAX_DOCUMENT and document.isprintable()):
                raise BadInput("bad-document", f"1 to {MAX_DOCUMENT} printable characters")
            return (*late, self._period.open_basket(ticket, document, lookup, when))
        except BadInput as error:
            return (*late, Answer(ticket, Rejected(error.name, error.detail)))

    def on_close_basket(
        self, ticket: Ticket, name: str, how: BasketEnd, when: When, lookup: Lookup
    ) -> tuple[Action, ...]:
        """Close the basket `name`, if it is the one that is open; told again how it ended, do nothing more."""
        late = self.on_tick(when)
        try:
            if self._weighing.waiting is not None:
                raise BadInput("weighing", "an item still waits for its weight; the undo card gives it up")
            done = self._period.close_basket(ticket, name, how, lookup, when)
            return (*late, Answer(ticket, done) if isinstance(done, Accepted) else done)
        except BadInput as error:
            return (*late, Answer(ticket, Rejected(error.name, error.detail)))

    def on_restore(self, ticket: Ticket, where: Where, when: When) -> tuple[Action, ...]:
        """Do what the scan was meant to do that was suppressed and stands at `where`."""
        late = self.on_tick(when)
        try:
            return (*late, self._period.restore(ticket, where, when))
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
        """Let what has waited too long end: in a refusal, or quietly where nobody was to do anything more."""
        actions: list[Action] = []
        waiting = self._weighing.waiting
        if waiting is not None and now.up_us >= waiting.until_us:
            actions += self._give_up(now, self._weighing.why_none())
        for device, pieces in self._quantities.expire(now.up_us):
            expired = Rejected("quantity-expired", f"no scan followed the quantity card of {pieces}")
            actions.append(Notice(device, expired))
        for device in self._price_checks.expire(now.up_us):
            actions.append(Notice(device, Rejected("price-check-expired", "no scan followed the price card")))
        idle = self._period.idle_out(now)
        if idle is not None:
            actions.append(Idle(idle))
        return tuple(actions)

    def on_stop(self, now: When) -> tuple[Action, ...]:
        """Refuse what still waits for a weight: the station is about to stop."""
        return self._give_up(now, Rejected("stopping", "the station stopped"))

    def committed(self, commit: Commit, position: Position) -> tuple[Action, ...]:
        """Learn that a commit is durable, its last entry at `position`."""
        where = Where(position.epoch, position.seq)
        self._period.committed(commit, where)
        self._quantities.used(commit.ticket)
        answer = structs.replace(commit.answer, where=where if commit.entries else None)
        actions: tuple[Action, ...] = (Answer(commit.ticket, answer),)
        match commit.effect:
            case Reversed(_, True, _) | Counted(_, True):
                self._weighing.give_back()
            case Moved(_, _, None) | Counted(_, False, None):
                self._goods_in_view.kept(commit.ticket.device, _code(commit), where)
            case Switched():
                self._quantities.clear()
                self._price_checks.clear()
                self._goods_in_view.clear()
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
        self._quantities.not_used(commit.ticket)
        # A card that did nothing, or goods that were not taken, may be shown again at once.
        self._cards_in_view.forget_device(commit.ticket.device)
        match commit.effect:
            case Moved(_, weighed, None):
                self._goods_in_view.forget(commit.ticket.device, _code(commit))
                if weighed:
                    self._weighing.give_back()
            case Counted(_, False, None):
                self._goods_in_view.forget(commit.ticket.device, _code(commit))
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
        device = ticket.device
        if self.mode is Mode.PRICE_CHECK or self._price_checks.drop(device):
            # What is still in view afterwards is not being bought.
            self._goods_in_view.taken(device, scan.text, when.up_us)
            if goods.item is None:
                raise BadInput("unknown-item", "the catalogue does not have it")
            price = price_of(goods, WHOLE_MILLI, self._config.scopes)
            told = Accepted(Mode.PRICE_CHECK.value, self.mode, scan.text, goods, price=price)
            return (Answer(ticket, told),)
        if self._config.baskets and self.mode is Mode.SALE and self._period.basket is None:
            raise BadInput("no-basket", "till software has not opened a basket")
        sight = self._goods_in_view.again(device, scan.text, when.up_us)
        if sight is not None:
            return (*self._hold_back(ticket, scan, goods, when, sight),)
        waiting = self._weighing.waiting
        if waiting is not None and waiting.ticket.device == device:
            raise BadInput("weighing", "the item before still waits for its weight; the undo card gives it up")
        if self.mode is Mode.COUNT and self.work.count is not None and self._period.given is None:
            raise BadInput("shelf-ended", f"{self.work.count.place} is counted; scan the card of the next shelf")
        if not self._period.room_in_count(goods.key, self._config.count_codes):
            raise BadInput("count-too-large", f"{self._config.count_codes} codes; end this count and begin another")
        if told_milli is None:
            told_milli = milli_on_label(goods, self._config.scopes)
            if in_grams(goods) and self._quantities.drop(device):
                raise BadInput("quantity-of-weighed", "an item sold by weight is weighed, not multiplied")
        if told_milli is None and by_weight(goods):
            if waiting is not None:
                raise BadInput("scale-busy", "the scale is waited for by another scan")
            self._goods_in_view.taken(device, scan.text, when.up_us)
            self._weighing.wait(Waiting(ticket, scan, goods, when.up_us + self._config.weight_wait_us))
            return ()
        qty_milli = (WHOLE_MILLI if told_milli is None else told_milli) * self._quantities.of(device)
        if not 0 < qty_milli <= MAX_SCAN_MILLI:
            raise BadInput("bad-quantity", f"{qty_milli} thousandths")
        self._quantities.use(ticket)
        self._goods_in_view.taken(device, scan.text, when.up_us)
        return (self._take_goods(ticket, scan, goods, when, qty_milli, weighed=False),)

    def _take_goods(
        self, ticket: Ticket, scan: Scan, goods: Goods, when: When, qty_milli: int, weighed: bool
    ) -> Commit:
        price = price_of(goods, qty_milli, self._config.scopes)
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
        return self._period.move(ticket, self._delta(ticket, scan, goods, when, qty_milli), answer, weighed)

    def _delta(self, ticket: Ticket, scan: Scan, goods: Goods, when: When, qty_milli: int) -> Delta:
        work = self.work
        reason, sign = (Reason.TRANSFER, 1) if work.arriving else MOVES[work.mode]
        return Delta(
            when=when,
            device=ticket.device,
            code=scan.text,
            aim=scan.aim,
            qty_milli=sign * qty_milli,
            reason=reason,
            place=self._config.place,
            document=work.document,
            catalogue=goods.catalogue,
            price_minor=told_minor(goods, price_of(goods, qty_milli, self._config.scopes), self._config.scopes),
            counter_place=work.to_place,
        )

    def _hold_back(self, ticket: Ticket, scan: Scan, goods: Goods, when: When, sight: Sight) -> tuple[Action, ...]:
        """Write down what was read again, to be restored if it was meant."""
        if sight.repeats > LOGGED_REPEATS:
            return self._repeated(ticket, scan, when)
        qty_milli = milli_on_label(goods, self._config.scopes) or (0 if by_weight(goods) else WHOLE_MILLI)
        if self.mode is not Mode.COUNT:
            meant: Delta | CountReading = self._delta(ticket, scan, goods, when, qty_milli)
        else:
            counting, session = self._period.counting, self.session or ""
            meant = CountReading(
                when,
                ticket.device,
                scan.text,
                scan.aim,
                qty_milli,
                counting.place,
                session,
                goods.catalogue,
                counting.pass_,
                counting.person,
            )
        return (self._period.hold_back(ticket, meant, goods.key, sight.kept),)

    def _repeated(self, ticket: Ticket, scan: Scan, when: When) -> tuple[Action, ...]:
        """Do nothing about what is still in view, and leave a trace of it in the chatter."""
        raw = scan.raw[:RAW_BYTES].decode("latin-1")
        trace = Rejection(when, ticket.device, "repeated", "still in view", raw)
        return (Answer(ticket, Repeated(scan.text)), Log(trace))

    def _attention(self, goods: Goods, price: Price | None) -> str | None:
        if goods.item is None:
            return "unknown-item"
        return "no-price" if price is None and goods.label_price is None and self.mode is Mode.SALE else None

    def _give_up(self, now: When, why: Rejected) -> tuple[Action, ...]:
        """Refuse what waits for a weight, if anything does."""
        waiting = self._weighing.stop()
        if waiting is None:
            return ()
        self._goods_in_view.forget(waiting.ticket.device, waiting.scan.text)
        return self._reject(waiting.ticket, waiting.scan, now, why)

    def _reject(self, ticket: Ticket, scan: Scan, when: When, rejected: Rejected) -> tuple[Action, ...]:
        raw = scan.raw[:RAW_BYTES].decode("latin-1")
        entry = Rejection(when, ticket.device, rejected.name, rejected.detail[:RAW_BYTES], raw)
        return (Answer(ticket, rejected), Log(entry))

    # Cards

    def _on_card_in_view(
        self, ticket: Ticket, scan: Scan, card: Card, when: When, lookup: Lookup
    ) -> tuple[Action, ...]:
        device = ticket.device
        if self._cards_in_view.again(device, scan.text, when.up_us) is not None:
            return self._repeated(ticket, scan, when)
        actions = self._on_card(ticket, card, when, lookup)
        self._cards_in_view.taken(device, scan.text, when.up_us)
        # Somebody acts: what is shown next, were it the same goods again, is meant.
        self._goods_in_view.forget_device(device)
        return actions

    def _on_card(self, ticket: Ticket, card: Card, when: When, lookup: Lookup) -> tuple[Action, ...]:
        match card:
            case QuantityCard(pieces):
                self._quantities.put(ticket.device, pieces, when.up_us)
                return (Answer(ticket, Accepted("quantity", self.mode, qty_milli=pieces * WHOLE_MILLI)),)
            case UndoCard():
                return self._on_undo(ticket, when)
            case PriceCard():
                self._price_checks.put(ticket.device, when.up_us)
                return (Answer(ticket, Accepted("price", self.mode)),)
            case AgainCard():
                return (self._period.restore(ticket, None, when),)
            case EndCard():
                return (self._period.end(ticket, None, lookup, when),)
            case ModeCard(mode, document):
                return self._on_work(ticket, Work(mode, document), lookup, when)
            case PlaceCard(place):
                return self._on_work(ticket, Work(Mode.TRANSFER, to_place=place), lookup, when)
            case CountCard(session, place, number):
                return self._on_work(ticket, Work(Mode.COUNT, count=GivenCount(session, place, number)), lookup, when)
            case WhoCard(person):
                return (self._period.name(ticket, person),)
            case ShipmentCard(document, source, destination):
                arriving = self._stands_at(destination)
                if not arriving and not self._stands_at(source):
                    ends = f"from {source.store} to {destination.store}"
                    raise BadInput("not-here", f"this shipment goes {ends}, and nothing of it passes here")
                return self._on_work(ticket, Work(Mode.TRANSFER, document, arriving=arriving), lookup, when)
            case PluCard():
                raise BadInput("bad-card", "a scale number is taken as goods are")
            case CheckCard() | AnswerCard() | SkipCard():
                raise BadInput("no-check", "no hand-over check goes on here")

    def _stands_at(self, end: ShipmentEnd) -> bool:
        config = self._config
        return end.store == config.store and end.place in (None, config.place, config.area)

    def _on_work(self, ticket: Ticket, work: Work, lookup: Lookup, when: When) -> tuple[Action, ...]:
        if work.to_place == self._config.place:
            raise BadInput("same-place", f"the goods are at {work.to_place} already")
        return (self._period.switch(ticket, work, lookup, when) or Answer(ticket, Accepted("mode", work.mode)),)

    def _on_undo(self, ticket: Ticket, when: When) -> tuple[Action, ...]:
        waiting = self._weighing.waiting
        if waiting is not None and waiting.ticket.device == ticket.device:
            given_up = Rejected("given-up", "the undo card came before a weight")
            undone = Answer(ticket, Accepted("undo", self.mode))
            return (*self._give_up(when, given_up), undone)
        if self._price_checks.drop(ticket.device) or self._quantities.drop(ticket.device):
            return (Answer(ticket, Accepted("undo", self.mode)),)
        return (self._period.undo(ticket, when),)


def _code(commit: Commit) -> str:
    """Give the code that a commit of goods took."""
    meant = (entry.meant if isinstance(entry, BasketLine) else entry for entry in commit.entries)
    return next((entry.code for entry in meant if isinstance(entry, Delta | CountReading)), "")
