"""The set hash: equal for equal sets whatever the way there, different as soon as one line is."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalogue import CatalogueRow, CodeLink, Gone, Item, Price, PriceKind, RowKind, encode_row
from protocol.catalogue_set import CatalogueSet, SetHash, set_hash
from protocol.errors import BadInput

few = st.sampled_from(["a", "b", "c"])
row: st.SearchStrategy[CatalogueRow] = st.one_of(
    st.builds(Item, few, st.sampled_from(["Apple", "Pear"])),
    st.builds(CodeLink, few, few, st.just(1000), st.integers(0, 2)),
    st.builds(lambda item, id_, minor: Price(item, id_, PriceKind.REGULAR, minor, "EUR"), few, few, st.integers(0, 3)),
    st.builds(Gone, st.just(RowKind.ITEM), few),
    st.builds(lambda code, at: Gone(RowKind.LINK, code, str(at)), few, st.integers(0, 2)),
    st.builds(lambda item, id_: Gone(RowKind.PRICE, item, id_), few, few),
)
logs = st.lists(row.map(encode_row), max_size=40)


@given(logs)
def test_deltas_and_a_snapshot_of_their_outcome_give_the_same_hash(log: list[bytes]) -> None:
    by_delta = CatalogueSet(log)
    by_snapshot = CatalogueSet(by_delta.lines())
    assert by_snapshot.hash == by_delta.hash == set_hash(by_delta.lines())
    assert by_snapshot.lines() == by_delta.lines()


@given(
    logs.map(lambda log: CatalogueSet(log).lines()).flatmap(
        lambda lines: st.tuples(st.just(lines), st.permutations(lines))
    )
)
def test_the_order_of_a_set_does_not_matter(lines_twice: tuple[list[bytes], list[bytes]]) -> None:
    lines, in_another_order = lines_twice
    assert set_hash(in_another_order) == set_hash(lines)


@given(st.sets(st.binary(max_size=20), max_size=12), st.sets(st.binary(max_size=20), max_size=12))
def test_different_sets_differ(one: set[bytes], other: set[bytes]) -> None:
    assert (set_hash(one) == set_hash(other)) == (one == other)


@given(st.lists(st.binary(max_size=20), max_size=12), st.lists(st.binary(max_size=20), max_size=12))
def test_it_grows_and_shrinks_by_its_parts(one: list[bytes], other: list[bytes]) -> None:
    assert set_hash(one) + set_hash(other) == set_hash(one + other)
    assert set_hash(one + other) - set_hash(other) == set_hash(one)


def test_a_line_is_added_taken_out_and_replaced() -> None:
    both = set_hash([b"x", b"y"])
    assert SetHash().add(b"x").add(b"y") == both
    assert both.remove(b"y") == set_hash([b"x"])
    assert both.replace(b"y", b"z") == set_hash([b"z", b"x"])


def test_a_line_held_twice_is_not_as_good_as_none() -> None:
    assert set_hash([b"x", b"x"]) != SetHash()


def test_its_text_is_the_sum_in_hex() -> None:
    assert str(set_hash([b"x"])) == sha256(b"x").hexdigest()
    assert str(SetHash()) == "0" * 64
    assert SetHash.parse(str(set_hash([b"x", b"y"]))) == set_hash([b"y", b"x"])


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "G" * 64, "A" * 64, "\u0660" * 64, " " + "0" * 63])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        SetHash.parse(text)
    assert refused.value.name == "bad-set-hash"


def test_a_line_that_is_no_row_changes_nothing() -> None:
    held = CatalogueSet([encode_row(Item("a", "Apple"))])
    before = (held.hash, held.lines())
    with pytest.raises(BadInput):
        held.apply(b'["i","a"]')
    assert (held.hash, held.lines()) == before
