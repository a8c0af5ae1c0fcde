"""Scans shown before they are counted: they go when the log brings them, and nothing keeps more than it may."""

from __future__ import annotations

import pytest

from hub.ingest.sightings import KEPT_US, MOST_STATIONS, Sightings
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.events import Delta, Reason, When, encode_entry
from protocol.identity import EntryId, Epoch, StationId
from protocol.live import MAX_LIVE_SCANS, encode_live
from protocol.replication.ports import ReaderState, Record

EPOCH = Epoch(2, 0xBB)
TILL = StationId("till-1")


class Hub:
    """What the hub has read so far, and its clock."""

    def __init__(self) -> None:
        self.now_us = 0
        self.states: dict[StationId, ReaderState] = {}
        self.sightings = Sightings(self.states.get, lambda: self.now_us)

    def reads(self, station: StationId, epoch: Epoch, seq: int) -> None:
        at = Position(epoch, seq, b"\0" * 32)
        self.states[station] = ReaderState(at=at, records=(Record(at, 0),), generation=epoch.generation)

    def shown(self) -> list[int]:
        return [event.entry.seq for event in self.sightings.uncounted(1000)]


def live(*seqs: int, epoch: Epoch = EPOCH) -> bytes:
    line = encode_entry(Delta(When("b", 5, 7, True), "scanner", "4006381333931", None, -2000, Reason.SALE, "shop"))
    payload = encode_live(epoch, [(seq, line) for seq in seqs])
    assert payload is not None
    return payload


def test_a_scan_is_shown_as_it_came_and_known_to_be_in_no_books() -> None:
    hub = Hub()
    hub.now_us = 9
    assert hub.sightings.take(TILL, live(41)) is True
    (event,) = hub.sightings.uncounted(10)
    assert event.entry == EntryId(TILL, EPOCH, 41)
    assert (event.kind, event.code, event.qty_milli, event.place, event.t_us) == (
        "delta",
        "4006381333931",
        -2000,
        "shop",
        7,
    )
    assert (event.item, event.status) == (None, None)


def test_it_goes_when_the_log_brings_it_and_not_before() -> None:
    hub = Hub()
    hub.sightings.take(TILL, live(41, 42, 43))
    hub.reads(TILL, EPOCH, 40)
    assert hub.shown() == [43, 42, 41]
    hub.reads(TILL, EPOCH, 42)
    assert hub.shown() == [43]
    hub.reads(TILL, EPOCH, 43)
    assert hub.shown() == []


def test_what_the_log_has_brought_is_not_shown_again() -> None:
    hub = Hub()
    hub.reads(TILL, EPOCH, 42)
    assert hub.sightings.take(TILL, live(41, 42)) is False
    assert hub.sightings.take(TILL, live(42, 43)) is True
    assert hub.sightings.take(TILL, live(42, 43)) is False
    assert hub.shown() == [43]


def test_entries_that_a_new_epoch_renames_are_not_shown_by_their_old_names() -> None:
    hub = Hub()
    hub.sightings.take(TILL, live(41))
    hub.reads(TILL, Epoch(3, 1), 1)
    assert hub.shown() == []


def test_a_scan_whose_log_never_comes_is_not_shown_for_ever() -> None:
    hub = Hub()
    hub.sightings.take(TILL, live(41))
    hub.now_us = KEPT_US
    assert hub.shown() == []


def test_of_each_station_the_newest_are_kept_and_of_the_stations_those_heard_last() -> None:
    hub = Hub()
    hub.sightings.take(TILL, live(*range(1, 21)))
    hub.sightings.take(TILL, live(*range(21, 31)))
    assert sorted(hub.shown()) == list(range(31 - MAX_LIVE_SCANS, 31))
    for n in range(MOST_STATIONS):
        hub.sightings.take(StationId(f"other-{n}"), live(1))
    assert len(hub.sightings.uncounted(10_000)) == MOST_STATIONS
    assert len(hub.sightings.uncounted(5)) == 5


def test_rubbish_is_refused_counted_and_changes_nothing() -> None:
    hub = Hub()
    hub.sightings.take(TILL, live(41))
    for payload in (b"", b"\xff" * 50, b"{}", b"[" * 9999, b" " * 100_000):
        with pytest.raises(BadInput):
            hub.sightings.take(TILL, payload)
    assert (hub.sightings.heard, hub.sightings.refused) == (1, 5)
    assert hub.shown() == [41]
