"""Plain deltas in pages and tails: numbers come back as they went in, and a scope's are found by time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.store import pages, tails
from hub.store.pages import Page
from hub.store.sql import Sql
from hub.store.sqlite_file import in_memory
from hub.store.tails import Pages

INT64 = st.integers(-(1 << 62), 1 << 62)
PLACES = st.tuples(st.integers(0, 1 << 40), INT64, INT64, INT64)


@pytest.fixture
def file() -> Iterator[Sql]:
    sql = in_memory()
    yield sql
    sql.driver.close()


@given(st.lists(PLACES, min_size=1, max_size=50))
def test_a_page_gives_what_was_put_in(places: list[tuple[int, int, int, int]]) -> None:
    page = Page((1, 2, 3, len(places), pages.pack(list(zip(*places, strict=True)))))
    assert [(page.sort(n), *page.time(n), page.qty_milli(n)) for n in range(page.n)] == places
    struck = Page(page.without([0]))
    assert struck.sort(0) == 0
    assert [(struck.sort(n), *struck.time(n), struck.qty_milli(n)) for n in range(1, page.n)] == places[1:]


@settings(deadline=None)  # each example makes a store
@given(st.lists(st.lists(st.integers(0, 100), max_size=60), max_size=6), st.integers(-1, 101), st.integers(-1, 101))
def test_a_scope_s_deltas_are_found_by_their_time(batches: list[list[int]], low: int, high: int) -> None:
    file = in_memory()
    with closing(file.driver):
        tail = b""
        for number, times in enumerate(batches, 1):
            if not times:
                continue
            # Every seventh has become more than a plain delta.
            body = pages.pack([[int(n % 7 != 3) for n in range(len(times))], times, [0] * len(times), times])
            pages.insert(file, [(number, 1, number * 100, len(times), body)])
            tail += tails.packed([v for n, t in enumerate(times) for v in (t, pages.place_number(number, n))])
            if len(tail) > tails.LONGEST * tails.REF_BYTES:
                file.executemany(tails.INSERT_RUN, [tails.spilled(5, tail)])
                tail = b""
        known = Pages(file)
        held = [(t, b * 100 + n) for b, times in enumerate(batches, 1) for n, t in enumerate(times) if n % 7 != 3]
        found = tails.between(file, known, 5, tail, low, high)
        assert sorted((each.t_us, each.seq) for each in found) == sorted(e for e in held if low <= e[0] <= high)
        parts = list(tails.newest_first(file, known, 5, tail, high))
        assert [(each.t_us, each.seq) for part in parts for each in part] == sorted(
            (e for e in held if e[0] <= high), reverse=True
        )


def test_an_entry_is_found_by_its_seq(file: Sql) -> None:
    for number, first in enumerate((1, 11, 31), 1):
        pages.insert(file, [(number, 1, first, 10, pages.pack([[number] * 10] + [list(range(10))] * 3))])
    known = Pages(file)
    assert [page and page.id for page in (known.holding(1, seq) for seq in (1, 10, 11, 20, 21, 31, 40, 41))] == [
        1, 1, 2, 2, None, 3, 3, None,
    ]  # fmt: skip
    assert known.holding(2, 1) is None
    assert [page.id for page in pages.newest_first(file, 1, 31)] == [2, 1]
