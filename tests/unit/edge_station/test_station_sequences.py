"""Whatever is scanned, weighed, written, refused or cut off: the log tells exactly what was accepted.

Beyond 300 lines because it is one state machine of one test.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.codecs.readings import Weight, WeightState
from edge.station.actions import Accepted, Repeated, Switched, Where
from edge.station.movements import is_arrival
from hub.ledger.entries import Scope, Status
from hub.ledger.reference import reckon
from hub.ledger.timefit import Timed, TimeSource
from hub.store.entry_bounds import check
from hub.store.reading import read_line
from protocol.cards import Mode, PlaceCard, card_text
from protocol.catalogue import CodeLink
from protocol.events import Count, CountReading, Delta, Mark, Reason, Restored, Reversal, Suppressed
from protocol.identity import DeviceId, EntryId, ItemId, PlaceId, StationId
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
    "SW1:MODE:TRANSFER",
    "SW1:MODE:PRICE-CHECK",
    "SW1:PRICE",
    "SW1:WHAT",
    card_text(PlaceCard(PlaceId("stockroom"))),
)
DWELL_US = 400_000
IDLE_US = 30_000_000
WEIGHTS = st.integers(0, 3).map(lambda n: grams(n * 111)) | st.sampled_from(
    [no_weight(state) for state in WeightState if state not in (WeightState.STABLE, WeightState.ZERO)]
)
PIECES = {MILK_BY_6: (MILK, 6)}
MOVING = {mode.value for mode in Mode if mode not in (Mode.COUNT, Mode.PRICE_CHECK)}


NOON_US = 1_750_000_000_000_000


def link_at(code: str, aim: str | None, t_us: int) -> tuple[str, CodeLink | None]:
    return code, CodeLink(code, code)


def scope_of(place: str, item: str, t_us: int) -> Scope:
    return Scope(ItemId(item), PlaceId(place))


class Sequences(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        self.unheard = 0

    @initialize(mode=st.sampled_from((Mode.SALE, Mode.COUNT)))
    def open_the_shop(self, mode: Mode) -> None:
        # `SCANNER` has a trigger, `OTHER` has none.
        self.shop.power_cut(station_config(mode, idle_us=IDLE_US, dwell_us={OTHER: DWELL_US}))

    # A rule for each thing that people do often, so that long stretches of ordinary work are common.

    @rule(texts=st.lists(st.sampled_from((MILK, MILK_BY_6, TEA, UNKNOWN)), min_size=1, max_size=4), device=DEVICES)
    def scan_goods(self, texts: list[str], device: DeviceId) -> None:
        for text in texts:
            self.shop.scan(text, device)

    @rule(devices=st.lists(DEVICES, min_size=1, max_size=3))
    def scan_undo(self, devices: list[DeviceId]) -> None:
        for device in devices:
            self.shop.scan("SW1:UNDO", device)

    @rule(text=st.sampled_from((MILK, TEA, BANANAS, "SW1:UNDO")), times=st.integers(2, 4))
    def hold_in_view(self, text: str, times: int) -> None:
        for _ in range(times):
            self.shop.scan(text, OTHER, after_s=0.2)

    @rule(device=DEVICES)
    def scan_again(self, device: DeviceId) -> None:
        self.shop.scan("SW1:AGAIN", device)

    @rule(back=st.integers(1, 5))
    def restore(self, back: int) -> None:
        held = [seq for seq, entry in enumerate(self.shop.log, 1) if isinstance(entry, Suppressed)]
        if len(held) >= back:
            self.shop.ask_to_restore(Where(EPOCH, held[-back]))

    @rule(named=st.booleans())
    def till_ends_the_session(self, named: bool) -> None:
        self.shop.ask_to_end(self.shop.station.session if named else None)

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

    @precondition(lambda self: self.shop.station.settled)
    @rule()
    def mark(self) -> None:
        self.shop.mark()

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
        self.the_hub_can_book_all_of_it()

    def the_hub_can_book_all_of_it(self) -> None:
        """Entries are in bounds, reversals find what they reverse, transfers to a place leave nothing in transit."""
        booked = []
        for seq, entry in enumerate(self.shop.log, 1):
            check(entry)
            identity = EntryId(StationId("till"), EPOCH, seq)
            timed = Timed(NOON_US + seq, 0, TimeSource.ANCHORS)
            read = read_line(entry, identity, timed, link_at, scope_of, lambda *_: (0, 0), lambda _, named: named, 0)
            if read is not None:
                booked.append(read.entry)
        reckoning = reckon(booked)
        assert not [fate for fate in reckoning.fates.values() if fate.status is Status.QUARANTINED]
        gone = {entry.seq for entry in self.shop.log if isinstance(entry, Reversal)}
        left = sum(
            -entry.qty_milli
            for seq, entry in enumerate(self.shop.log, 1)
            if isinstance(entry, Delta)
            and entry.reason is Reason.TRANSFER
            and entry.counter_place is None
            and seq not in gone
        )
        assert sum(state.transit_milli for state in reckoning.scopes.values()) == left

    @invariant()
    def what_was_accepted_is_in_the_log(self) -> None:
        for outcome in self.shop.answers.values():
            if isinstance(outcome, Accepted) and outcome.did in MOVING | {"count", "restored"}:
                assert outcome.where is not None
                entry = self.shop.log[outcome.where.seq - 1]
                assert isinstance(entry, Delta | CountReading)
                assert entry.code == outcome.code
                assert abs(entry.qty_milli) == outcome.qty_milli
                assert entry.session == outcome.session

    @invariant()
    def a_transfer_to_a_place_has_two_legs_and_both_are_taken_back_or_none(self) -> None:
        reversed_seqs = {entry.seq for entry in self.shop.log if isinstance(entry, Reversal)}
        seq = 1
        while seq <= len(self.shop.log):
            out = self.shop.log[seq - 1]
            if not isinstance(out, Delta) or out.counter_place is None:
                seq += 1
                continue
            into = self.shop.log[seq]
            assert isinstance(into, Delta)
            assert (into.place, into.counter_place) == (out.counter_place, out.place)
            assert out.qty_milli < 0 < into.qty_milli == -out.qty_milli
            assert (seq in reversed_seqs) == (seq + 1 in reversed_seqs)
            seq += 2

    @invariant()
    def what_is_held_back_is_restored_once_at_most_and_as_it_was_meant(self) -> None:
        restored = [(at, entry) for at, entry in enumerate(self.shop.log) if isinstance(entry, Restored)]
        assert max(Counter(entry.seq for _, entry in restored).values(), default=1) == 1
        for at, entry in restored:
            held, made = self.shop.log[entry.seq - 1], self.shop.log[at + 1]
            assert isinstance(held, Suppressed)
            assert isinstance(made, Delta | CountReading)
            assert (made.code, made.qty_milli, made.place) == (held.meant.code, held.meant.qty_milli, held.meant.place)
            marked = any(isinstance(between, Mark) for between in self.shop.log[entry.seq : at])
            assert made.when == (entry.when if marked else held.meant.when)

    @invariant()
    def a_scanner_with_a_trigger_is_never_held_back(self) -> None:
        held = [entry.meant for entry in self.shop.log if isinstance(entry, Suppressed)]
        assert all(meant.device == OTHER for meant in held)

    @invariant()
    def a_session_is_of_one_mode(self) -> None:
        reasons: dict[str, set[object]] = {}
        for entry in self.shop.log:
            if isinstance(entry, Delta):
                assert entry.session is not None
                reasons.setdefault(entry.session, set()).add(entry.reason)
        assert all(len(found) == 1 for found in reasons.values())

    @invariant()
    def the_open_session_came_to_what_stands_of_it_in_the_log(self) -> None:
        summary = self.shop.station.summary(self.shop.lookup)
        if summary is None or self.shop.waiting:
            return
        gone = {entry.seq for entry in self.shop.log if isinstance(entry, Reversal)}
        arrivals = {seq for seq, e in enumerate(self.shop.log, 1) if isinstance(e, Delta) and is_arrival(e)}
        stands: Counter[str] = Counter()
        for seq, entry in enumerate(self.shop.log, 1):
            if isinstance(entry, CountReading) and entry.session == summary.session:
                stands[entry.code] += entry.qty_milli
            elif isinstance(entry, Delta) and entry.session == summary.session and seq not in gone | arrivals:
                stands[entry.code] += abs(entry.qty_milli)
        told: Counter[str] = Counter()
        for line in summary.lines:
            told[line.code] += line.qty_milli
        assert +told == +stands

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
        said = [entry for entry in self.shop.log if isinstance(entry, Delta | CountReading | Reversal | Suppressed)]
        second = sum(isinstance(entry, Delta) and is_arrival(entry) for entry in said)
        second += sum(isinstance(entry, Reversal) and self._reverses_an_arrival(entry) for entry in said)
        told = sum(
            outcome.where is not None
            for outcome in self.shop.told
            if isinstance(outcome, Repeated) or (isinstance(outcome, Accepted) and outcome.did not in ("mode", "end"))
        )
        assert len(said) - second == told + self.unheard

    def _reverses_an_arrival(self, reversal: Reversal) -> bool:
        target = self.shop.log[reversal.seq - 1]
        return isinstance(target, Delta) and is_arrival(target)


class LongSequences(Sequences):
    """The same rules, far more often than an ordinary run has time for."""


Sequences.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
LongSequences.TestCase.settings = settings(Sequences.TestCase.settings, max_examples=500, print_blob=True)
TestSequences = Sequences.TestCase
TestLongSequences = pytest.mark.torture(LongSequences.TestCase)
