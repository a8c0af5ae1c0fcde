"""The authority's folder kept a second time: never half there, never open to others, never mixed with another."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path

import pytest

from hub.errors import TryAgain
from hub.folder_copy import copy_on, keep_folder, put_folder_back
from protocol.identity import StoreId
from provisioning.authority_folder import FOLDER, load_authority, make_authority

STORE = StoreId("oak-street")
NOW_US = 1_800_000_000_000_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A hub's folder, with an authority, and a medium beside it."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "medium").mkdir()
    make_authority(data, STORE, NOW_US, secrets.token_bytes)
    return data


@pytest.fixture
def copy(data: Path) -> Path:
    return copy_on(data.parent / "medium", STORE)


def test_a_lost_authority_comes_back_and_signs(data: Path, copy: Path) -> None:
    before = load_authority(data, STORE)
    assert keep_folder(data / FOLDER, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in copy.iterdir()} == {0o600}
    shutil.rmtree(data / FOLDER)
    assert put_folder_back(copy, data / FOLDER)
    after = load_authority(data, STORE)
    assert (after.fingerprint, after.issuing) == (before.fingerprint, before.issuing)
    assert not put_folder_back(copy, data / FOLDER)


def test_one_that_changes_takes_the_place_of_the_one_before_and_one_that_is_lost_does_not(
    data: Path, copy: Path
) -> None:
    keep_folder(data / FOLDER, copy)
    first = load_authority(data, STORE).fingerprint
    inode = copy.stat().st_ino
    keep_folder(data / FOLDER, copy)
    assert copy.stat().st_ino == inode
    shutil.rmtree(data / FOLDER)
    assert keep_folder(data / FOLDER, copy)
    make_authority(data, STORE, NOW_US, secrets.token_bytes)
    assert load_authority(data, STORE).fingerprint != first
    keep_folder(data / FOLDER, copy)
    assert sorted(os.listdir(copy.parent)) == [copy.name]
    assert (copy / "root.pem").read_bytes() == (data / FOLDER / "root.pem").read_bytes()
    # What is there is never mixed with what was kept.
    other = make_authority(data.parent, STORE, NOW_US, secrets.token_bytes)
    assert not put_folder_back(copy, data.parent / FOLDER)
    assert load_authority(data.parent, STORE).fingerprint == other.fingerprint


@pytest.mark.parametrize("cut", ["while written", "between the renames", "before the old one was removed"])
def test_a_power_cut_leaves_one_whole_copy(data: Path, copy: Path, cut: str) -> None:
    keep_folder(data / FOLDER, copy)
    fingerprint = load_authority(data, STORE).fingerprint
    aside = copy.with_name(f"{copy.name}.before")
    if cut == "while written":
        copy.with_name(f"{copy.name}.part").mkdir()
    elif cut == "between the renames":
        copy.rename(aside)
        shutil.copytree(data / FOLDER, copy.with_name(f"{copy.name}.part"))
    else:
        shutil.copytree(copy, aside)
    kept = shutil.move(data / FOLDER, data / "elsewhere")
    assert put_folder_back(copy, data / FOLDER)
    assert load_authority(data, STORE).fingerprint == fingerprint
    shutil.rmtree(data / FOLDER)
    shutil.move(kept, data / FOLDER)
    assert keep_folder(data / FOLDER, copy)
    shutil.rmtree(copy.with_name(f"{copy.name}.part"), ignore_errors=True)
    assert os.listdir(copy.parent) == [copy.name]


def test_a_medium_that_is_not_there_and_a_folder_of_something_else_are_told(data: Path, copy: Path) -> None:
    copy.parent.rmdir()
    with pytest.raises(TryAgain, match="not kept"):
        keep_folder(data / FOLDER, copy)
    copy.parent.mkdir()
    (data / FOLDER / "film.mkv").write_bytes(b"x" * 100_000)
    with pytest.raises(TryAgain, match="larger"):
        keep_folder(data / FOLDER, copy)
    (data / FOLDER / "film.mkv").unlink()
    (data / FOLDER / "passwd").symlink_to("/etc/passwd")
    with pytest.raises(TryAgain):
        keep_folder(data / FOLDER, copy)
    assert not copy.exists()
