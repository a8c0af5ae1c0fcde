"""A machine whose file names no station: it is whoever its identity says, or nobody."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from edge.enrol.kept import FOLDER, RECORD
from edge.enrol.record import Held, Record, encode_record
from edge.errors import BadSettings
from edge.settings import Machine, Settings, parse_machine, parse_settings
from edge.whoever import NotEnrolled, as_enrolled, load_station
from protocol.cards import Mode
from protocol.enrolment import Papers

LEAST = 'data_dir = "data"\n'
IDENTITY = "st-aaaaaaaaaaaaa"
PAPERS = Papers(
    store="oak-street",
    station=IDENTITY,
    position="till-3",
    place="shop",
    area="sales-floor",
    mode="count",
    broker_port=8883,
    hub_time_us=0,
)
HELD = Held(keys="1", identity=IDENTITY, store="oak-street", serial="0", not_before_us=0, not_after_us=1)
RECORD_OF_ONE = Record(held=HELD, papers=PAPERS, host="10.0.0.7", port=8443)


def test_a_file_may_name_nobody_and_everything_else_holds() -> None:
    machine = parse_machine(LEAST + '[enrol]\nfile = "invitation.txt"\n', Path("/etc"))
    assert not isinstance(machine, Settings)
    assert (machine.data_dir, machine.enrol) == (Path("/etc/data"), Path("/etc/invitation.txt"))
    with pytest.raises(BadSettings, match="names no store"):
        parse_settings(LEAST, Path("/etc"))


@pytest.mark.parametrize("line", ['mode = "sale"', 'area = "sales-floor"'])
def test_what_the_hub_says_is_not_said_beside_it(line: str) -> None:
    with pytest.raises(BadSettings, match="is the hub's to say"):
        parse_machine(LEAST + line, Path("/etc"))


def test_half_a_name_is_none() -> None:
    with pytest.raises(BadSettings, match="missing required field `station`"):
        parse_machine(LEAST + 'store = "oak-street"\n', Path("/etc"))


def test_the_identity_says_who_it_is_and_how_its_broker_is_reached() -> None:
    machine = parse_machine(LEAST, Path("/etc"))
    settings = as_enrolled(machine, RECORD_OF_ONE)
    assert settings is not None
    assert (settings.store, settings.station, settings.place) == ("oak-street", IDENTITY, "shop")
    assert (settings.area, settings.mode) == ("sales-floor", Mode.COUNT)
    assert (settings.hub.host, settings.hub.port) == ("10.0.0.7", 8883)
    assert settings.hub.tls is not None
    assert settings.hub.tls.key == "/etc/data/identity/in-use/key.pem"
    elsewhere = msgspec.structs.replace(RECORD_OF_ONE, papers=msgspec.structs.replace(PAPERS, broker_host="broker.lan"))
    found = as_enrolled(machine, elsewhere)
    assert found is not None
    assert found.hub.host == "broker.lan"


@pytest.mark.parametrize(
    "record", [Record(), msgspec.structs.replace(RECORD_OF_ONE, ended="is retired")], ids=["none", "ended"]
)
def test_without_one_or_after_its_end_it_is_nobody(record: Record) -> None:
    assert as_enrolled(parse_machine(LEAST, Path("/etc")), record) is None


def test_commands_are_told_that_it_is_nobody(tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text(LEAST)
    with pytest.raises(NotEnrolled, match="not enrolled"):
        load_station(file)
    os.makedirs(tmp_path / "data" / FOLDER)
    (tmp_path / "data" / FOLDER / RECORD).write_bytes(encode_record(RECORD_OF_ONE))
    assert load_station(file).station == IDENTITY


def test_a_file_that_names_the_station_needs_no_identity() -> None:
    text = LEAST + 'store = "oak-street"\nstation = "till-3"\nplace = "shop"\n'
    machine: Machine = parse_machine(text, Path("/etc"))
    assert isinstance(machine, Settings)
    assert (machine.station, machine.hub.tls) == ("till-3", None)
