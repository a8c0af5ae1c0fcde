"""A position's settings: what travels comes back, what is too much, unknown or secret does not."""

from __future__ import annotations

import contextlib
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.catalogue import Price, PriceKind, Setting, decode_row, encode_row
from protocol.errors import BadInput
from protocol.station_settings import (
    MAX_STRING,
    Version,
    as_toml,
    check_settings,
    is_of_position,
    position_scope,
    row_of,
    version_of,
)

SCANNER = {"driver": "serial-scanner", "port": "/dev/serial/by-id/usb-x"}

words = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")), max_size=20
)
values = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words
keys = st.from_regex(r"[a-z]{1,8}", fullmatch=True).map(lambda key: f"x-{key}-file")
tables = st.dictionaries(
    keys, values | st.lists(words, max_size=3) | st.dictionaries(keys, values, max_size=2), max_size=4
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["sale", "count", "price-check"]),
        "place": st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True),
        "limits": st.fixed_dictionaries({}, optional={"count_codes": st.integers(1, 8000)}),
        "presence": tables,
        "zones": st.dictionaries(keys, tables, max_size=2),
        "devices": st.dictionaries(
            st.from_regex(r"[b-z][a-z0-9]{0,8}", fullmatch=True),
            tables.map(lambda one: {"driver": "x", **one}),
            max_size=3,
        ),
    },
)


@given(documents)
def test_what_is_given_arrives_and_is_written_as_people_write_it(settings: dict[str, Any]) -> None:
    version = Version(n=7, at_us=5, settings=check_settings(settings))
    row = decode_row(encode_row(row_of("till-3", version)))
    assert isinstance(row, Setting)
    arrived = version_of(row.value)
    assert arrived == version
    assert (arrived.name, arrived.digest) == (version.name, version.digest)
    assert tomllib.loads(as_toml(arrived.settings)) == settings


@given(documents, documents)
def test_a_digest_stands_for_the_document_and_not_for_its_order(one: dict[str, Any], other: dict[str, Any]) -> None:
    turned = dict(reversed(one.items()))
    assert Version(n=1, at_us=0, settings=one).digest == Version(n=2, at_us=9, settings=turned).digest
    if one != other:
        assert Version(n=1, at_us=0, settings=one).digest != Version(n=1, at_us=0, settings=other).digest


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_value_is_read_or_refused(value: str) -> None:
    with contextlib.suppress(BadInput):
        assert version_of(value).n >= 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"store": "other"}, "store"),
        ({"hub": {"host": "evil"}}, "hub"),
        ({"data_dir": "/"}, "data_dir"),
        ({"mode": "sell"}, "mode"),
        ({"place": "../shop"}, "place"),
        ({"limits": {"weight_wait_s": 61}}, "limits.weight_wait_s"),
        ({"limits": {"weigth_wait_s": 6}}, "limits"),
        ({"codes": {"variable": ["zz"]}}, "codes"),
        ({"devices": {"scanner": {"port": "/dev/x"}}}, "devices.scanner"),
        ({"devices": {"UPPER": SCANNER}}, "devices.UPPER"),
        ({"devices": {"scanner": {**SCANNER, "dwell_ms": 10_001}}}, "devices.scanner.dwell_ms"),
        ({"devices": {"scanner": {**SCANNER, "dwell_ms": True}}}, "devices.scanner.dwell_ms"),
        ({"devices": {"reader": {**SCANNER, "password": "x"}}}, "devices.reader.password"),
        ({"devices": {"reader": {**SCANNER, "api-key": "x"}}}, "devices.reader.api-key"),
        ({"devices": {"reader": {**SCANNER, "mqtt_token": "x"}}}, "devices.reader.mqtt_token"),
        ({"devices": {"reader": {**SCANNER, "url": "https://u:p@reader/x"}}}, "devices.reader.url"),
        ({"lights": {"green": "x" * (MAX_STRING + 1)}}, "lights.green"),
        ({"lights": {"green": "\x9b31m"}}, "lights.green"),
        ({"lights": {"green": float("nan")}}, "lights.green"),
        ({"lights": {"green": 2**60}}, "lights.green"),
        ({"lights": {"a b": 1}}, "lights"),
        ({"lights": {"a": {"b": {"c": {"d": {"e": 1}}}}}}, "lights"),
        ({"lights": {f"k{n}": 1 for n in range(101)}}, "lights"),
        ({"devices": {f"d{n}": {**SCANNER, "note": "x" * 400} for n in range(12)}}, "characters"),
    ],
)
def test_what_is_not_a_hubs_to_give_is_refused_by_its_path(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_settings(settings)
    assert refused.value.name == "bad-settings"
    assert said in refused.value.detail


def test_a_file_with_a_secret_may_be_named_and_frames_may_have_control_characters() -> None:
    check_settings(
        {"devices": {"r": {**SCANNER, "password_file": "/etc/shelfwire/r", "prefix": "\x02", "end": "\r\n"}}}
    )


def test_another_major_is_refused_whatever_else_it_says() -> None:
    with pytest.raises(BadInput) as refused:
        version_of('{"v":2,"n":"seven"}')
    assert refused.value.name == "unknown-major"


def test_settings_stand_at_a_position_and_prices_do_not() -> None:
    scope = position_scope("till-3")
    assert is_of_position(scope)
    assert decode_row(encode_row(Setting(scope, "station", "{}"))) == Setting(scope, "station", "{}")
    with pytest.raises(BadInput):
        decode_row(encode_row(Price("milk", "r", PriceKind.REGULAR, 1, "EUR", scope)))
    with pytest.raises(BadInput):
        position_scope("../till")
