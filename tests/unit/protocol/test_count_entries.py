"""Entries of a given count as old and new releases read each other's."""

from __future__ import annotations

import msgspec
import pytest

from protocol.errors import BadInput
from protocol.events import Count, CountReading, ShelfCounted, Sweep, When, decode_station_entry, encode_entry

WHEN = When("0f1e2d3c4b5a", 12_000_000, 1_790_000_000_000_000, True)


class CountOfOld(msgspec.Struct, frozen=True, array_like=True, tag="c"):
    """A count as the releases before the session's shelves read it."""

    when: When
    from_up_us: int
    device: str
    code: str
    qty_milli: int
    place: str
    session: str
    catalogue: int = 0
    aim: str | None = None


def test_what_an_old_station_wrote_is_a_first_pass_by_nobody_named() -> None:
    count = decode_station_entry(b'["c",["b",5,6,true],4,"scanner","4006381333931",1000,"shop","s-1",17,"]E0"]')
    assert isinstance(count, Count)
    assert (count.pass_, count.person) == (1, "")
    reading = decode_station_entry(b'["q",["b",5,6,true],"scanner","4006381333931",null,1000,"shop","s-1"]')
    assert isinstance(reading, CountReading)
    assert (reading.pass_, reading.person) == (1, "")


def test_an_old_hub_reads_a_new_stations_count() -> None:
    said = Count(WHEN, 11_000_000, "scanner", "4006381333931", 3000, "shelf-3", "autumn-26", 17, "]E0", 2, "anna")
    old = msgspec.json.decode(encode_entry(said), type=CountOfOld)
    assert (old.place, old.session, old.qty_milli, old.aim) == ("shelf-3", "autumn-26", 3000, "]E0")


@pytest.mark.parametrize(
    "entry",
    [
        ShelfCounted(WHEN, 0, "scanner", "shelf-3", "autumn-26", 1, "", 0, 0),
        ShelfCounted(WHEN, -5, "scanner", "shelf-3", "autumn-26", 2, "anna", 3, 40, 812),
        Sweep(WHEN, 0, "portal", "shelf-3", "autumn-26", 1, 1, 2, ("3034257BF7194E4000001A85",), "anna"),
    ],
)
def test_a_shelf_and_its_tags_come_back_as_they_were_written(entry: ShelfCounted | Sweep) -> None:
    line = encode_entry(entry)
    assert decode_station_entry(line) == entry
    with pytest.raises(BadInput, match="bad-entry"):
        decode_station_entry(line.replace(b'"shelf-3"', b"3"))
