"""A file on a stick is there whole or not at all."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from shelfwire.stick import whole_file


def test_it_stands_there_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"the last one")
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"the last one"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, OSError])
def test_whatever_goes_wrong_leaves_what_was_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"the last one")

    def write() -> None:
        with whole_file(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        write()
    assert path.read_bytes() == b"the last one"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_power_cut_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".log.jsonl.part").write_bytes(b"half of something longer")
    with whole_file(tmp_path / "log.jsonl") as file:
        file.write(b"new")
    assert (tmp_path / "log.jsonl").read_bytes() == b"new"


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / ".log.jsonl.part", os.O_CREAT | os.O_WRONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(OSError, match="another process"), whole_file(tmp_path / "log.jsonl"):
            pass
    finally:
        os.close(descriptor)
    assert not (tmp_path / "log.jsonl").exists()


def test_only_a_plain_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"somebody's")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / ".trap.part").symlink_to(target)
    for name in ("folder", "link", "pipe", "trap"):
        with pytest.raises(OSError, match=r"no plain file|symbolic links"), whole_file(tmp_path / name) as file:
            file.write(b"x")
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "absent" / "log"):
        pass
    assert target.read_bytes() == b"somebody's"
