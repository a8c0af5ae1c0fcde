"""A manifest is taken whole or not at all, and says of every wrong line what it could be."""

from __future__ import annotations

import pytest

from protocol.cards import Mode
from provisioning.errors import ListWrong
from provisioning.fleet import Holder, plan
from provisioning.manifest import Post, read_manifest

CSV = b"position,place,area,mode,note\ntill-1,shop,,,by the door\nback-door,stockroom,rear,receive,\n"
TOML = b"""# a store
[[station]]
position = "till-1"
place = "shop"
note = "by the door"

[[ station ]]
position = "back-door"
place = "stockroom"
area = "rear"
mode = "receive"
"""


def wrong(data: bytes, *, toml: bool = False) -> list[tuple[int, str]]:
    with pytest.raises(ListWrong) as raised:
        read_manifest(data, toml=toml)
    assert all(str(each).isprintable() for each in raised.value.wrong)
    return [(each.line, each.suggestion) for each in raised.value.wrong]


def test_csv_and_toml_say_the_same() -> None:
    till, door = read_manifest(CSV, toml=False)
    assert till == Post(2, "till-1", "shop", "", Mode.SALE, "by the door")
    assert door == Post(3, "back-door", "stockroom", "rear", Mode.RECEIVE, "")
    assert [(each.position, each.line) for each in read_manifest(TOML, toml=True)] == [("till-1", 2), ("back-door", 7)]
    assert [each.mode for each in read_manifest(TOML, toml=True)] == [Mode.SALE, Mode.RECEIVE]


def test_a_spreadsheet_may_part_by_semicolons_and_begin_with_a_mark() -> None:
    assert read_manifest(
        b"\xef\xbb\xbf" + CSV.replace(b",", b";").replace(b"\n", b"\r\n"), toml=False
    ) == read_manifest(CSV, toml=False)


def test_every_wrong_line_is_told_with_what_it_could_be() -> None:
    assert wrong(b"position,place,mode\nTill 1,shop,sale\ntill-2,,sell\ntill-3,shop,sale\ntill-3,shop,\n") == [
        (2, "did you mean till-1?"),
        (3, ""),
        (3, "one of sale, return, receive, count, transfer, waste, price-check"),
        (5, ""),
    ]
    assert wrong(b"position,place,mode\ntill-1,shop,recieve\n") == [(2, "did you mean receive?")]


def test_a_line_is_counted_as_an_editor_does_also_after_a_note_of_two_lines() -> None:
    assert [line for line, _ in wrong(b'position,place,note\n\ntill-1,shop,"a\nb"\nX Y,shop,\n')] == [3, 5]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"posittion,place\n", 1),
        (b"position,place,place\n", 1),
        (b"position,place\na,b,c\n", 2),
        (b'position,place\n"a,b\n', 2),
        (b"position,place\na,\xff\n", 2),
        (b"position,place\na,b\x00\n", 2),
        (b"x" * 2_000_000, 1),
        (b"position,place\n" + b"".join(b"p-%d,s\n" % number for number in range(1001)), 1002),
        (b"position,place,note\na,b," + b"n" * 501, 2),
    ],
)
def test_no_csv_that_cannot_be_taken_is_taken(data: bytes, line: int) -> None:
    assert wrong(data)[0][0] == line


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", 1),
        (b"[[station]]\nposition = 'a'\nplace = \n", 3),
        (b"[[station]]\nposition = 'a'\n", 1),
        (b"[[station]]\nposition = 'a'\nplace = 's'\nposiion = 'b'\n", 4),
        (b"[[station]]\nposition = 'a'\nplace = 3\n", 3),
        (b"[station]\nposition = 'a'\nplace = 's'\n", 1),
        (b"[[station]]\nposition = 'a'\nplace = 's'\n[[stations]]\nposition = 'b'\n", 4),
        (b"[[station]]\nposition = 'a'\nplace = 's'\n\n[[station]]\nposition = 'B!'\nplace = 's'\n", 5),
        (b"a = " + b"[" * 20_000, 1),
    ],
)
def test_no_toml_that_cannot_be_taken_is_taken(data: bytes, line: int) -> None:
    assert wrong(data, toml=True)[0][0] == line


def holder(position: str, **more: object) -> Holder:
    said: dict[str, object] = {
        "identity": f"st-{position}", "position": position, "place": "shop", "area": "", "mode": "sale",
        "enrolled": True, "awaited": False, "until_us": 5,
    }  # fmt: skip
    return Holder(**(said | more))  # type: ignore[arg-type]


def test_who_stands_or_is_awaited_is_passed_over_and_who_never_came_is_invited_again() -> None:
    posts = [Post(line, position, "shop", "", Mode.SALE, "") for line, position in enumerate("abcde", 2)]
    holders = [
        holder("a", place="yard"),
        holder("b", enrolled=False, awaited=True),
        holder("c", enrolled=False),
        holder("d", enrolled=False, awaited=True, identity="st-spare"),
        holder("d", identity="st-old"),
    ]
    planned = plan(posts, holders)
    assert [(step.post.position, step.again) for step in planned.invite] == [("c", "st-c"), ("e", None)]
    assert [(each.post.position, each.holder.identity) for each in planned.passed] == [
        ("a", "st-a"),
        ("b", "st-b"),
        ("d", "st-old"),
    ]
    assert planned.passed[0].differs == ("place yard, not shop",)
    again = plan(posts, holders, awaited_again=True)
    assert [(step.post.position, step.again) for step in again.invite] == [("b", "st-b"), ("c", "st-c"), ("e", None)]
