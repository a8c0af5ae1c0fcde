"""A log reaches its reader whole, once and in order, whatever network, crashes, old copies and clones do."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from protocol.replication.ports import Loss
from tests.unit.replication.world import Disk, Station, Store, World

FATES = st.sampled_from(["commit"] * 6 + ["fail", "die before", "die after"])
FEW = st.integers(1, 6)
INDEX = st.integers(0, 30)


class Replication(RuleBasedStateMachine):
    """Two stations at most speak for one log; everything may go wrong; then it is mended and the books are checked."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.world.start_hub()
        self.world.stations[0].start(0.0)
        self.old_stores: list[Store] = []
        self.old_disks: list[Disk] = []
        self.files_may_fail = True

    @initialize(files_may_fail=st.booleans())
    def begin(self, files_may_fail: bool) -> None:
        self.files_may_fail = files_may_fail

    def _station(self, which: int) -> Station:
        return self.world.stations[which % len(self.world.stations)]

    @rule(which=INDEX, n=st.integers(1, 9))
    def append(self, which: int, n: int) -> None:
        self.world.append(self._station(which), n)

    @rule(which=INDEX, steps=FEW)
    def station_works(self, which: int, steps: int) -> None:
        self.world.work_station(self._station(which), steps)

    @rule(steps=FEW, fate=FATES)
    def hub_works(self, steps: int, fate: str) -> None:
        self.world.work_hub(steps, fate)

    @precondition(lambda self: self.world.to_hub)
    @rule(index=st.sampled_from([0, 0, 0, 1, 2, 7]), keep=st.booleans())
    def deliver_to_hub(self, index: int, keep: bool) -> None:
        self.world.deliver_to_hub(index, keep and len(self.world.to_hub) < 20)

    @precondition(lambda self: self.world.to_station)
    @rule(index=st.sampled_from([0, 0, 0, 1, 2, 7]), keep=st.booleans())
    def deliver_to_station(self, index: int, keep: bool) -> None:
        self.world.deliver_to_station(index, keep and len(self.world.to_station) < 20)

    @precondition(lambda self: self.world.to_hub)
    @rule(index=INDEX)
    def lose_to_hub(self, index: int) -> None:
        del self.world.to_hub[index % len(self.world.to_hub)]

    @precondition(lambda self: self.world.to_station)
    @rule(index=INDEX)
    def lose_to_station(self, index: int) -> None:
        del self.world.to_station[index % len(self.world.to_station)]

    @rule(seconds=st.sampled_from([0.5, 2.5, 31.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(rounds=st.integers(1, 8))
    def all_goes_well(self, rounds: int) -> None:
        """A stretch without faults, so that deep states are reached."""
        world = self.world
        for _ in range(rounds):
            world.work_hub(20)
            for station in world.stations:
                world.work_station(station, 20)
            for _ in range(min(10, len(world.to_hub))):
                world.deliver_to_hub(0, keep=False)
            for _ in range(min(10, len(world.to_station))):
                world.deliver_to_station(0, keep=False)

    @rule(which=INDEX)
    def station_dies_and_starts(self, which: int) -> None:
        self._station(which).start(self.world.now_s)

    @rule()
    def hub_dies_and_starts(self) -> None:
        self.world.start_hub()

    @rule(which=INDEX, n=st.integers(1, 20))
    def prune(self, which: int, n: int) -> None:
        self.world.prune(self._station(which), n)

    @rule()
    def copy_hub(self) -> None:
        self.old_stores = [*self.old_stores, deepcopy(self.world.store)][-3:]

    @precondition(lambda self: self.files_may_fail and self.old_stores)
    @rule(which=INDEX)
    def restore_hub(self, which: int) -> None:
        self.world.store = deepcopy(self.old_stores[which % len(self.old_stores)])
        self.world.start_hub()

    @rule(which=INDEX)
    def copy_station(self, which: int) -> None:
        self.old_disks = [*self.old_disks, self.world.copy_disk(self._station(which))][-3:]

    @precondition(lambda self: self.files_may_fail and self.old_disks)
    @rule(which=INDEX, copy=INDEX)
    def restore_station(self, which: int, copy: int) -> None:
        station = self._station(which)
        station.disk = deepcopy(self.old_disks[copy % len(self.old_disks)])
        station.start(self.world.now_s)

    @precondition(lambda self: self.files_may_fail)
    @rule(which=INDEX)
    def lose_station_file(self, which: int) -> None:
        station = self._station(which)
        station.disk = Disk.new(self.world.nonce)
        station.start(self.world.now_s)

    @precondition(lambda self: self.files_may_fail and len(self.world.stations) == 1)
    @rule()
    def clone_station(self) -> None:
        world = self.world
        clone = Station(world.copy_disk(world.stations[0]), world.nonce)
        world.stations.append(clone)
        clone.start(world.now_s)

    @invariant()
    def every_line_once_and_in_order(self) -> None:
        seen: set[bytes] = set()
        for lines in self.world.store.entries.values():
            kept = [line for line in lines if line is not None]
            assert kept == sorted(kept)
            assert not seen.intersection(kept)
            seen.update(kept)

    def teardown(self) -> None:
        world = self.world
        world.settle()
        if len(world.stations) > 1:
            for _ in range(3):
                world.settle()
            assert world.store.state.contested, "two live writers, and nobody was asked"
        chosen = 0
        switched_off: set[bytes] = set()
        while world.store.state.contested:
            chosen += 1
            assert chosen < 5, "choosing does not end it"
            reader, station = world.reader, world.stations[0]
            assert reader is not None
            assert station.writer is not None
            # A person looks at the two, keeps the first and switches the other off for good.
            for other in world.stations[1:]:
                other.writer = None
                switched_off.update(other.disk.rows)
            world.stations = [station]
            world.to_station = [(s, m) for s, m in world.to_station if s is station]
            reader.choose(station.writer.incarnation)
            world.settle()
        self.every_line_once_and_in_order()
        have = {line for lines in world.store.entries.values() for line in lines}
        for station in world.stations:
            for line in station.disk.rows[station.disk.pruned :]:
                # Owned up to: the reader moved past it because another copy had pruned it.
                assert line in have or self._owned_up(line), f"{line!r} is at the writer, acknowledged, and not here"
        for line in world.store.told - have - switched_off:
            assert self._owned_up(line), f"{line!r} was announced, is lost, and no loss record covers it"
        assert self.files_may_fail or world.store.losses == [], "a loss is told of, and no file was lost or doubled"

    def _owned_up(self, line: bytes) -> bool:
        return any(
            loss.epoch == epoch and loss.first <= seq and (loss.last is None or seq <= loss.last)
            for loss in self.world.store.losses
            for epoch, seq in self.world.named[line]
        )


Replication.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much),
)
TestReplication = Replication.TestCase


@pytest.mark.parametrize("rounds", [1, 4])
def test_what_a_clone_announced_and_lost_is_owned_up_to_though_the_other_goes_on_with_its_numbers(rounds: int) -> None:
    one = Replication()
    one.clone_station()
    one.copy_station(which=0)
    one.append(n=4, which=1)
    one.all_goes_well(rounds=rounds)
    one.restore_station(copy=0, which=1)
    one.append(n=1, which=0)
    one.teardown()


def test_a_line_that_came_after_a_hello_was_made_up_is_not_announced_by_it() -> None:
    """Nobody was ever told of what a clone appended and lost then; the world of these tests once said otherwise."""
    one = Replication()
    one.append(n=1, which=0)
    one.clone_station()
    one.all_goes_well(rounds=3)
    one.station_dies_and_starts(which=1)
    one.append(n=1, which=1)
    one.append(n=1, which=0)
    one.station_works(steps=1, which=1)
    one.lose_station_file(which=1)
    one.station_dies_and_starts(which=0)
    one.teardown()


def test_what_a_lost_file_announced_is_owned_up_to_though_a_copy_sends_before_its_hello_is_followed() -> None:
    one = Replication()
    one.clone_station()
    one.append(n=1, which=1)
    one.copy_station(which=1)
    one.append(n=2, which=0)
    one.lose_station_file(which=1)
    one.all_goes_well(rounds=3)
    one.restore_station(copy=0, which=1)
    one.lose_station_file(which=0)
    one.teardown()


def test_what_a_clone_announced_is_owned_up_to_from_where_it_is_known_and_not_from_where_the_other_had_come() -> None:
    """Both told of heads before anything was taken: the one's first entry says nothing of the other's."""
    one = Replication()
    one.clone_station()
    one.append(n=1, which=0)
    one.copy_station(which=0)
    one.append(n=2, which=1)
    one.all_goes_well(rounds=3)
    one.restore_station(copy=0, which=1)
    one.teardown()
    assert Loss(one.world.stations[0].disk.chapters[0][0].epoch, 1, 2) in one.world.store.losses
