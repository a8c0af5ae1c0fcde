"""Our kernel modules: made for one kernel, and laid where that kernel's tools look."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from image.building.base import base_of
from image.building.kernel_module import READ, SOURCES, THROTTLED, TRYBOOT, Kernel, file_name, kernel_of, lay
from image.errors import BadInput

STATUS = """\
Package: linux-image-7.3.4+deb13-arm64
Status: install ok installed
Architecture: arm64
Source: linux-signed-arm64
Version: 7.3.4-1~bpo13+1

Package: linux-image-arm64
Status: install ok installed
Architecture: arm64
Version: 7.3.4-1~bpo13+1
"""


def test_the_headers_are_those_of_the_very_package_that_the_kernel_came_with() -> None:
    kernel = kernel_of(STATUS, "7.3.4+deb13-arm64")
    assert kernel.headers == "linux-headers-7.3.4+deb13-arm64:arm64=7.3.4-1~bpo13+1"
    with pytest.raises(BadInput, match="no package linux-image-6"):
        kernel_of(STATUS, "6.12")


@pytest.mark.parametrize("changed", READ)
def test_another_kernel_or_another_source_is_another_folder_in_the_cache(tmp_path: Path, changed: str) -> None:
    base, kernel = base_of("station"), Kernel("7.3.4+deb13-arm64", "7.3.4-1~bpo13+1")
    name = file_name(kernel, base)
    assert name == file_name(kernel, base_of("hub")), "the kernel is the same"
    assert name != file_name(Kernel(kernel.release, "7.3.4-2~bpo13+1"), base)
    shutil.copytree(SOURCES, tmp_path / "kernel")
    assert name == file_name(kernel, base, tmp_path / "kernel")
    with (tmp_path / "kernel" / changed).open("a") as source:
        source.write("\n")
    assert name != file_name(kernel, base, tmp_path / "kernel")


def test_no_source_is_forgotten() -> None:
    assert {str(each.relative_to(SOURCES)) for each in SOURCES.rglob("*") if each.is_file()} == {*READ, "COPYING"}


def test_they_lie_where_depmod_takes_them_before_any_other_and_only_those_that_are_wanted(tmp_path: Path) -> None:
    for name in (THROTTLED, TRYBOOT):
        (tmp_path / f"{name}.ko").write_text(name)
    lay(tmp_path / "root", tmp_path, Kernel("7.3.4+deb13-arm64", "7.3.4-1~bpo13+1"), [THROTTLED])
    (laid,) = (tmp_path / "root/usr/lib/modules/7.3.4+deb13-arm64/updates").iterdir()
    assert (laid.name, laid.read_text()) == ("shelfwire_throttled.ko", THROTTLED)
    assert laid.stat().st_mode & 0o777 == 0o644


def test_their_licence_lies_beside_them() -> None:
    for name in READ:
        if name != "build.sh":
            assert "SPDX-License-Identifier: GPL-2.0-only" in (SOURCES / name).read_text().splitlines()[0], name
    assert "GNU GENERAL PUBLIC LICENSE" in (SOURCES / "COPYING").read_text()
