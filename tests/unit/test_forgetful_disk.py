"""What a power cut leaves on the disk that the stores are tried on: the rules, without mounting it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.stand_ins.forgetful.disk import File, Folder, Keep, Truncate, Write, read_folder, settle, write_folder

DICE = random.Random(1)


def folder_of(**files: bytes) -> Folder:
    """A folder whose files are all durable."""
    folder = Folder()
    for name, content in files.items():
        file = File()
        file.change(Write(0, content))
        folder.change({name: file})
    settle(folder)
    return folder


def file_in(folder: Folder, name: str) -> File:
    file = folder.entries[name]
    assert isinstance(file, File)
    return file


def contents(folder: Folder) -> dict[str, bytes]:
    return {name: bytes(node.content) for name, node in folder.entries.items() if isinstance(node, File)}


def test_what_was_synced_stays_and_what_was_not_goes() -> None:
    folder = folder_of(a=b"one")
    file_in(folder, "a").change(Write(3, b" two"))
    file_in(folder, "a").sync()
    file_in(folder, "a").change(Write(0, b"ONE"))
    assert contents(folder) == {"a": b"ONE two"}
    folder.cut(Keep.NOTHING, DICE)
    assert contents(folder) == {"a": b"one two"}


def test_a_file_is_truncated_only_once_that_is_synced() -> None:
    folder = folder_of(a=b"abcdef", b=b"abcdef")
    for name in "ab":
        file_in(folder, name).change(Truncate(2))
    file_in(folder, "b").sync()
    folder.cut(Keep.NOTHING, DICE)
    assert contents(folder) == {"a": b"abcdef", "b": b"ab"}


def test_a_new_file_is_gone_unless_its_folder_was_synced_whatever_was_done_to_the_file() -> None:
    folder = Folder()
    for name in ("nameless", "named"):
        file = File()
        folder.change({name: file})
        file.change(Write(0, b"x"))
        file.sync()
        if name == "nameless":
            folder.entries, left = dict(folder.entries), folder.changes
            left.clear()
    folder.sync()
    folder.cut(Keep.NOTHING, DICE)
    assert contents(folder) == {"named": b"x"}


def test_a_synced_folder_names_a_file_and_says_nothing_of_what_is_in_it() -> None:
    folder, file = Folder(), File()
    folder.change({"a": file})
    file.change(Write(0, b"x"))
    folder.sync()
    folder.cut(Keep.NOTHING, DICE)
    assert contents(folder) == {"a": b""}


def test_an_unsynced_removal_and_an_unsynced_renaming_are_undone() -> None:
    folder = folder_of(a=b"a", b=b"b", c=b"c")
    folder.change({"a": None})
    folder.change({"b": None, "c": file_in(folder, "b")})
    assert contents(folder) == {"c": b"b"}
    folder.cut(Keep.NOTHING, DICE)
    assert contents(folder) == {"a": b"a", "b": b"b", "c": b"c"}


def test_a_folder_that_goes_takes_what_is_in_it() -> None:
    root, inner = Folder(), folder_of(a=b"a")
    root.change({"inner": inner})
    root.cut(Keep.NOTHING, DICE)
    assert not root.entries


@pytest.mark.parametrize("seed", range(200))
def test_of_what_was_not_synced_a_part_may_stay_block_by_block_in_any_order(seed: int) -> None:
    dice = random.Random(seed)
    folder = folder_of(a=bytes(3 * 4096))
    file = file_in(folder, "a")
    stages = [bytes(file.content)]
    for number in range(1, 6):
        offset = dice.randrange(3 * 4096)
        file.change(Write(offset, bytes([number]) * dice.randrange(1, 6000)))
        stages.append(bytes(file.content))
    folder.cut(Keep.SOME, dice)
    left = contents(folder)["a"]
    assert len(left) in {len(stage) for stage in stages}
    for at in range(0, len(left), 512):
        block = left[at : at + 512]
        assert any(stage[at : at + 512].ljust(512, b"\0")[: len(block)] == block for stage in stages)


def test_such_parts_are_now_all_now_nothing_and_mostly_something_that_never_was_on_the_disk() -> None:
    outcomes: set[bytes] = set()
    for seed in range(300):
        folder = folder_of(a=b"-" * 1024)
        file_in(folder, "a").change(Write(0, b"x" * 1024))
        folder.cut(Keep.SOME, random.Random(seed))
        outcomes.add(contents(folder)["a"])
    whole, half = b"-" * 1024, b"-" * 512
    assert outcomes == {whole, b"x" * 1024, half + b"x" * 512, b"x" * 512 + half}


def test_of_changed_names_a_part_may_stay_and_a_renaming_is_never_half_done() -> None:
    outcomes: set[frozenset[str]] = set()
    for seed in range(200):
        folder = folder_of(a=b"a")
        folder.change({"b": File()})
        folder.change({"a": None, "c": file_in(folder, "a")})
        folder.cut(Keep.SOME, random.Random(seed))
        outcomes.add(frozenset(folder.entries))
    assert outcomes == {frozenset(names) for names in ("a", "ab", "c", "bc")}


def test_what_is_left_can_be_copied_out_and_in(tmp_path: Path) -> None:
    folder = folder_of(a=b"a")
    folder.change({"inner": folder_of(b=b"b")})
    write_folder(folder, tmp_path / "copy")
    assert (tmp_path / "copy" / "inner" / "b").read_bytes() == b"b"
    again = read_folder(tmp_path / "copy")
    again.cut(Keep.NOTHING, DICE)
    assert contents(again) == {"a": b"a"}
    assert set(again.entries) == {"a", "inner"}
