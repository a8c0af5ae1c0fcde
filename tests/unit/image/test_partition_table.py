"""The partition table in bytes: what we write is what we read, and what other programs read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from image.building.card import assemble
from image.building.partition_table import partitions_of, tables
from image.errors import BadInput
from image.layout import MIB, ONE_SLOT, SECTOR, TWO_SLOTS, Layout

LAYOUTS = pytest.mark.parametrize("layout", [TWO_SLOTS, ONE_SLOT], ids=lambda layout: layout.name)


@LAYOUTS
def test_what_was_written_is_read(layout: Layout) -> None:
    sectors = dict(tables(layout))
    found = {(each.number, each.mbr_type, each.start, each.size) for each in partitions_of(lambda at: sectors[at])}
    assert found == {
        (each.number, each.mbr_type, each.start_mib * MIB, each.size_mib * MIB) for each in layout.partitions
    }


@LAYOUTS
@pytest.mark.needs_image
def test_sfdisk_reads_the_same(layout: Layout, tmp_path: Path) -> None:
    card = tmp_path / "card.img"
    assemble(card, layout, {})
    table = json.loads(subprocess.run(["sfdisk", "--json", card], capture_output=True, check=True).stdout)
    told = table["partitiontable"]
    assert told["id"] == "0x53574c31"
    assert {(row["node"].removeprefix(str(card)), row["start"], row["size"]) for row in told["partitions"]} == {
        (str(each.number), each.start_mib * MIB // SECTOR, each.size_mib * MIB // SECTOR) for each in layout.partitions
    }


def test_a_disk_without_a_table_is_refused() -> None:
    with pytest.raises(BadInput, match="no partition table"):
        partitions_of(lambda _: bytes(SECTOR))


def test_a_disk_of_somebody_else_is_refused() -> None:
    sector = bytearray(dict(tables(TWO_SLOTS))[0])
    sector[440:444] = b"ELSE"
    with pytest.raises(BadInput, match="signature"):
        partitions_of(lambda _: bytes(sector))
