"""The data partition takes the rest of the card, by the real sfdisk on the real table in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from image.errors import BadInput
from image.layout import MIB, ONE_SLOT, SECTOR, TWO_SLOTS, Layout
from image.system.growing import grow_table, run, to_grow

pytestmark = pytest.mark.needs_image

pytestmark = pytest.mark.needs_image

CARD_MIB = 4096


@pytest.fixture(params=[TWO_SLOTS, ONE_SLOT], ids=["two-slots", "one-slot"])
def layout(request: pytest.FixtureRequest) -> Layout:
    assert isinstance(request.param, Layout)
    return request.param


@pytest.fixture
def card(tmp_path: Path, layout: Layout) -> Path:
    """A card as it is flashed, larger than the image: sparse, so it takes no room."""
    path = tmp_path / "card"
    with path.open("wb") as file:
        file.truncate(CARD_MIB * MIB)
    lines = [
        f"{path}{one.number} : start={one.start_mib * MIB // SECTOR}, size={one.size_mib * MIB // SECTOR},"
        f" type={one.mbr_type:x}"
        for one in layout.partitions
    ]
    run(("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", str(path)), "label: dos\n" + "\n".join(lines) + "\n")
    return path


def table(card: Path) -> dict[int, tuple[int, int]]:
    """Start and size in MiB of each partition."""
    said = json.loads(run(("sfdisk", "--json", str(card))))["partitiontable"]["partitions"]
    prefix = len(str(card))
    return {int(one["node"][prefix:]): (one["start"] * SECTOR // MIB, one["size"] * SECTOR // MIB) for one in said}


def test_it_reaches_the_end_of_the_card_and_begins_where_it_began(card: Path, layout: Layout) -> None:
    data = layout.partition("data")
    before = table(card)
    assert before[data.number] == (data.start_mib, data.size_mib)
    assert grow_table(card, CARD_MIB * MIB // SECTOR, data.number)
    after = table(card)
    assert after[data.number][0] == data.start_mib
    assert sum(after[data.number]) >= CARD_MIB - 2
    assert {n: one for n, one in after.items() if n not in (4, data.number)} == {
        n: one for n, one in before.items() if n not in (4, data.number)
    }
    assert not grow_table(card, CARD_MIB * MIB // SECTOR, data.number), "once is enough"


def test_a_power_cut_between_the_two_changes_is_made_good(card: Path, layout: Layout) -> None:
    data = layout.partition("data")
    changes = 0

    def cut(command: tuple[str, ...], given: str = "") -> str:
        nonlocal changes
        changes += "-N" in command
        if changes == 2:
            raise KeyboardInterrupt
        return run(command, given)

    with pytest.raises(KeyboardInterrupt):
        grow_table(card, CARD_MIB * MIB // SECTOR, data.number, cut)
    assert table(card)[data.number] == (data.start_mib, data.size_mib)
    assert grow_table(card, CARD_MIB * MIB // SECTOR, data.number)
    assert sum(table(card)[data.number]) >= CARD_MIB - 2


def test_a_partition_that_is_not_the_last_is_left_alone(card: Path) -> None:
    said = run(("sfdisk", "--json", str(card)))
    with pytest.raises(BadInput, match="not the last"):
        to_grow(said, CARD_MIB * MIB // SECTOR, 5)
    with pytest.raises(BadInput, match="no partition 9"):
        to_grow(said, CARD_MIB * MIB // SECTOR, 9)
    with pytest.raises(BadInput, match="no partition table"):
        to_grow("{}", 1, 1)
