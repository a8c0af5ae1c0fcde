"""What a figure says of itself: its floor, its promise, its company."""

from __future__ import annotations

import pytest

from bench.figures import Better, Figure, Floor, Limit, Machine, Results, from_json, percentile, to_json


def figure(value: float, better: Better = Better.LESS, floor: float = 2.0, limit: float | None = None) -> Figure:
    return Figure(
        part="one scan",
        what="scan to durable",
        unit="ms",
        value=value,
        better=better,
        floor=Floor("bare commit", floor),
        limit=None if limit is None else Limit(limit, f"{limit} ms"),
    )


def test_times_the_floor_is_of_time_whether_a_duration_or_a_rate_was_measured() -> None:
    assert figure(6.0, Better.LESS, floor=2.0).times_floor == 3.0
    assert figure(2.0, Better.MORE, floor=6.0).times_floor == 3.0


@pytest.mark.parametrize(
    ("value", "better", "limit", "holds"),
    [
        (3.0, Better.LESS, 3.0, True),
        (3.1, Better.LESS, 3.0, False),
        (3.0, Better.MORE, 3.0, True),
        (2.9, Better.MORE, 3.0, False),
        (9.9, Better.LESS, None, None),
    ],
)
def test_a_promise_is_kept_at_its_limit(value: float, better: Better, limit: float | None, holds: bool | None) -> None:
    assert figure(value, better, limit=limit).holds is holds


def test_a_percentile_is_a_value_that_was_measured() -> None:
    hundred = [float(number) for number in range(100, 0, -1)]
    assert percentile(hundred, 0.5) == 50.0
    assert percentile(hundred, 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0


def test_results_are_kept_as_they_are() -> None:
    machine = Machine(
        cpu="a core",
        cores=2,
        memory_mb=4096,
        kernel="6.1",
        file_system="ext4",
        python="3.11",
        sqlite_apsw="3.54",
        sqlite_stdlib="3.40",
        mosquitto="2.0",
        noise=0.1,
    )
    results = Results(
        at="today",
        commit="abc",
        seconds=1.5,
        quick=True,
        machine=machine,
        figures=(figure(1.0, limit=2.0), figure(9.0)),
    )
    assert from_json(to_json(results)) == results
