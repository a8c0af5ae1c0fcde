"""What the lab is run on and where its figures go: the image, a folder on a disk, and the record in docs/lab.md."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.lab.bundles import Workshop
from tests.lab.station import Station

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "lab.md"
IMAGE: Final = "SHELFWIRE_IMAGE"
"""Which image is run; tools/lab names the newest one that was built."""
IMAGE_PI3: Final = "SHELFWIRE_IMAGE_PI3"
"""The same for the Raspberry Pi 3, whose card is laid out in another way."""
IMAGE_HUB: Final = "SHELFWIRE_IMAGE_HUB"
KEEP: Final = "SHELFWIRE_LAB_RECORD"
"""Set to 1, what was measured is written into the page."""
FIGURES = pytest.StashKey[dict[str, str]]()
Record = Callable[[str, object], None]

_CELL: Final = r"[ ]*(?P<{}>[^|\n]*?)[ ]*\|"
_ROW: Final = re.compile(r"^\|" + "".join(map(_CELL.format, ("what", "must", "was", "on"))) + "$", re.MULTILINE)


@pytest.fixture(scope="session")
def image() -> Path:
    """The image under test, as it would be flashed."""
    return _named(IMAGE, "`make lab` does that")


@pytest.fixture(scope="session")
def image_pi3() -> Path:
    """The image of a Raspberry Pi 3."""
    return _named(IMAGE_PI3, "`make image ARGS='--board pi3-zero2w --keep-card'` makes one for `make lab`")


@pytest.fixture(scope="session")
def image_hub() -> Path:
    """The image of a hub."""
    return _named(IMAGE_HUB, "`make image ARGS='--kind hub --keep-card'` makes one for `make lab`")


def _named(variable: str, how: str) -> Path:
    named = os.environ.get(variable, "")
    if not named or not Path(named).exists():
        pytest.fail(f"{variable} names no image; {how}", pytrace=False)
    return Path(named).resolve()


@pytest.fixture(scope="module")
def workshop(image: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Makes bundles of the image under test."""
    made = Workshop(image, tmp_path_factory.mktemp("bundles") / "workshop")
    yield made
    made.close()


@pytest.fixture
def station(image: Path, tmp_path: Path) -> Station:
    """A station with a card fresh from the image."""
    return Station(image, tmp_path / "station")


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Write down a figure by the name that it has in docs/lab.md."""
    figures = request.config.stash.setdefault(FIGURES, {})

    def write(what: str, was: object) -> None:
        figures[what] = str(was)
        print(f"lab: {what}: {was}")

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash.get(FIGURES, {})
    if not figures:
        return
    terminalreporter.section("lab")
    for what, was in figures.items():
        terminalreporter.write_line(f"{what}: {was}")
    if os.environ.get(KEEP) == "1":
        PAGE.write_text(recorded(PAGE.read_text("utf-8"), figures, dt.datetime.now(dt.UTC).date()), "utf-8")


def recorded(page: str, figures: dict[str, str], day: dt.date) -> str:
    """Put figures into the page's table, each into the row of its name; `KeyError` for one that has no row."""
    left = dict(figures)

    def row(found: re.Match[str]) -> str:
        was = left.pop(found["what"], None)
        return found[0] if was is None else f"| {found['what']} | {found['must']} | {was} | {day} |"

    page = _ROW.sub(row, page)
    if left:
        raise KeyError(f"docs/lab.md has no row for {', '.join(left)}")
    return page
