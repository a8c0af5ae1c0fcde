"""A station's log as a file: whole or refused by name, whatever was done to it on the way."""

from __future__ import annotations

import pytest

from protocol.chain import Chapter, Position, extend
from protocol.errors import BadInput, ContractBroken
from protocol.events import Delta, Mark, Reason, When, encode_entry
from protocol.identity import Epoch, StationId, StoreId
from protocol.receipts import Receipt, decode_receipt, encode_receipt
from protocol.replication.ports import LogView
from protocol.station_file import (
    MARK_ENTRIES,
    MAX_RECORD_BYTES,
    FileEntry,
    StationFileReader,
    StationFileWriter,
)
from protocol.station_file_header import FileHeader
from protocol.topics import Stream

NOON_US = 1_780_315_200_000_000
FIRST = Chapter(Epoch(1, 0xA))


def sale(n: int) -> bytes:
    when = When("boot", n * 1000, NOON_US + n, False)
    return encode_entry(Delta(when, "scanner", f"400638133{n:04}", None, -1000, Reason.SALE, "shop"))


LINES = tuple(sale(n) for n in range(1, 9))


def log_of(lines: tuple[bytes, ...], second_at: int | None = None, first: int = 0) -> FileHeader:
    """What a file of `lines` says, the ones from `first`; a second epoch was opened after `second_at` of them."""
    digest = FIRST.origin().digest
    chain = [digest, *(digest := extend(digest, (line,)) for line in lines)]
    lineage: tuple[Chapter, ...] = (FIRST,)
    if second_at is not None:
        base = Position(FIRST.epoch, second_at, chain[second_at])
        lineage = (FIRST, Chapter(Epoch(2, 0xB), base, second_at, chain[second_at + 1]))
    head = Position(lineage[-1].epoch, len(lines) - lineage[-1].depth, chain[-1])
    begin = Position(FIRST.epoch, first, chain[first])
    view = LogView(lineage, begin, head)
    return FileHeader(StoreId("oak-street"), StationId("till-1"), Stream.STOCK, view, begin, NOON_US)


def written(header: FileHeader, lines: tuple[bytes, ...]) -> list[bytes]:
    """The records of a file."""
    writer = StationFileWriter(header)
    records = [writer.header()]
    for depth, line in enumerate(lines[header.first_depth :], header.first_depth + 1):
        records.append(writer.entry(*header.view.at_depth(depth), line))
    return [*records, writer.end()]


def read(records: list[bytes]) -> tuple[StationFileReader, list[FileEntry]]:
    reader = StationFileReader()
    entries = [entry for record in records if (entry := reader.take(record)) is not None]
    reader.finish()
    return reader, entries


def refusal(records: list[bytes]) -> str:
    with pytest.raises(BadInput) as caught:
        read(records)
    return caught.value.name


def test_every_line_comes_back_as_it_was_with_the_name_it_has_in_its_log() -> None:
    header = log_of(LINES, second_at=5)
    reader, entries = read(written(header, LINES))
    assert reader.header == header
    assert tuple(entry.line for entry in entries) == LINES
    assert [(entry.epoch.generation, entry.seq) for entry in entries] == [(1, n) for n in range(1, 6)] + [
        (2, n) for n in range(1, 4)
    ]
    assert (reader.unreadable, reader.until_us) == (0, NOON_US + 8)


def test_a_file_may_hold_the_end_of_a_log_only() -> None:
    header = log_of(LINES, first=6)
    _, entries = read(written(header, LINES))
    assert [entry.seq for entry in entries] == [7, 8]
    assert read(written(log_of((), first=0), ()))[1] == []


@pytest.mark.parametrize(
    "line", [b"", b"\xff\xfe no JSON", b' ["m"]', b'{"a":1} ', b"[1,\r2]", b'["m","\xc3"]', b"\x00", b'"', b"[1]]"]
)
def test_a_line_that_is_no_entry_is_carried_byte_for_byte_and_counted(line: bytes) -> None:
    lines = (LINES[0], line, LINES[1])
    reader, entries = read(written(log_of(lines), lines))
    assert tuple(entry.line for entry in entries) == lines
    assert reader.unreadable == 1


def test_what_an_entry_means_may_stand_beside_it() -> None:
    header = log_of(LINES[:1])
    writer = StationFileWriter(header)
    records = [writer.header(), writer.entry(FIRST.epoch, 1, LINES[0], {"kind": "delta"}), writer.end()]
    assert records[1].endswith(b',"means":{"kind":"delta"}}')
    assert read(records)[1][0].line == LINES[0]


def test_the_chain_is_noted_where_it_is_wanted_and_now_and_then() -> None:
    lines = tuple(encode_entry(Mark(When("b", n, n, False))) for n in range(MARK_ENTRIES + 10))
    header = log_of(lines, second_at=7)
    reader = StationFileReader(wanted=(3, 10**9))
    for record in written(header, lines):
        reader.take(record)
    assert set(reader.marks) == {0, 3, 7, 7 + MARK_ENTRIES, len(lines)}
    assert reader.marks[3] == extend(FIRST.origin().digest, lines[:3])


def test_a_flipped_bit_anywhere_is_noticed() -> None:
    good = b"\n".join(written(log_of(LINES[:3], second_at=1), LINES[:3]))
    for index in range(len(good)):
        bad = bytearray(good)
        bad[index] ^= 1 << index % 8
        with pytest.raises(BadInput):
            read(bytes(bad).split(b"\n"))


def test_a_file_that_ends_anywhere_is_noticed() -> None:
    good = b"\n".join(written(log_of(LINES[:3]), LINES[:3]))
    for end in range(len(good)):
        with pytest.raises(BadInput):
            read(good[:end].split(b"\n") if end else [])


def test_what_was_done_to_a_file_has_a_name() -> None:
    good = written(log_of(LINES), LINES)
    head, entries, end = good[0], good[1:-1], good[-1]
    other = written(log_of(LINES[:7]), LINES[:7])
    assert refusal([]) == "not-a-station-log"
    assert refusal(good[:-1]) == "cut-off"
    assert refusal([head, *entries[1:], end]) == "out-of-order"
    assert refusal([head, entries[1], entries[0], *entries[2:], end]) == "out-of-order"
    assert refusal([head, *entries, entries[-1], end]) == "miscounted"
    assert refusal([head, *entries[:-1], end]) == "miscounted"
    assert refusal([head, *entries[:-1], entries[-1].replace(b"-1000", b"-2000"), end]) == "chain-broken"
    assert refusal([head, *entries, other[-1]]) == "miscounted"
    assert refusal([head.replace(b"till-1", b"till-2"), *entries, end]) == "altered"
    assert refusal([*good, b""]) == "trailing-data"
    assert refusal([*good, *good]) == "trailing-data"
    assert refusal([b"not JSON", *entries, end]) == "not-a-station-log"
    assert refusal([head.replace(b'"v":1', b'"v":2'), *entries, end]) == "future-version"
    assert refusal([head, entries[0] + b" " * MAX_RECORD_BYTES]) == "bad-record"
    assert refusal([head, b'{"epoch":"x"}']) == "bad-record"
    assert refusal([head, b'{"epoch":"%s","seq":1,"b64":"!"}' % str(FIRST.epoch).encode()]) == "bad-record"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"entries":8', b'"entries":7'),
        (b'"stream":"stock"', b'"stream":"../stock"'),
        (b'"station":"till-1"', b'"station":"../../etc"'),
        (b'"lineage":[{', b'"lineage":[],"x":[{'),
        (b'"depth":5', b'"depth":4'),
        (b'"epoch":"2.', b'"epoch":"1.'),
        (b'"seq":3', b'"seq":-3'),
        (b'"v":1', b'"v":0'),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(old: bytes, new: bytes) -> None:
    records = written(log_of(LINES, second_at=5), LINES)
    assert old in records[0]
    assert refusal([records[0].replace(old, new), *records[1:]]) == "bad-header"


def test_a_writer_does_not_end_a_file_that_is_not_what_it_announced() -> None:
    writer = StationFileWriter(log_of(LINES))
    writer.header()
    with pytest.raises(ContractBroken):
        writer.end()


def test_a_receipt_comes_back_as_it_was() -> None:
    at = log_of(LINES, second_at=5).view.head
    receipt = Receipt(StoreId("oak-street"), StationId("till-1"), Stream.STOCK, at, 8, NOON_US)
    assert decode_receipt(encode_receipt(receipt)) == receipt


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (b'"v":1', b'"v":2', "future-version"),
        (b'"seq":3', b'"seq":9', "bad-receipt"),
        (b'"stream":"stock"', b'"stream":"x"', "bad-receipt"),
        (b'"station":"till-1"', b'"station":"a/b"', "bad-receipt"),
        (b'"digest":"', b'"digest":"0', "bad-receipt"),
        (b"{", b"", "bad-receipt"),
        (b"{", b" " * 5000 + b"{", "bad-receipt"),
    ],
)
def test_what_is_no_receipt_is_refused(old: bytes, new: bytes, name: str) -> None:
    at = log_of(LINES, second_at=5).view.head
    data = encode_receipt(Receipt(StoreId("oak-street"), StationId("till-1"), Stream.STOCK, at, 8, NOON_US))
    assert old in data
    with pytest.raises(BadInput) as caught:
        decode_receipt(data.replace(old, new, 1))
    assert caught.value.name == name
