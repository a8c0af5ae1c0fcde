"""The shop floor from a CSV file: all of it or nothing, and what is known already passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.floor_import import Said, read_places
from protocol.dated_words import HomeGiven, PlaceGiven, PlaceKind
from shelfwire.cli import main

FILE = """place,kind,parent,area,item
rack-1-a,shelf,rack-1,,tea
rack-1,shelf,front,,
front,area,,,
rack-1-a,,,,jam
till,spot,,front,
"""
SAID = Said("ann", "the shop opens", 5)


def test_places_come_before_what_is_a_part_of_them_and_homes_last() -> None:
    words = read_places(FILE.encode(), SAID, 9, {})
    assert [(word.place, word.area) for word in words if isinstance(word, PlaceGiven)] == [
        ("front", "front"),
        ("till", "front"),
        ("rack-1", "front"),
        ("rack-1-a", "front"),
    ]
    assert words[4:] == [HomeGiven(9, item, "rack-1-a", 5, None, "ann", "the shop opens") for item in ("tea", "jam")]
    assert words[0] == PlaceGiven(9, "front", "", "front", PlaceKind.AREA, 5, "ann", "the shop opens")


def test_a_shelf_of_a_place_that_is_known_is_of_its_area() -> None:
    (word,) = read_places(b"place,kind,parent\nrack-9,shelf,front\n", SAID, 9, {"front": "front"})
    assert isinstance(word, PlaceGiven)
    assert word.area == "front"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("shelf\nx\n", "bad-file"),
        ("place,colour\nx,red\n", "bad-file"),
        ("place\n\xff\n", "bad-file"),
        ("place,kind\nRack 1,shelf\n", "line 2"),
        ("place,kind\nrack,cupboard\n", "line 2"),
        ("place,kind,parent\na,shelf,b\nb,shelf,a\n", "line 2"),
    ],
)
def test_what_is_wrong_is_named(text: str, name: str) -> None:
    with pytest.raises(BadInput, match=name):
        read_places(text.encode("latin-1"), SAID, 9, {})


def test_the_command_takes_a_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "hub.toml"
    config.write_text('store = "oak"\ndata_dir = "data"\n')
    items = tmp_path / "items.csv"
    items.write_text("item,name,unit,code,price,currency\ntea,Tea,each,4006381333931,1.99,EUR\n")
    assert main(["hub", "import", "--config", str(config), str(items)]) == 0
    floor = tmp_path / "floor.csv"
    floor.write_text(FILE)
    command = ["hub", "places", "--config", str(config), "--author", "ann", "--note", "opening", str(floor)]
    capsys.readouterr()
    assert main(command) == 1, "jam is in no catalogue"
    assert "item-unknown" in capsys.readouterr().err
    floor.write_text(FILE.replace(",jam", ",tea"))
    assert main(command) == 0
    assert capsys.readouterr().out == "5 words were news\n"
    assert main(command) == 0
    assert capsys.readouterr().out == "0 words were news\n"
