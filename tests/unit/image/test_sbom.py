"""The bill of materials: what dpkg and the wheels say, and nothing that changes from build to build."""

from __future__ import annotations

import json

from image.building.sbom import Component, cyclonedx, debian_packages, wheel

STATUS = """Package: libc6
Status: install ok installed
Architecture: arm64
Source: glibc
Version: 2.41-12+deb13u1
Description: GNU C Library
 Two lines of it.

Package: chrony
Status: install ok installed
Architecture: arm64
Version: 4.6.1-3

Package: nano
Status: deinstall ok config-files
Architecture: arm64
Version: 8.4-1

Package: linux-modules-x
Status: install ok installed
Architecture: arm64
Source: linux (7.3.4-1)
Version: 7.3.4-1~bpo13+1
"""


def test_installed_packages_are_listed_with_their_source_and_removed_ones_are_not() -> None:
    assert debian_packages(STATUS) == [
        Component("deb", "chrony", "4.6.1-3", "arm64", "chrony"),
        Component("deb", "libc6", "2.41-12+deb13u1", "arm64", "glibc"),
        Component("deb", "linux-modules-x", "7.3.4-1~bpo13+1", "arm64", "linux"),
    ]


def test_a_wheel_is_known_by_its_normal_name() -> None:
    assert wheel("Metadata-Version: 2.1\nName: Sqlite_Utils\nVersion: 3.38\n\ntext") == Component(
        "pypi", "sqlite-utils", "3.38"
    )


def test_the_bill_names_each_part_as_scanners_look_for_it() -> None:
    parts = [
        *debian_packages(STATUS),
        Component("pypi", "apsw", "3.54.1.0"),
        Component("generic", "our_module", "1+g2"),
    ]
    bill = json.loads(cyclonedx("shelfwire-station", "0.1.0", "c" * 40, 1_700_000_000, parts))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    urls = {row["name"]: row["purl"] for row in bill["components"]}
    assert urls["libc6"] == "pkg:deb/debian/libc6@2.41-12%2Bdeb13u1?arch=arm64&distro=debian-13"
    assert urls["apsw"] == "pkg:pypi/apsw@3.54.1.0"
    assert urls["our_module"] == "pkg:generic/our_module@1%2Bg2"
    assert bill["components"][1]["properties"] == [{"name": "debian:source", "value": "glibc"}]


def test_the_same_parts_in_another_order_give_the_same_bill_and_another_part_another() -> None:
    parts = debian_packages(STATUS)
    one = cyclonedx("s", "1", "c", 0, parts)
    assert cyclonedx("s", "1", "c", 0, parts[::-1]) == one
    other = cyclonedx("s", "1", "c", 0, parts[1:])
    assert json.loads(other)["serialNumber"] != json.loads(one)["serialNumber"]
