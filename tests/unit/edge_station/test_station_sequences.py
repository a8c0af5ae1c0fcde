"""Whatever is scanned, weighed, written, refused or cut off: the log tells exactly what was accepted."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.codecs.readings import Weight, WeightState
from edge.station.actions import Accepted, Switched
from protocol.cards import Mode
from protocol.events import Count, CountReading, Delta, Reversal
from protocol.identity import DeviceId
from tests.unit.edge_station.shop import (
    BAD,
    BANANAS,
    EPOCH,
    MILK,
    MILK_BY_6,
    OTHER,
    SCANNER,
    TEA,
    UNKNOWN,
    Shop,
    grams,
    no_weight,
    station_config,
)

DEVICES = st.sampled_from((SCANNER, OTHER))
CARDS = (
    "SW1:END",
    "SW1:QTY:3",
    "SW1:MODE:SALE",
    "SW1:MODE:COUNT",
    "SW1:MODE:RECEIVE:PO-1",
    "SW1:MODE:PRICE-CHECK",
    "SW1:WHAT",
)
WEIGHTS = st.integers(0, 3).map(lambda n: grams(n * 111)) | st.sampled_from(
    [no_weight(state) for state in WeightState if state not in (WeightState.STABLE, WeightState.ZERO)]
)
PIECES = {MILK_BY_6: (MILK, 6)}
MOVING = {mode.value for mode in Mode if mode not in (Mode.COUNT, Mode.PRICE_CHECK)}


class Sequences(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.unheard = 0

    @initialize(mode=st.sampled_from((Mode.SALE, Mode.COUNT)))
    def open_the_shop(self, mode: Mode) -> None:
        self.shop.power_cut(station_config(mode))

    # A rule for each thing that people do often, so that long stretches of ordinary work are common.

    @rule(texts=st.lists(st.sampled_from((MILK, MILK_BY_6, TEA, UNKNOWN)), min_size=1, max_size=4), device=DEVICES)
    def scan_goods(self, texts: list[str], device: DeviceId) -> None:
        for text in texts:
            self.shop.scan(text, device)

    @rule(devices=st.lists(DEVICES, min_size=1, max_size=3))
    def scan_undo(self, devices: list[DeviceId]) -> None:
        for device in devices:
            self.shop.scan("SW1:UNDO", device)

    @precondition(lambda self: self.shop.station.mode is Mode.COUNT)
    @rule(device=DEVICES)
    def scan_end(self, device: DeviceId) -> None:
        self.shop.scan("SW1:END", device)

    @rule(text=st.sampled_from((BANANAS, BAD, *CARDS)), device=DEVICES)
    def scan_something_else(self, text: str, device: DeviceId) -> None:
        self.shop.scan(text, device)

    @rule(device=DEVICES, weight=WEIGHTS)
    def scan_and_weigh(self, device: DeviceId, weight: Weight) -> None:
        self.shop.scan(BANANAS, device)
        self.shop.weigh(weight)

    @rule(slow=st.booleans())
    def disk_slows_down_or_recovers(self, slow: bool) -> None:
        self.shop.slow = slow
        while not slow and self.shop.waiting:
            self.shop.write()

    @rule(weight=WEIGHTS)
    def weigh(self, weight: Weight) -> None:
        self.shop.weigh(weight)

    @rule(seconds=st.sampled_from((0.2, 4.0, 61.0)))
    def wait(self, seconds: float) -> None:
        self.shop.wait(seconds)

    @precondition(lambda self: self.shop.waiting)
    @rule()
    def write(self) -> None:
        self.shop.write()

    @precondition(lambda self: self.shop.waiting)
    @rule()
    def fail(self) -> None:
        self.shop.fail()

    @rule(written_unheard=st.integers(0, 2))
    def power_cut(self, written_unheard: int) -> None:
        for _ in self.shop.waiting[:written_unheard]:
            commit = self.shop.store()
            self.unheard += not isinstance(commit.effect, Switched)
        self.shop.power_cut()

    def teardown(self) -> None:
        while self.shop.waiting:
            self.shop.write()
        self.shop.wait(5)
        assert self.shop.unanswered == []

    @invariant()
    def what_was_accepted_is_in_the_log(self) -> None:
        for outcome in self.shop.answers.values():
            if isinstance(outcome, Accepted) and outcome.did in MOVING | {"count"}:
                assert outcome.where is not None
                entry = self.shop.log[outcome.where.seq - 1]
                assert isinstance(entry, Delta | CountReading)
                assert entry.code == outcome.code
                assert abs(entry.qty_milli) == outcome.qty_milli

    @invariant()
    def each_entry_is_reversed_once_at_most_and_only_movements_are(self) -> None:
        targets = [entry for entry in self.shop.log if isinstance(entry, Reversal)]
        assert all(isinstance(self.shop.log[entry.seq - 1], Delta) for entry in targets)
        assert all(entry.epoch == str(EPOCH) for entry in targets)
        assert max(Counter(entry.seq for entry in targets).values(), default=1) == 1

    @invariant()
    def nothing_weighs_or_moves_zero(self) -> None:
        assert all(entry.qty_milli != 0 for entry in self.shop.log if isinstance(entry, Delta | CountReading))
        assert all(
            entry.qty_milli % 111 == 0
            for entry in self.shop.log
            if isinstance(entry, Delta | CountReading) and entry.code == BANANAS
        )

    @invariant()
    def a_count_states_the_sum_of_its_readings_once_an_item(self) -> None:
        closed: dict[str, Counter[str]] = {}
        read: dict[str, Counter[str]] = {}
        for entry in self.shop.log:
            if isinstance(entry, CountReading):
                assert entry.session not in closed, "a reading after its count was closed"
                item, pieces = PIECES.get(entry.code, (entry.code, 1))
                read.setdefault(entry.session, Counter())[item] += pieces * entry.qty_milli
            elif isinstance(entry, Count):
                totals = closed.setdefault(entry.session, Counter())
                item, pieces = PIECES.get(entry.code, (entry.code, 1))
                assert item not in totals
                totals[item] = pieces * entry.qty_milli
        for session, totals in closed.items():
            assert totals == +read[session]

    @invariant()
    def there_is_no_event_nobody_was_told_of(self) -> None:
        events = sum(isinstance(entry, Delta | CountReading | Reversal) for entry in self.shop.log)
        told = sum(
            isinstance(outcome, Accepted) and outcome.where is not None and outcome.did not in ("mode", "end")
            for outcome in self.shop.told
        )
        assert events == told + self.unheard


Sequences.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestSequences = Sequences.TestCase
