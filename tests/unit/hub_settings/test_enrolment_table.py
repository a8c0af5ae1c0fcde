"""`[enrolment]` in `hub.toml`: where stations enrol, and where they find the broker then."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.settings import EnrolmentSettings, parse_settings

LEAST = 'store = "oak-street"\ndata_dir = "data"\n'


def test_an_address_is_enough() -> None:
    settings = parse_settings(LEAST + '[enrolment]\naddress = "192.168.7.2"\n', Path("/"))
    assert settings.enrolment == EnrolmentSettings(address="192.168.7.2")
    assert (EnrolmentSettings(address="192.168.7.2").port, parse_settings(LEAST, Path("/")).enrolment) == (8443, None)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('address = "hub.shop"', "IPv4"),
        ('address = "fe80::1"', "IPv4"),
        ('address = "192.168.7.2"\nport = 70000', "port"),
        ('address = "192.168.7.2"\nbroker_port = 0', "broker_port"),
        ('address = "192.168.7.2"\nadress = "x"', "did you mean 'address'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(table: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        parse_settings(f"{LEAST}[enrolment]\n{table}\n", Path("/"))
    assert caught.value.name == "bad-settings"
