"""A bundle comes in pieces over a line that is cut, from a hub that may be wrong, onto a disk that may be full."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from image.slots.fetching import NotNow, fetch
from image.slots.offers import NEEDS_US, may_restart, name_of, why_not
from image.slots.record import Fall, News, Record, Why
from protocol.releases import Offer, Offered, ReleaseSaid, is_for, is_newer

DATA = bytes(range(256)) * 40
SHA = hashlib.sha256(DATA).hexdigest()
PIECE = 1000
HOUR_US = 3_600_000_000


def offer(**more: object) -> Offer:
    said = {"release": SHA, "version": "1.5", "compatible": "till", "size": len(DATA), "anytime": False, "older": False}
    return Offer(**{**said, "said_us": 7, **more})  # type: ignore[arg-type]


class Line:
    """Serves pieces of some bytes; `cuts` are the requests, by number, that a cable does not survive."""

    def __init__(self, data: bytes = DATA, cuts: frozenset[int] = frozenset(), status: int = 206) -> None:
        self.data, self.cuts, self.status = data, cuts, status
        self.asked: list[int] = []

    def get(self, path: str, first: int | None = None) -> tuple[int, str, bytes]:
        assert path == f"/station/releases/{SHA}"
        assert first is not None
        self.asked.append(first)
        if len(self.asked) in self.cuts:
            raise NotNow("cut")
        piece = self.data[first : first + PIECE]
        return self.status, f"bytes {first}-{first + len(piece) - 1}/{len(DATA)}", piece


def test_it_comes_whole_and_goes_on_where_a_cable_was_pulled(tmp_path: Path) -> None:
    line = Line(cuts=frozenset({3, 4, 6}))
    assert fetch(line, offer(), tmp_path, 0).read_bytes() == DATA
    assert line.asked[:5] == [0, 1000, 2000, 2000, 2000]
    assert fetch(line, offer(), tmp_path, 0).read_bytes() == DATA
    assert len(line.asked) == 14, "what is there is not asked for again"


@pytest.mark.parametrize("came", [1, 999, 1000, 5500, len(DATA) - 1, len(DATA)])
def test_power_loss_at_any_length_costs_only_what_had_not_come(tmp_path: Path, came: int) -> None:
    (tmp_path / f"{SHA}.part").write_bytes(DATA[:came])
    line = Line()
    assert fetch(line, offer(), tmp_path, 0).read_bytes() == DATA
    assert line.asked[:1] in ([], [came])


def test_a_line_that_stays_cut_is_tried_at_the_next_round(tmp_path: Path) -> None:
    with pytest.raises(NotNow):
        fetch(Line(cuts=frozenset(range(3, 99))), offer(), tmp_path, 0)
    assert (tmp_path / f"{SHA}.part").stat().st_size == 2000


def test_other_bytes_than_were_offered_are_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(NotNow, match="another digest"):
        fetch(Line(DATA[:-1] + b"!"), offer(), tmp_path, 0)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / f"{SHA}.part").write_bytes(b"!" * 50)
    with pytest.raises(NotNow):
        fetch(Line(), offer(), tmp_path, 0)
    assert fetch(Line(), offer(), tmp_path, 0).read_bytes() == DATA


def test_a_hub_that_answers_otherwise_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(NotNow, match="answers 404"):
        fetch(Line(status=404), offer(), tmp_path, 0)


def test_a_full_disk_is_left_to_the_log(tmp_path: Path) -> None:
    line = Line()
    with pytest.raises(NotNow, match="the disk is full"):
        fetch(line, offer(), tmp_path, 1 << 60)
    assert line.asked == []


def test_bundles_that_nobody_waits_for_make_room(tmp_path: Path) -> None:
    (tmp_path / "old.raucb").touch()
    (tmp_path / "older.part").touch()
    fetch(Line(), offer(), tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == [f"{SHA}.raucb"]


RUNS = Record(committed="a", versions={"a": "1.4"})


@pytest.mark.parametrize(
    ("given", "known", "reason"),
    [
        (offer(), RUNS, None),
        (offer(version="1.4"), RUNS, ""),
        (offer(version="1.3"), RUNS, "1.3 is older than 1.4"),
        (offer(version="1.3", older=True), RUNS, None),
        (offer(compatible="hub"), RUNS, "it is for hub, and this is till"),
        (offer(release="../x"), RUNS, "the hub's offer cannot be read"),
        (
            offer(),
            Record(versions={"a": "1.4"}, falls=(Fall(1, "b", Why.UNHEALTHY, "no scale", "1.5", name_of(offer())),)),
            "its health check failed: no scale",
        ),
        (
            offer(said_us=8),
            Record(versions={"a": "1.4"}, falls=(Fall(1, "b", Why.UNHEALTHY, "no scale", "1.5", name_of(offer())),)),
            None,
        ),
        (
            offer(),
            Record(
                versions={"a": "1.4"}, news=News(1, "refused", "its signature is not good", "1.5", name_of(offer()))
            ),
            "its signature is not good",
        ),
    ],
)
def test_what_is_offered_is_taken_or_not_and_why(given: Offer, known: Record, reason: str | None) -> None:
    assert why_not(given, "till", "a", known) == reason


def test_a_machine_restarts_only_while_the_shop_is_closed_for_long_enough() -> None:
    def says(**more: object) -> Offered:
        return Offered(now_us=100 * HOUR_US, **{"offer": offer(), **more})  # type: ignore[arg-type]

    night = {"closed_from_us": 99 * HOUR_US, "closed_to_us": 101 * HOUR_US}
    assert may_restart(says(**night), 0)
    assert not may_restart(says(**night), HOUR_US - NEEDS_US + 1)
    assert not may_restart(says(closed_from_us=101 * HOUR_US, closed_to_us=102 * HOUR_US), 0)
    assert not may_restart(says(), 0)
    assert may_restart(says(offer=offer(anytime=True)), 0)
    assert not may_restart(says(offer=None, **night), 0)


def test_versions_are_ordered_as_people_count() -> None:
    order = ["", "0.9", "1.0~rc1", "1.0", "1.0.1", "1.9", "1.10", "2"]
    for older, newer in pairwise(order):
        assert is_newer(newer, older)
        assert not older or not is_newer(older, newer)
    assert not is_newer("1.0", "1.0")


def test_a_share_of_the_stations_is_always_the_same_share() -> None:
    def word(percent: int, *stations: str) -> ReleaseSaid:
        return ReleaseSaid(1, SHA, "1.5", "till", 1, stations, percent, False, False, True, "ann", "why")

    names = [f"s-{n}" for n in range(400)]
    tenth = {name for name in names if is_for(word(10), name, "till-1", "till")}
    half = {name for name in names if is_for(word(50), name, "till-1", "till")}
    assert 10 < len(tenth) < 80
    assert tenth < half
    assert all(is_for(word(100), name, "till-1", "till") for name in names)
    assert not any(is_for(word(0), name, "till-1", "till") for name in names)
    assert is_for(word(100, "till-2"), "s-1", "till-2", "till")
    assert not is_for(word(100, "till-2"), "s-1", "till-1", "till")
    assert not is_for(word(100), "s-1", "till-1", "hub")
