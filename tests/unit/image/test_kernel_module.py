"""The module that asks the firmware to try a slot: made for one kernel, and laid where that kernel's tools look."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from image.building.base import base_of
from image.building.kernel_module import MODULE, SOURCES, Kernel, file_name, kernel_of, lay
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


def test_another_kernel_or_another_source_is_another_module_in_the_cache(tmp_path: Path) -> None:
    base, kernel = base_of("station"), Kernel("7.3.4+deb13-arm64", "7.3.4-1~bpo13+1")
    name = file_name(kernel, base)
    assert name == file_name(kernel, base_of("hub")), "the kernel is the same"
    assert name != file_name(Kernel(kernel.release, "7.3.4-2~bpo13+1"), base)
    shutil.copytree(SOURCES, tmp_path / "tryboot")
    assert name == file_name(kernel, base, tmp_path / "tryboot")
    with (tmp_path / "tryboot" / f"{MODULE}.c").open("a") as source:
        source.write("\n")
    assert name != file_name(kernel, base, tmp_path / "tryboot")


def test_it_lies_where_depmod_takes_it_before_any_other(tmp_path: Path) -> None:
    made = tmp_path / "made.ko"
    made.write_bytes(b"\x7fELF")
    lay(tmp_path / "root", made, Kernel("7.3.4+deb13-arm64", "7.3.4-1~bpo13+1"))
    laid = tmp_path / "root/usr/lib/modules/7.3.4+deb13-arm64/updates/shelfwire_tryboot.ko"
    assert laid.read_bytes() == b"\x7fELF"
    assert laid.stat().st_mode & 0o777 == 0o644


def test_its_licence_lies_beside_it() -> None:
    for name in (f"{MODULE}.c", "Kbuild"):
        assert "SPDX-License-Identifier: GPL-2.0-only" in (SOURCES / name).read_text().splitlines()[0], name
    assert "GNU GENERAL PUBLIC LICENSE" in (SOURCES / "COPYING").read_text()
