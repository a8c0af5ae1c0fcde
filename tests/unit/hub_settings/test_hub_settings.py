"""`hub.toml`: what it may say, and how it is told what is wrong."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.settings import BrokerSettings, TlsSettings, load_settings, parse_settings

LEAST = 'store = "oak-street"\ndata_dir = "hub"\n'


def test_the_least_it_takes_and_what_the_rest_then_is() -> None:
    settings = parse_settings(LEAST, Path("/etc/shelfwire"))
    assert settings.store == "oak-street"
    assert settings.data_dir == Path("/etc/shelfwire/hub")
    assert settings.broker == BrokerSettings(host="127.0.0.1", port=1883)
    assert settings.hq is None
    assert (settings.web.host, settings.web.port) == ("127.0.0.1", 8080)
    assert settings.currency == "EUR"


def test_everything_said() -> None:
    text = (
        LEAST
        + '[broker]\nport = 1884\n[hq]\nhost = "hq.example"\nport = 8883\n'
        + '[hq.tls]\nca = "ca.pem"\ncertificate = "/keys/hub.pem"\nkey = "hub.key"\nname = "broker.hq"\n'
        + '[web]\nport = 0\nhosts = ["hub.lan"]\n'
    )
    settings = parse_settings(text, Path("/etc"))
    tls = TlsSettings(ca="/etc/ca.pem", certificate="/keys/hub.pem", key="/etc/hub.key", name="broker.hq")
    assert settings.hq == BrokerSettings(host="hq.example", port=8883, tls=tls)
    assert settings.web.hosts == ("hub.lan",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "store"),
        ("store = ", "not TOML"),
        (LEAST.replace("oak-street", "Oak Street"), "store: "),
        (LEAST + 'curency = "EUR"\n', "unknown key 'curency'; did you mean 'currency'?"),
        (LEAST + "[brokr]\nport = 1\n", "unknown key 'brokr'; did you mean 'broker'?"),
        (LEAST + '[broker]\nhots = "x"\n', "unknown key 'hots' in [broker]; did you mean 'host'?"),
        (LEAST + "[web]\ncolour = 1\n", "unknown key 'colour' in [web]; known: host, port, hosts"),
        (LEAST + "[web]\nport = 70000\n", "(web.port)"),
        (LEAST + '[hq]\nport = "1883"\n', "(hq.port)"),
        (LEAST + 'currency = "euro"\n', "(currency)"),
        (LEAST + '[broker]\nhost = "10.0.0.7"\n', "[broker.tls] is needed to speak with '10.0.0.7'"),
        (LEAST + '[hq]\nhost = "hq.example"\n', "[hq.tls] is needed to speak with 'hq.example'"),
        (LEAST + '[hq]\nplain = true\n[hq.tls]\nca = "a"\ncertificate = "b"\nkey = "c"\n', "hq.plain says"),
        (LEAST + '[hq.tls]\nca = "a"\ncertificate = "b"\nkye = "c"\n', "unknown key 'kye' in [hq.tls]; did you mean"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_settings(text, Path("/etc"))
    assert caught.value.name == "bad-settings"
    assert said in caught.value.detail


def test_in_the_clear_beyond_this_machine_only_as_told() -> None:
    told = parse_settings(LEAST + '[broker]\nhost = "10.0.0.7"\nplain = true\n', Path("/etc")).broker
    assert (told.host, told.tls) == ("10.0.0.7", None)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        load_settings(tmp_path / "hub.toml")


def test_the_stores_clock_is_named_as_the_world_names_it(tmp_path: Path) -> None:
    told = parse_settings('store = "oak"\ndata_dir = "d"\ntimezone = "Europe/Berlin"\n', tmp_path)
    assert str(told.zone) == "Europe/Berlin"
    assert parse_settings('store = "oak"\ndata_dir = "d"\n', tmp_path).zone is UTC
    for name in ("Berlin", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(BadInput, match="timezone"):
            parse_settings(f'store = "oak"\ndata_dir = "d"\ntimezone = "{name}"\n', tmp_path)
