"""`edge.toml`: read whole, or refused with the place and the key probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.errors import BadSettings
from edge.settings import load_settings, parse_settings
from protocol.cards import Mode

BESIDE = Path("/etc/shelfwire")
LEAST = """
store = "oak-street"
station = "till-3"
place = "shop"
data_dir = "data"
"""
TLS = '[hub.tls]\nca = "ca.pem"\ncertificate = "/keys/own.pem"\nkey = "own.key"\n'


def test_the_least_a_file_must_say() -> None:
    settings = parse_settings(LEAST, BESIDE)
    assert (settings.store, settings.station, settings.place) == ("oak-street", "till-3", "shop")
    assert settings.mode is Mode.SALE
    assert settings.data_dir == Path("/etc/shelfwire/data")
    assert (settings.api.host, settings.hub.port) == ("127.0.0.1", 1883)
    assert settings.devices == {}
    assert settings.limits.session_idle_s == 300


def test_a_device_table_is_handed_on_whole() -> None:
    text = LEAST + '[devices.scanner]\ndriver = "serial-scanner"\nport = "/dev/ttyACM0"\nbaud = 9600\n'
    device = parse_settings(text, BESIDE).devices["scanner"]  # type: ignore[index]
    assert device.driver == "serial-scanner"
    assert device.table == {"port": "/dev/ttyACM0", "baud": 9600}


def test_the_dwell_window_of_a_device_is_the_stations_business_and_not_the_drivers() -> None:
    text = LEAST + '[devices.scanner]\ndriver = "serial-scanner"\ndwell_ms = 700\nport = "/dev/ttyACM0"\n'
    device = parse_settings(text, BESIDE).devices["scanner"]  # type: ignore[index]
    assert (device.dwell_ms, device.table) == (700, {"port": "/dev/ttyACM0"})
    text = text.replace("dwell_ms = 700\n", "")
    assert parse_settings(text, BESIDE).devices["scanner"].dwell_ms == 0  # type: ignore[index]


def test_the_files_of_an_identity_are_found_beside_the_file() -> None:
    hub = parse_settings(LEAST + '[hub]\nhost = "10.0.0.7"\nport = 8883\n' + TLS, BESIDE).hub
    assert hub.tls is not None
    assert (hub.tls.ca, hub.tls.certificate, hub.tls.key, hub.tls.name) == (
        "/etc/shelfwire/ca.pem",
        "/keys/own.pem",
        "/etc/shelfwire/own.key",
        None,
    )


def test_in_the_clear_beyond_this_machine_only_as_told() -> None:
    assert parse_settings(LEAST + '[hub]\nhost = "10.0.0.7"\nplain = true\n', BESIDE).hub.tls is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAST + 'mod = "sale"', "unknown key 'mod' (did you mean 'mode'?)"),
        (LEAST + "[hub]\nprot = 1883", "hub: unknown key 'prot' (did you mean 'port'?)"),
        (LEAST + "[zebra]\nx = 1", "unknown key 'zebra'"),
        (LEAST + '[hub]\nport = "1883"', "hub.port: Expected `int`, got `str`"),
        (LEAST + "[hub]\nport = 0", "hub.port: Expected `int` >= 1"),
        (LEAST + 'mode = "steal"', "mode: Invalid enum value 'steal'"),
        (LEAST.replace("till-3", "Till 3"), "station: 'Till 3' is not 1 to 63 of a-z, 0-9 and inner hyphens"),
        (LEAST.replace('place = "shop"', ""), "Object missing required field `place`"),
        (LEAST + "[limits]\nweight_wait_s = 0", "limits.weight_wait_s: Expected `float` > 0.0"),
        (
            LEAST + '[api]\nhost = "0.0.0.0"',
            "api.host: '0.0.0.0' is no loopback address, and the local API knows no passwords",
        ),
        *(
            (
                f'{LEAST}[devices.scanner]\ndriver = "x"\ndwell_ms = {wrong}',
                "devices.scanner.dwell_ms: is a whole number from 0 to 10000",
            )
            for wrong in ("-1", "10001", "0.5", '"500"', "true")
        ),
        (LEAST + "[devices.scanner]\nport = 1", 'devices.scanner: needs driver = "..."'),
        (LEAST + '[devices.api]\ndriver = "x"', "devices.api: a device is named"),
        (LEAST + '[devices."a b"]\ndriver = "x"', "devices.a b: a device is named"),
        (LEAST + 'scale = "scael"\n[devices.scale]\ndriver = "x"', "scale: no device 'scael' (did you mean 'scale'?)"),
        (
            LEAST + '[hub]\nhost = "10.0.0.7"',
            "hub.tls: is needed to speak with '10.0.0.7', which is not this machine; plain = true does without",
        ),
        (LEAST + "[hub]\nplain = true\n" + TLS, "hub.plain: says the contrary of the table [hub.tls]"),
        (LEAST + TLS.replace("key", "kye"), "hub.tls: unknown key 'kye' (did you mean 'key'?)"),
        ("store = ", "not TOML: Invalid value (at end of document)"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(text: str, message: str) -> None:
    with pytest.raises(BadSettings) as caught:
        parse_settings(text, BESIDE)
    assert str(caught.value).startswith(message)


def test_a_file_that_cannot_be_read_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        load_settings(tmp_path / "none.toml")
    (tmp_path / "edge.toml").write_bytes(b'store = "\xff"')
    with pytest.raises(BadSettings):
        load_settings(tmp_path / "edge.toml")
