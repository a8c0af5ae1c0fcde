"""The card as it is flashed: nothing overlaps, everything is where the boot files say."""

from __future__ import annotations

import itertools

import pytest

from image.layout import ONE_SLOT, TWO_SLOTS, Layout, autoboot_text, kernel_command

LAYOUTS = pytest.mark.parametrize("layout", [TWO_SLOTS, ONE_SLOT], ids=lambda layout: layout.name)


@LAYOUTS
def test_primary_partitions_follow_each_other_without_overlap(layout: Layout) -> None:
    primaries = sorted((each for each in layout.partitions if each.number <= 4), key=lambda each: each.start_mib)
    assert primaries[0].start_mib == 1
    for before, after in itertools.pairwise(primaries):
        assert after.start_mib == before.end_mib


@LAYOUTS
def test_logical_partitions_lie_inside_the_extended_one_with_room_for_their_tables(layout: Layout) -> None:
    extended = layout.partition("extended")
    logical = [each for each in layout.partitions if each.number > 4]
    at = extended.start_mib
    for each in logical:
        assert each.start_mib == at + 1
        at = each.end_mib
    assert at == extended.end_mib == layout.size_mib


@LAYOUTS
def test_the_data_partition_is_the_last_so_that_it_can_grow(layout: Layout) -> None:
    assert max(layout.partitions, key=lambda each: each.number).name == "data"


def test_numbers_and_names_are_the_ones_that_documents_and_cards_in_the_field_have() -> None:
    assert [(each.number, each.name, each.size_mib) for each in TWO_SLOTS.partitions] == [
        (1, "config", 64),
        (2, "boot-a", 192),
        (3, "boot-b", 192),
        (4, "extended", 1667),
        (5, "root-a", 768),
        (6, "root-b", 768),
        (7, "data", 128),
    ]
    assert TWO_SLOTS.root("b").partuuid == "53574c31-06"


def test_a_slot_is_started_with_its_own_root_and_told_its_name() -> None:
    words = kernel_command(TWO_SLOTS, "b").split()
    assert "root=/dev/disk/by-partuuid/53574c31-06" in words
    assert "shelfwire.slot=b" in words
    assert "systemd.volatile=state" in words
    assert "panic=10" in words


def test_the_firmware_tries_the_other_slot_once() -> None:
    assert autoboot_text(TWO_SLOTS, "a") == "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
    assert autoboot_text(TWO_SLOTS, "b") == "[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n"


def test_a_board_with_one_slot_tries_nothing() -> None:
    assert autoboot_text(ONE_SLOT, "a") == "[all]\nboot_partition=1\n"
