"""What the demo's shop sells, and how its people keep count of it."""

from __future__ import annotations

import pytest

from protocol.catalogue import CodeLink, Unit
from protocol.codes import CodeKind, read_code
from shelfwire.demo.goods import RANGE, lookup_of
from shelfwire.demo.tally import Tally

PACKED = [goods for goods in RANGE if not goods.weighed]
MILK, BUTTER = PACKED[1], PACKED[2]


def test_every_label_is_one_that_a_station_reads() -> None:
    for goods in PACKED:
        assert read_code(goods.label[3:], goods.label[:3]).kind is CodeKind.EAN13
        assert goods.case_label is not None
        assert read_code(goods.case_label[3:], goods.case_label[:3]).kind is CodeKind.GTIN14


def test_what_a_person_types_finds_what_a_scanner_reads() -> None:
    for goods in RANGE:
        assert read_code(goods.code, None).lookup == lookup_of(goods.label)


def test_no_two_goods_share_a_code_or_a_name() -> None:
    codes = [row.code for goods in RANGE for row in goods.rows() if isinstance(row, CodeLink)]
    assert len(codes) == len(set(codes)) == 2 * len(PACKED) + (len(RANGE) - len(PACKED))
    assert len({goods.name for goods in RANGE}) == len(RANGE)


def test_a_case_means_its_pieces() -> None:
    links = {row.code: row for row in MILK.rows() if isinstance(row, CodeLink)}
    assert MILK.case_label is not None
    assert links[lookup_of(MILK.case_label)].factor_milli == 1000 * MILK.case_pieces


def test_something_is_sold_by_weight() -> None:
    assert any(goods.unit is Unit.KG for goods in RANGE)


def test_the_tally_follows_what_is_carried() -> None:
    tally = Tally({MILK: 12_000})
    tally.carry(MILK, -3000)
    tally.carry(BUTTER, 20_000)
    assert tally.figures() == {MILK: 9000, BUTTER: 20_000}
    assert tally.in_stock([MILK, BUTTER], 10_000) == [BUTTER]


def test_nobody_carries_out_what_is_not_there() -> None:
    tally = Tally({MILK: 1000})
    with pytest.raises(ValueError, match="cannot be carried out"):
        tally.carry(MILK, -2000)
    assert tally.on_shelf(MILK) == 1000
