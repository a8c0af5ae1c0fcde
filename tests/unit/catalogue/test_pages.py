"""Pages of catalogue lines: whatever is put on them in whatever form is found by its owner, and by nobody else's."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from edge.catalogue.pages import (
    ANY,
    PAGE_BYTES,
    Filling,
    Key,
    Page,
    change_page,
    cut,
    keys_of,
    lines_of,
    make_body,
    make_page,
    rows_of,
)
from protocol.catalogue import CodeLink, Item, Price, PriceKind, RowKind, encode_row, row_key


def price(item: str, id_: str, minor: int = 100) -> Price:
    return Price(item, id_, PriceKind.REGULAR, minor, "EUR")


names = st.text(st.sampled_from('ab",\\ é\n[]'), min_size=1, max_size=4)
keyed = st.dictionaries(st.tuples(names, names), st.integers(0, 999), max_size=30)


def page_of(rows: dict[Key, int], spaced: bool = False) -> Page:
    lines = [encode_row(price(*key, rows[key])) for key in sorted(rows)]
    if spaced:
        lines = [line.replace(b"[", b"[ ", 1) for line in lines]
    return make_page(RowKind.PRICE, ANY, make_body(lines))


@given(keyed, st.booleans(), names)
def test_an_owners_rows_are_found_and_no_others(rows: dict[Key, int], spaced: bool, stranger: str) -> None:
    page = page_of(rows, spaced)
    for owner in {owner for owner, _ in rows} | {stranger}:
        expected = [price(*key, rows[key]) for key in sorted(rows) if key[0] == owner]
        assert rows_of(RowKind.PRICE, page.plain, page.body, owner) == expected


@given(keyed, st.booleans(), st.dictionaries(st.tuples(names, names), st.none() | st.integers(0, 999), max_size=8))
def test_a_change_is_what_it_is_to_a_dict(rows: dict[Key, int], spaced: bool, wanted: dict[Key, int | None]) -> None:
    page = page_of(rows, spaced)
    changes = {key: None if minor is None else encode_row(price(*key, minor)) for key, minor in wanted.items()}
    changed = change_page(RowKind.PRICE, page.plain, page.body, changes)
    held = dict(zip(sorted(rows), lines_of(page.body), strict=True))
    assert sorted(changed.out) == sorted(held[key] for key in changes if key in held)
    assert sorted(changed.into) == sorted(line for line in changes.values() if line is not None)
    after = {key: line for key, line in (held | changes).items() if line is not None}
    assert lines_of(changed.body) == [after[key] for key in sorted(after)]


def putting(pages: list[Page]) -> Callable[[RowKind, Page], None]:
    return lambda _, page: pages.append(page)


def test_a_code_that_looks_like_two_fields_finds_nothing() -> None:
    page = make_page(RowKind.LINK, ANY, make_body([encode_row(CodeLink("4711", "milk"))]))
    assert page.plain
    assert rows_of(RowKind.LINK, page.plain, page.body, "4711") == [CodeLink("4711", "milk")]
    assert rows_of(RowKind.LINK, page.plain, page.body, '4711","milk') == []


def test_pages_are_filled_in_any_portions_alike_and_never_part_an_owner() -> None:
    rows = sorted([price(f"item-{n:04d}", f"p{m}") for n in range(300) for m in range(1 + n % 5)], key=row_key)
    keys, lines = keys_of(RowKind.PRICE, rows), [encode_row(row) for row in rows]
    made: list[list[Page]] = []
    for portion in (1, 7, 1000):
        pages: list[Page] = []
        filling = Filling(RowKind.PRICE, putting(pages))
        for start in range(0, len(rows), portion):
            assert filling.follows(keys[start : start + portion])
            filling.take(keys[start : start + portion], lines[start : start + portion])
        filling.finish()
        made.append(pages)
    assert made[0] == made[1] == made[2] == list(cut(RowKind.PRICE, ANY, keys, lines))
    assert [line for page in made[0] for line in lines_of(page.body)] == lines
    assert made[0][0].first == ANY
    owners = [{line.split(b'"')[3] for line in lines_of(page.body)} for page in made[0]]
    assert all(not a & b for a, b in itertools.pairwise(owners))
    assert all(PAGE_BYTES <= len(page.body) < PAGE_BYTES + 600 for page in made[0][:-1])


def test_what_is_not_after_the_last_does_not_follow() -> None:
    filling = Filling(RowKind.ITEM, lambda *_: None)
    filling.take([("b", "")], [encode_row(Item("b", "B"))])
    assert filling.follows([("c", "")])
    assert not filling.follows([("b", "")])
    assert not filling.follows([("a", "")])
