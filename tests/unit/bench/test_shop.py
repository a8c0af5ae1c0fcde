"""The shop that figures are measured in is one that the code under test would take for real."""

from __future__ import annotations

from bench import shop
from protocol.catalogue import CodeLink, decode_row
from protocol.chain import Chapter, extend
from protocol.codes import CodeKind, read_code
from protocol.events import Anchor, Delta, decode_station_entry
from protocol.identity import Epoch


def test_codes_have_their_check_digit_and_mean_the_item() -> None:
    links = {row.code: row.item for line in shop.catalogue_lines(200) if isinstance(row := decode_row(line), CodeLink)}
    for number in range(200):
        code = read_code(shop.gtin(number), "]E0")
        assert code.kind is CodeKind.EAN13
        assert links[code.lookup] == shop.item_name(number)


def test_a_backlog_begins_with_an_anchor_and_goes_on_with_sales_in_time() -> None:
    first, *rest = [decode_station_entry(line) for line in shop.backlog(500)]
    assert isinstance(first, Anchor)
    times = [entry.when.up_us for entry in rest if isinstance(entry, Delta)]
    assert len(times) == 499
    assert times == sorted(times)
    assert first.received_up_us < times[0]


def test_frames_of_a_log_are_chained() -> None:
    epoch = Epoch(1, 7)
    lines = list(shop.backlog(250))
    parts = shop.frames(epoch, lines, size=100)
    digest = Chapter(epoch).origin().digest
    for slice_, state in parts:
        assert slice_.digest == digest
        digest = extend(digest, slice_.lines)
        assert state.at is not None
        assert state.at.digest == digest
    assert [len(slice_.lines) for slice_, _ in parts] == [100, 100, 50]
