"""A shop around the station's rules: a log in memory that may be slow or fail, a few goods, a power switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edge.clock import FakeClock
from edge.codecs.readings import Scan, Weight, WeightState
from edge.station.actions import (
    LOCAL_API,
    Action,
    Answer,
    Commit,
    Goods,
    Idle,
    Log,
    Lookup,
    Notice,
    Outcome,
    Rejected,
    Ticket,
    Where,
    Work,
)
from edge.station.config import StationConfig
from edge.station.note import NOTE, decode_note
from edge.station.station import Station
from edge.station.summary import SessionSummary
from protocol.cards import Mode
from protocol.catalogue import STORE, Item, Price, PriceKind, Unit
from protocol.chain import Chapter, Position
from protocol.codes import read_code
from protocol.events import (
    BasketEnd,
    Count,
    CountReading,
    Delta,
    Mark,
    Rejection,
    StationEntry,
    Suppressed,
    Weighing,
    When,
)
from protocol.identity import DeviceId, Epoch, PlaceId

MILK = "4006381333931"
MILK_BY_6 = "14006381333938"
MILK_BY_7 = "34006381333932"
TEA = "4012345678901"
BANANAS = "2000000000008"
BANANAS_TOO = "4011"
BANANAS_PLU = "plu:4011"
UNKNOWN = "9780201379624"
BAD = "4006381333932"
CATALOGUE = 17

EPOCH = Epoch(1, 0xABC)
LINEAGE = (Chapter(EPOCH),)
SCANNER = DeviceId("scanner")
OTHER = DeviceId("other-scanner")
SCALE = DeviceId("scale")
API = LOCAL_API


def _price(item: str, minor: int, from_milli: int = 0) -> Price:
    priority = 1 if from_milli else 0
    return Price(item, f"{item}-{minor}", PriceKind.REGULAR, minor, "EUR", priority=priority, min_qty_milli=from_milli)


_MILK = (Item("milk", "Milk 1 l"), (_price("milk", 119), _price("milk", 99, 6000)))
_BANANAS = (Item("bananas", "Bananas", Unit.KG), (_price("bananas", 199),))
_GOODS = {
    read_code(MILK, None).lookup: (*_MILK, 1000),
    read_code(MILK_BY_6, None).lookup: (*_MILK, 6000),
    read_code(MILK_BY_7, None).lookup: (*_MILK, 7000),
    read_code(TEA, None).lookup: (Item("tea", "Tea"), (), 1000),
    read_code(BANANAS, None).lookup: (*_BANANAS, 1000),
    read_code(BANANAS_TOO, None).lookup: (*_BANANAS, 1000),
    read_code(BANANAS_PLU, None).lookup: (*_BANANAS, 1000),
}


def lookup(scan: Scan, when: When) -> Goods:
    """Ask a catalogue of three items."""
    key = read_code(scan.text, scan.aim).lookup
    item, prices, factor_milli = _GOODS.get(key, (None, (), 1000))
    return Goods(key, when.wall_us, CATALOGUE, item, factor_milli, prices)


def grams(number: int) -> Weight:
    return Weight(number, WeightState.STABLE, False, b"")


def no_weight(state: WeightState) -> Weight:
    return Weight(None, state, False, b"")


def station_config(
    mode: Mode = Mode.SALE,
    count_codes: int = 50,
    idle_us: int | None = None,
    dwell_us: Mapping[DeviceId, int] | None = None,
    baskets: bool = False,
) -> StationConfig:
    return StationConfig(
        place=PlaceId("shop"),
        mode=mode,
        scopes=(STORE,),
        count_codes=count_codes,
        idle_us=idle_us,
        dwell_us=dwell_us or {},
        baskets=baskets,
    )


@dataclass
class Shop:
    """Carries out what the station wants, at once unless `slow`: then commits wait for `write` or `fail`."""

    config: StationConfig = field(default_factory=station_config)
    slow: bool = False
    lookup: Lookup = lookup
    clock: FakeClock = field(default_factory=FakeClock)
    log: list[StationEntry] = field(default_factory=list)
    notes: dict[str, bytes] = field(default_factory=dict)
    chatter: list[Rejection | Weighing] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    waiting: list[Commit] = field(default_factory=list)
    answers: dict[Ticket, Outcome] = field(default_factory=dict)
    asked: list[Ticket] = field(default_factory=list)
    told: list[Outcome] = field(default_factory=list)
    """Every answer ever given; the others are forgotten at a power cut."""

    def __post_init__(self) -> None:
        self.station = Station(self.config)
        self.power_cut(self.config)

    def power_cut(self, config: StationConfig | None = None) -> None:
        """Start anew from what is on disk; tickets not answered yet never will be."""
        self.config = config or self.config
        self.station = Station(self.config)
        self.waiting.clear()
        self.asked.clear()
        self.answers.clear()
        note = decode_note(self.notes[NOTE]) if NOTE in self.notes else None
        head = Where(EPOCH, len(self.log))
        after = self.station.resume(note, head, LINEAGE)
        for seq in range(after.seq + 1, len(self.log) + 1):
            entry = self.log[seq - 1]
            said = entry.meant if isinstance(entry, Suppressed) else entry
            key = read_code(said.code, said.aim).lookup if isinstance(said, Delta | CountReading | Count) else ""
            self.station.recall(Where(EPOCH, seq), entry, key)

    def scan(
        self,
        text: str,
        device: DeviceId = SCANNER,
        qty_milli: int | None = None,
        aim: str | None = None,
        after_s: float = 0.5,
    ) -> Ticket:
        """Scan, and give the ticket."""
        scan = Scan(text, text.encode(), aim)
        return self._ask(
            device, lambda ticket: self.station.on_scan(ticket, scan, self.clock.now(), self.lookup, qty_milli), after_s
        )

    def set_mode(self, mode: Mode, document: str | None = None, to_place: str | None = None) -> Ticket:
        """Set the mode as the local API does."""
        return self.ask_for(Work(mode, document, None if to_place is None else PlaceId(to_place)))

    def ask_for(self, work: Work) -> Ticket:
        return self._ask(API, lambda ticket: self.station.on_work(ticket, work, self.clock.now(), self.lookup))

    def end(self, session: str | None = None) -> Outcome:
        """End the session as the local API does, and give the answer."""
        return self.answers[self.ask_to_end(session)]

    def ask_to_end(self, session: str | None) -> Ticket:
        return self._ask(API, lambda ticket: self.station.on_end(ticket, session, self.clock.now(), self.lookup))

    def open_basket(self, document: str | None = None) -> Outcome:
        """Open a basket as till software does, and give the answer."""
        return self.answers[
            self._ask(API, lambda ticket: self.station.on_open_basket(ticket, document, self.clock.now(), self.lookup))
        ]

    def close_basket(self, basket: str, how: BasketEnd = BasketEnd.SOLD) -> Outcome:
        """Close a basket as till software does, and give the answer."""
        return self.answers[
            self._ask(
                API, lambda ticket: self.station.on_close_basket(ticket, basket, how, self.clock.now(), self.lookup)
            )
        ]

    def restore(self, where: Where) -> Outcome:
        """Restore a suppressed scan as the local API does, and give the answer."""
        return self.answers[self.ask_to_restore(where)]

    def ask_to_restore(self, where: Where) -> Ticket:
        return self._ask(API, lambda ticket: self.station.on_restore(ticket, where, self.clock.now()))

    def summary(self) -> SessionSummary:
        """Say what the open session came to."""
        self._do(self.station.on_tick(self.clock.now()))
        summary = self.station.summary(self.lookup)
        assert summary is not None
        return summary

    def mark(self) -> None:
        """Write that nothing older is to come, as the runner does."""
        self.station.marking()
        self.log.append(Mark(self.clock.now()))

    def weigh(self, weight: Weight, device: DeviceId = SCALE) -> None:
        self.clock.advance(0.1)
        self._do(self.station.on_weight(device, weight, self.clock.now()))

    def wait(self, seconds: float) -> None:
        """Let time pass with nothing happening."""
        self.clock.advance(seconds)
        self._do(self.station.on_tick(self.clock.now()))

    def write(self) -> None:
        """Let the oldest waiting commit reach the disk, and the station know."""
        commit = self.store()
        self._do(self.station.committed(commit, Position(EPOCH, len(self.log), b"")))

    def store(self) -> Commit:
        """Let the oldest waiting commit reach the disk; nobody has heard of it yet."""
        commit = self.waiting.pop(0)
        self.log.extend(commit.entries)
        for key, value in commit.notes.items():
            if value is None:
                self.notes.pop(key, None)
            else:
                self.notes[key] = value
        return commit

    def fail(self) -> None:
        """Let the oldest waiting commit be refused by the disk."""
        self._do(self.station.not_committed(self.waiting.pop(0), Rejected("full", "no room")))

    def outcome(self, text: str, device: DeviceId = SCANNER, after_s: float = 0.5) -> Outcome:
        """Scan and give the answer, which must come at once."""
        return self.answers[self.scan(text, device, after_s=after_s)]

    @property
    def unanswered(self) -> list[Ticket]:
        return [ticket for ticket in self.asked if ticket not in self.answers]

    def _ask(self, device: DeviceId, ask: Callable[[Ticket], tuple[Action, ...]], after_s: float = 0.5) -> Ticket:
        self.clock.advance(after_s)
        ticket = Ticket(device, len(self.asked) + 1)
        self.asked.append(ticket)
        self._do(ask(ticket))
        return ticket

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Commit():
                    self.waiting.append(action)
                    if not self.slow:
                        self.write()
                case Answer(ticket, outcome):
                    assert ticket not in self.answers, f"{ticket} was answered twice"
                    self.answers[ticket] = outcome
                    self.told.append(outcome)
                case Notice():
                    self.notices.append(action)
                case Log(entry):
                    self.chatter.append(entry)
                case Idle(session):
                    self.idle.append(session)
