"""Which tests a run leaves out, and that a complete run leaves out none."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

PARTS = ("mosquitto", "chromium", "faketime", "fuse", "image", "pcscd", "postgres", "root")
"""What a test may ask for with the marker `needs_<part>`."""

COMPLETE = "SHELFWIRE_COMPLETE"
"""Set to 1, nothing may be left out and a skipped test is a failed one: how CI runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--leave-out",
        action="append",
        choices=PARTS,
        default=[],
        help="deselect the tests that need this part; may be given again",
    )


def pytest_configure(config: pytest.Config) -> None:
    # An example that takes long says that others use the machine; the profile, CI's own for one, stays as it is else.
    profile = settings.get_profile(settings.get_current_profile_name())
    settings.register_profile("shelfwire", profile, deadline=None)
    settings.load_profile("shelfwire")
    # Debian keeps daemons where only root's PATH looks.
    postgres = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", *postgres])
    config.addinivalue_line("markers", "alone: measures time; the whole suite runs it with nothing beside it")
    left_out = _left_out(config)
    if left_out and _complete():
        raise pytest.UsageError(f"{COMPLETE}=1 allows nothing to be left out, but: {', '.join(left_out)}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    deselected = [item for item in items if any(item.get_closest_marker(f"needs_{part}") for part in _left_out(config))]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]


def pytest_collection() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    # What was collected stays to the end: that the collector goes through all of it again and again took a sixth of
    # the whole time. It still finds what the tests themselves leave behind.
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_setup(item: pytest.Item) -> None:
    for part in PARTS:
        if item.get_closest_marker(f"needs_{part}") and not _is_here(part):
            pytest.fail(f"{part} is not here; --leave-out={part} runs the rest", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _complete():
        report.outcome = "failed"
        report.longrepr = f"skipped, which {COMPLETE}=1 does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and _complete():
        report.outcome = "failed"
        report.longrepr = f"skipped, which {COMPLETE}=1 does not allow: {report.longrepr}"
    return report


def _left_out(config: pytest.Config) -> list[str]:
    return list(config.getoption("leave_out") or [])


def _is_here(part: str) -> bool:
    if part == "root":
        return os.geteuid() == 0
    if part == "fuse":
        return shutil.which("fusermount3") is not None and os.access("/dev/fuse", os.R_OK | os.W_OK)
    if part == "image":
        return all(
            shutil.which(each) for each in ("mcopy", "mkfs.vfat", "mksquashfs", "sfdisk", "bmaptool", "systemd-analyze")
        )
    return shutil.which(part) is not None


def _complete() -> bool:
    return os.environ.get(COMPLETE) == "1"
