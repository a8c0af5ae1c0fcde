"""What is set at the station wins, key by key, and is told wherever it differs; the hub's fills the rest."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.configuring.merging import MAX_SHOWN, merged

leaves = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2) | st.lists(st.integers(0, 2), max_size=2)
keys = st.sampled_from(["a", "b", "c", "devices"])
tables = st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8).filter(
    lambda value: isinstance(value, dict)
)
Table = dict[str, Any]


def leaves_of(table: Table, path: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        at = f"{path}.{key}" if path else key
        if isinstance(value, dict) and value:
            found |= leaves_of(value, at)
        else:
            found[at] = value
    return found


@given(tables, tables)
def test_nothing_that_is_set_here_is_ever_otherwise(local: Table, given_: Table) -> None:
    held, drift = merged(local, given_)
    told = leaves_of(held)
    for path, value in leaves_of(local).items():
        if value != {}:
            assert told[path] == value
    assert all(len(one.what) <= MAX_SHOWN and one.local != one.hub for one in drift)


@given(tables)
def test_what_is_not_set_here_is_the_hubs_and_what_is_alike_is_no_override(given_: Table) -> None:
    assert merged({}, given_) == (given_, ())
    assert merged(given_, given_) == (given_, ())
    assert merged(given_, {}) == (given_, ())


def test_each_override_is_named_with_both_values() -> None:
    local = {"mode": "sale", "limits": {"weight_wait_s": 5}, "devices": {"s": {"driver": "x", "port": "/a", "n": 1}}}
    hub = {
        "mode": "count",
        "limits": {"weight_wait_s": 5.0},
        "devices": {"s": {"driver": "x", "port": "/b", "n": True}},
    }
    held, drift = merged(local, hub)
    assert held == local
    assert [(one.what, one.local, one.hub) for one in drift] == [
        ("mode", '"sale"', '"count"'),
        ("devices.s.port", '"/a"', '"/b"'),
        ("devices.s.n", "1", "true"),
    ]


def test_keys_of_two_drivers_do_not_mix() -> None:
    local = {"devices": {"s": {"driver": "x", "port": "/a"}}}
    hub = {"devices": {"s": {"driver": "y", "baud": 9600}, "t": {"driver": "z"}}}
    held, drift = merged(local, hub)
    assert held == {"devices": {"s": {"driver": "x", "port": "/a"}, "t": {"driver": "z"}}}
    assert [(one.what, one.local, one.hub) for one in drift] == [("devices.s.driver", '"x"', '"y"')]
