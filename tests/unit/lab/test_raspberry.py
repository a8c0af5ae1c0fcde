"""What the emulated Raspberry Pi 3 is started with: device tree and initrd, read again by others' programs."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.lab.raspberry import BOARD, archive, flattened, programs_of


def test_a_tree_is_flattened_as_the_specification_draws_it() -> None:
    tree = flattened({"model": "Pi", "cells": [1, 2], "always-on": None, "soc": {"reg": [7]}})
    magic, whole, words_at, names_at, _reserved, version, _, _, names, words = struct.unpack(">10I", tree[:40])
    assert (magic, whole, version) == (0xD00DFEED, len(tree), 17)
    assert tree[names_at : names_at + names] == b"model\0cells\0always-on\0reg\0"
    assert tree[words_at : words_at + words] == (
        struct.pack(">I4x", 1)
        + struct.pack(">III", 3, 3, 0) + b"Pi\0\0"
        + struct.pack(">IIIII", 3, 8, 6, 1, 2)
        + struct.pack(">III", 3, 0, 12)
        + struct.pack(">I4s", 1, b"soc")
        + struct.pack(">IIII", 3, 4, 22, 7)
        + struct.pack(">III", 2, 2, 9)
    )  # fmt: skip


def test_the_board_has_the_mailbox_and_who_speaks_through_it() -> None:
    tree = flattened(BOARD)
    assert b"raspberrypi,bcm2835-firmware\0" in tree
    assert b"brcm,bcm2835-mbox\0" in tree


def test_an_initrd_has_folders_before_what_is_in_them() -> None:
    packed, found, at = archive({"init": b"#!/bin/sh\n", "usr/bin/dash": b"\x7fELF" + bytes(7)}), [], 0
    while at < len(packed):
        assert packed[at : at + 6] == b"070701"
        fields = [int(packed[at + 6 + 8 * each : at + 14 + 8 * each], 16) for each in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        data_at = at + -(-(110 + length) // 4) * 4
        found.append((packed[at + 110 : at + 109 + length].decode(), oct(mode), packed[data_at : data_at + size]))
        at = data_at + -(-size // 4) * 4
    assert found == [
        ("usr", "0o40755", b""),
        ("usr/bin", "0o40755", b""),
        ("init", "0o100755", b"#!/bin/sh\n"),
        ("usr/bin/dash", "0o100755", b"\x7fELF" + bytes(7)),
        ("TRAILER!!!", "0o0", b""),
    ]


def test_a_program_that_is_not_in_the_root_is_missed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        programs_of(tmp_path, ["usr/bin/dash"])
