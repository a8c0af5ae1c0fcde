"""The recipe's own data: what it names is there, and agrees with who reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from image.building import programs
from image.building.base import KINDS, RECIPE, base_of, lines_of
from image.building.boot_partition import config_files
from image.building.building import PROGRAMS
from image.building.mirror import Mirror, found_among, named
from image.errors import Missing
from image.layout import ONE_SLOT, TWO_SLOTS
from image.system.boot_file import read_boot_file


def test_comments_and_blank_lines_are_no_packages() -> None:
    assert lines_of("# why\n\nudev\npython3  # 3.13\n") == ["udev", "python3"]


def test_a_hub_has_a_broker_and_a_station_its_devices() -> None:
    assert "mosquitto" in base_of("hub").packages
    assert "python3-evdev" in base_of("station").packages
    assert "mosquitto" not in base_of("station").packages


def test_kinds_and_recipes_are_told_apart_by_their_bases_name(tmp_path: Path) -> None:
    assert len({base_of(kind).file_name for kind in KINDS}) == len(KINDS)
    for each in RECIPE.rglob("*"):
        if each.is_file():
            (tmp_path / each.relative_to(RECIPE)).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / each.relative_to(RECIPE)).write_bytes(each.read_bytes())
    assert base_of("station", tmp_path) == base_of("station")
    (tmp_path / "ids.txt").write_text("u shelfwire 900 /\n")
    assert base_of("station", tmp_path).file_name != base_of("station").file_name


def test_the_mirror_is_only_where_packages_come_from() -> None:
    base = base_of("station")
    lines = base.sources(named("http://mirror.example/"))
    assert lines[0] == "deb http://mirror.example/debian trixie main non-free-firmware"
    assert any("/debian-security trixie-security " in line for line in lines)
    assert base.file_name == base_of("station").file_name


def test_of_the_next_release_comes_only_what_is_named() -> None:
    base = base_of("station")
    mirror = named("http://mirror.example/")
    assert base.sources(mirror) == [
        *base.own_sources(mirror),
        "deb [check-valid-until=no] http://mirror.example/debian forky main",
    ]
    assert all(" trixie" in line for line in base.own_sources(mirror))
    wanted, rest = (RECIPE / "preferences.pref").read_text().split("\n\n")
    assert "Pin-Priority: 990" in wanted
    assert rest.split("\n")[:3] == ["Package: *", "Pin: release n=forky", "Pin-Priority: -1"]


def test_unless_told_they_come_from_where_apt_has_them_here() -> None:
    told = ["http://near.example/debian/", "http://safe.example/debian-security/", "http://other.example/tools/"]
    assert found_among(told) == Mirror("http://near.example/debian", "http://safe.example/debian-security")
    assert found_among(told[:1]).of("debian-security") == "http://near.example/debian-security"
    with pytest.raises(Missing, match="--mirror"):
        found_among(["http://other.example/ubuntu/"])


def test_what_a_builder_lacks_is_said_in_one_line_that_brings_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ADMINISTRATORS", "")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing) as said:
        programs.need(PROGRAMS)
    packages = str(said.value).partition("apt-get install ")[2].split()
    assert {"mmdebstrap", "kmod", "squashfs-tools", "mtools"} <= set(packages)
    assert set(packages) == {programs.PACKAGE_OF[each] for each in PROGRAMS}


def test_numbers_of_accounts_are_given_once() -> None:
    rows = [line.split() for line in lines_of((RECIPE / "ids.txt").read_text())]
    assert len({row[1] for row in rows}) == len({row[2] for row in rows}) == len(rows)
    assert all(100 < int(row[2]) < 1000 for row in rows)


def test_the_technicians_file_says_nothing_until_somebody_writes_into_it() -> None:
    told = read_boot_file((RECIPE / "boot/shelfwire.toml").read_bytes())
    assert (told.invitation, told.time_server, told.factory_reset, told.wifi, told.ssh) == ("", "", "", None, None)


def test_what_the_technicians_file_offers_is_what_the_machine_reads() -> None:
    lines = (RECIPE / "boot/shelfwire.toml").read_text().splitlines()
    offered = "\n".join(line[1:] for line in lines if line[:2].strip("#").isalpha() or line.startswith("#["))
    for sample, real in (
        ('invitation = "0000 0000 0000 …"\n', ""),
        ('"…"', '"a password"'),
        (
            "ssh-ed25519 AAAA… name",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE6wX0T9cV5sV0m1mYfZ1m6d0hQ6oC3l6G5m5o4p9n0r ann",
        ),
    ):
        assert sample in offered
        offered = offered.replace(sample, real)
    told = read_boot_file(offered.encode())
    assert told.wifi is not None
    assert told.wifi.name == "shop"
    assert told.ssh is not None
    assert told.network.address == "192.168.1.50/24"
    assert told.factory_reset == "keep-unsent-log"


def test_only_a_card_with_two_slots_says_which_is_tried(tmp_path: Path) -> None:
    config_files(tmp_path / "two", TWO_SLOTS, None)
    config_files(tmp_path / "one", ONE_SLOT, None)
    assert sorted(each.name for each in (tmp_path / "two").iterdir()) == ["autoboot.txt", "shelfwire.toml"]
    assert [each.name for each in (tmp_path / "one").iterdir()] == ["shelfwire.toml"]
