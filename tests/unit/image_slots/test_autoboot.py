"""What is read out of `autoboot.txt`, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from image.layout import SLOTS, Slot
from image.slots.autoboot import MAX_BYTES, other_slot, read_autoboot, write_autoboot


@pytest.mark.parametrize("slot", SLOTS)
def test_what_is_written_is_read_and_fits_the_firmware(slot: Slot) -> None:
    assert read_autoboot(write_autoboot(slot)) == slot
    assert len(write_autoboot(slot)) <= MAX_BYTES


def test_the_other_slot_is_the_one_tried() -> None:
    assert write_autoboot("a") == b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
    assert other_slot("a") == "b"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"\xff\xfe rubbish",
        b"[all]\nboot_partition=2\n[tryboot]\nboot_partition=3\n",
        b"[all]\ntryboot_a_b=1\nboot_partition=2\n",
        b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=2\n",
        b"[all]\ntryboot_a_b=1\nboot_partition=7\n[tryboot]\nboot_partition=3\n",
        b"[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_par",
        b"#" * 600 + write_autoboot("a"),
    ],
)
def test_what_does_not_say_both_slots_says_nothing(data: bytes) -> None:
    assert read_autoboot(data) is None


def test_comments_spaces_and_other_line_ends_do_no_harm() -> None:
    text = b"# by hand\r\n[all]\r\ntryboot_a_b=1\r\nboot_partition = 3\r\n\r\n[tryboot]\r\nboot_partition=2\r\n"
    assert read_autoboot(text) == "b"


@given(st.binary(max_size=600))
def test_rubbish_never_raises(data: bytes) -> None:
    assert read_autoboot(data) in (None, "a", "b")


@given(st.sampled_from(SLOTS), st.integers(0, 200), st.integers(0, 255))
def test_a_spoilt_byte_never_names_the_other_slot(slot: Slot, at: int, value: int) -> None:
    data = bytearray(write_autoboot(slot))
    data[at % len(data)] = value
    assert read_autoboot(bytes(data)) in (None, slot)
