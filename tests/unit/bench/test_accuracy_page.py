"""The page of accuracy and its pictures: drawn from figures alone, whole, and honest about what was wrong."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import msgspec
import pytest

from bench import accuracy_page
from bench.accuracy import shops
from bench.accuracy_figures import Accuracy, ItemDay, ShopFigures, holds

SVG = "{http://www.w3.org/2000/svg}"


def figures(name: str, wrong: int = 0, exact: int = 90) -> ShopFigures:
    return ShopFigures(
        name=name,
        what="as usual",
        days=2,
        items=100,
        entries=1000,
        robbed=3,
        exact=exact,
        sure=80,
        sure_and_wrong=wrong,
        silently_wrong=wrong,
        causes={"refused at the till": wrong} if wrong else {},
        width_pieces=50,
        widths={0: 80, 2: 15, 4: 5},
        by_arrival=60,
        each_once=70,
        by_own_clocks=75,
        outside={"sale": (1, 200)},
    )


@pytest.fixture
def found() -> Accuracy:
    names = [shop.name for shop in shops(2, 10)]
    item = ItemDay(
        item="tea & jam",
        truth=[(6.0, 9), (9.5, 8)],
        told=[(6.0, 9, 8, 9), (10.0, 8, 8, 8)],
        arrival=[(6.0, 9)],
        counts_h=[5.5],
    )
    lived = tuple(figures(name, exact=100 if place == 1 else 90) for place, name in enumerate(names))
    return Accuracy(at="now", commit="abc", seconds=1.0, items=10, stations=6, shops=lived, item=item)


def test_the_page_says_what_was_promised_and_kept(found: Accuracy) -> None:
    page = accuracy_page.as_page(found)
    assert "no item was silently wrong" in page
    assert "100 % of" in page
    assert "There were none." in page
    assert holds(found)
    assert max(len(line) for line in page.splitlines() if not line.startswith("|")) <= 120


def test_an_item_that_was_silently_wrong_is_told_with_its_cause(found: Accuracy) -> None:
    wrong = msgspec.structs.replace(found, shops=(figures("among customers", 2), *found.shops[1:]))
    page = accuracy_page.as_page(wrong)
    assert "2 of 100 items were silently wrong" in page
    assert "| among customers | 2 | refused at the till |" in page
    assert "98.0 %" in page
    unexplained = msgspec.structs.replace(wrong.shops[0], causes={"unexplained": 2})
    assert not holds(msgspec.structs.replace(wrong, shops=(unexplained, *wrong.shops[1:])))


def test_a_closed_shop_that_is_not_exact_breaks_the_promise(found: Accuracy) -> None:
    first, closed, *rest = found.shops
    broken = msgspec.structs.replace(found, shops=(first, msgspec.structs.replace(closed, exact=99), *rest))
    assert not holds(broken)
    assert "99.0 % of 100 items were exact" in accuracy_page.as_page(broken)


def test_all_but_one_is_never_told_as_all(found: Accuracy) -> None:
    many = msgspec.structs.replace(found.shops[0], items=100_000, silently_wrong=1)
    page = accuracy_page.as_page(msgspec.structs.replace(found, shops=(many, *found.shops[1:])))
    assert "| 99.9+ % |" in page


def test_every_picture_is_a_whole_svg_within_its_frame(found: Accuracy) -> None:
    pictures = accuracy_page.pictures(found)
    assert all(f"pictures/{name}" in accuracy_page.as_page(found) for name in pictures)
    for picture in pictures.values():
        root = ET.fromstring(picture)
        width, height = float(root.attrib["width"]), float(root.attrib["height"])
        for bar in root.iter(f"{SVG}rect"):
            assert 0 <= float(bar.attrib.get("x", 0)) <= width
            assert float(bar.attrib.get("y", 0)) + float(bar.attrib["height"]) <= height
        for line in root.iter(f"{SVG}polyline"):
            for point in line.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= width
                assert 0 <= y <= height


def test_the_shops_that_are_measured_differ_in_what_their_names_say() -> None:
    by_name = {shop.name: shop for shop in shops(20, 300)}
    first = by_name["among customers"]
    assert (first.seeds, first.habits.items) == (20, 300)
    assert by_name["after closing"].habits == replace(first.habits, counts_in_hours=False)
    assert by_name["goods put back"].habits.put_back == 0.03
