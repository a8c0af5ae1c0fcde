"""Names, topics and entries: parsed once, refused by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.decisions import (
    Adjustment,
    JournalEntry,
    ReservationSaid,
    ReservationStep,
    SafetyGiven,
    Void,
    decode_journal_entry,
)
from protocol.errors import BadInput
from protocol.events import (
    Anchor,
    BasketClosed,
    BasketEnd,
    BasketLine,
    BasketOpened,
    Count,
    CountReading,
    Delta,
    LineTakenOut,
    Mark,
    Reason,
    Rejection,
    Restored,
    Reversal,
    StationEntry,
    Suppressed,
    Weighing,
    When,
    decode_station_entry,
    encode_entry,
)
from protocol.identity import EntryId, Epoch, StationId, StoreId, parse_station
from protocol.topics import Channel, StationTopic, StoreTopics, Stream, parse_station_topic

WHEN = When("0f1e2d3c4b5a", 12_000_000, 1_790_000_000_000_000, True)


@pytest.mark.parametrize("name", ["till-1", "a", "9", "x" * 63])
def test_a_name(name: str) -> None:
    assert parse_station(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a/b", "a+b", "#", "till 1", "x" * 64, "é", "a\n"])
def test_no_name(name: str) -> None:
    with pytest.raises(BadInput, match="bad-station"):
        parse_station(name)


def test_epochs_are_ordered_by_generation_and_written_so_that_they_come_back() -> None:
    older, newer = Epoch(2, 2**64 - 1), Epoch(10, 0)
    assert older < newer
    assert Epoch.parse(str(older)) == older
    entry = EntryId(StationId("till-1"), newer, 77)
    assert str(entry) == "till-1/10.0000000000000000/77"
    assert EntryId.parse(str(entry)) == entry


@pytest.mark.parametrize(
    "text", ["", "till-1", "till-1/1.00/3", "till-1/1.0000000000000000/0", "t/1.0000000000000000/-1"]
)
def test_no_entry_id(text: str) -> None:
    with pytest.raises(BadInput):
        EntryId.parse(text)


@pytest.mark.parametrize("channel", list(Channel))
def test_every_station_topic_comes_back(channel: Channel) -> None:
    topics = StoreTopics(StoreId("oak-street"))
    stream = Stream.STOCK if channel in (Channel.LOG, Channel.CURSOR) else None
    topic = StationTopic(StationId("till-1"), channel, stream)
    assert parse_station_topic(topics.station(topic)) == ("oak-street", topic)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shelfwire/1/oak/s/till-1",
        "shelfwire/2/oak/s/till-1/state",
        "shelfwire/1/oak/x/till-1/state",
        "shelfwire/1/oak/s/till-1/log",
        "shelfwire/1/oak/s/till-1/log/other",
        "shelfwire/1/oak/s/till-1/state/stock",
        "shelfwire/1/OAK/s/till-1/state",
        "shelfwire/1/oak/s/../state",
        "shelfwire/1/oak/s/till-1/log/stock/more",
    ],
)
def test_no_station_topic(text: str) -> None:
    with pytest.raises(BadInput):
        parse_station_topic(text)


@pytest.mark.parametrize(
    "entry",
    [
        Delta(WHEN, "scanner", "4006381333931", "]E0", -1000, Reason.SALE, "shop", None, 7, "s1", 199),
        Delta(WHEN, "scanner", "4", None, -1000, Reason.TRANSFER, "shop", counter_place="stockroom"),
        CountReading(WHEN, "scanner", "4006381333931", None, 1000, "shop", "c1", 7),
        Suppressed(Delta(WHEN, "scanner", "4", None, -1000, Reason.SALE, "shop"), "1.00000000000000ff", 12),
        Suppressed(CountReading(WHEN, "scanner", "4", None, 1000, "shop", "c1")),
        Restored(WHEN, "scanner", "1.00000000000000ff", 13),
        Count(WHEN, 11_000_000, "scanner", "4006381333931", 12_000, "shop", "c1", 7, "]E0"),
        Reversal(WHEN, "scanner", "1.00000000000000ff", 12),
        Anchor("0f1e2d3c4b5a", 1, 2, 3),
        BasketOpened(WHEN, "b1", "shop", "order-17"),
        BasketLine(Delta(WHEN, "scanner", "4", None, -1000, Reason.SALE, "shop"), "b1"),
        LineTakenOut(WHEN, "scanner", "b1", "1.00000000000000ff", 13),
        BasketClosed(WHEN, "b1", BasketEnd.SOLD),
        Mark(WHEN, closing=True),
        Rejection(WHEN, "scanner", "check-digit", "4006381333930", "4006381333930\r"),
        Weighing(WHEN, "scale", "stable", 1250),
    ],
)
def test_every_entry_of_a_station_comes_back_and_is_one_line(entry: StationEntry) -> None:
    line = encode_entry(entry)
    assert b"\n" not in line
    assert decode_station_entry(line) == entry


@pytest.mark.parametrize(
    "entry",
    [
        Adjustment(5, "tea", "store", -2000, Reason.WASTE, None, "mia", "torn"),
        Void(5, "till-1/1.00/3", "mia", "twice"),
        ReservationSaid(5, "order-1", ReservationStep.RESERVE, "tea", "store", 2000, None, "mia", "called", "k"),
        SafetyGiven(5, "tea", "", 2000, 4, "mia", "never without"),
    ],
)
def test_every_journal_entry_comes_back(entry: JournalEntry) -> None:
    assert decode_journal_entry(encode_entry(entry)) == entry


def test_a_field_added_later_is_ignored() -> None:
    line = encode_entry(Mark(WHEN))[:-1] + b',"of the future"]'
    assert decode_station_entry(line) == Mark(WHEN)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b'["z",1]',
        b'["d"]',
        b"[" * 100_000,
        b'["m",["b",1,2,true],false',
        encode_entry(Delta(WHEN, "s", "4", None, 10**16, Reason.SALE, "shop")),
        encode_entry(Delta(WHEN, "s", "4" * 5000, None, 1, Reason.SALE, "shop")),
        encode_entry(Delta(WHEN, "s", "4", None, 1, Reason.SALE, "shop")).replace(b"sale", b"gift"),
        encode_entry(Suppressed(Delta(WHEN, "s", "4", None, 10**16, Reason.SALE, "shop"))),
        encode_entry(Suppressed(CountReading(WHEN, "s", "4" * 5000, None, 1, "shop", "c1"))),
        encode_entry(Suppressed(Delta(WHEN, "s", "4", None, 1, Reason.SALE, "shop"))).replace(b'["d"', b'["r"'),
    ],
)
def test_what_is_no_entry_is_refused_by_name(line: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decode_station_entry(line)
    assert caught.value.name == "bad-entry"


@given(st.binary(max_size=100))
def test_garbage_is_refused_and_nothing_else(line: bytes) -> None:
    for decode in (decode_station_entry, decode_journal_entry):
        with pytest.raises(BadInput):
            decode(line)
