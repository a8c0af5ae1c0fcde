"""What a store acknowledged is there after any power cut: all our stores on a disk that forgets what was not synced."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.power import campaign
from tests.power.campaign import STORES, Campaign
from tests.stand_ins.forgetful.client import ForgetfulDisk
from tests.stand_ins.forgetful.disk import Keep

pytestmark = pytest.mark.needs_fuse

CUTS = 40
PROVING_CUTS = 10


@pytest.fixture
def seed() -> int:
    """Random moments, the same again with SHELFWIRE_SEED; what threads make of them is not."""
    seed = int(os.environ.get("SHELFWIRE_SEED") or secrets.randbits(32))
    print(f"SHELFWIRE_SEED={seed}")
    return seed


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[ForgetfulDisk]:
    with ForgetfulDisk(tmp_path / "disk") as disk:
        yield disk


@pytest.mark.parametrize("store", STORES)
def test_no_cut_loses_what_a_store_acknowledged(store: str, seed: int) -> None:
    tally = Campaign(STORES[store], seed).run(CUTS)
    print(f"{store}: {tally}")
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.cuts == CUTS
    assert tally.acknowledged > CUTS, "the cuts came before anything was acknowledged"
    assert tally.lost == tally.cuts_that_lost == 0


# That the disk does forget, so that the test above can fail


def test_sqlite_that_does_not_sync_every_commit_loses_what_it_acknowledged(seed: int) -> None:
    tally = Campaign("tests.power.stores.careless", seed, is_plain=True).run(PROVING_CUTS)
    assert tally.cuts_that_lost > PROVING_CUTS // 2
    assert tally.lost >= tally.cuts_that_lost
    assert tally.faults


def test_a_file_synced_in_a_folder_that_is_not_vanishes(seed: int) -> None:
    tally = Campaign("tests.power.stores.nameless", seed).run(PROVING_CUTS)
    assert tally.cuts_that_lost
    assert tally.faults


def test_a_store_that_does_not_open_again_is_a_fault(seed: int) -> None:
    tally = Campaign("tests.power.stores.unreadable", seed, is_plain=True).run(1)
    assert "cannot be read" in "".join(tally.faults)


def test_a_look_that_took_too_long_is_no_finding_and_is_made_again(seed: int) -> None:
    tally = Campaign("tests.power.stores.dawdling", seed, is_plain=True).run(2)
    assert (tally.faults, tally.lost, tally.unreadable, len(tally.late)) == ([], 0, 0, 2)
    assert all("it got no further than half; load" in late for late in tally.late)


def test_a_store_that_no_look_comes_to_the_end_of_is_a_fault(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "LOOKS", 1)
    told: list[str] = []
    tally = Campaign("tests.power.stores.dawdling", seed, is_plain=True, tell=told.append).run(1)
    assert tally.unreadable == len(tally.faults) == 1
    assert "it got no further than half" in tally.faults[0]
    assert told == tally.faults + tally.late


# What the mounted disk is like


def test_it_is_a_file_system_like_any_other_until_it_is_cut(disk: ForgetfulDisk) -> None:
    disk.load()
    (disk.folder / "inner").mkdir()
    file = disk.folder / "inner" / "file"
    file.write_bytes(b"abc")
    with file.open("r+b") as open_file:
        open_file.seek(5000)
        open_file.write(b"z")
        open_file.truncate(5002)
        file.rename(file.with_name("other"))
        open_file.seek(0)
        assert open_file.read() == b"abc" + bytes(4997) + b"z\0"
    with (disk.folder / "inner" / "other").open("rb") as open_file:
        (disk.folder / "inner" / "other").unlink()
        assert open_file.read(3) == b"abc"
        assert not list((disk.folder / "inner").glob("other"))
    (disk.folder / "inner").rmdir()
    assert not list(disk.folder.iterdir())


def test_from_the_cut_on_nothing_lands_any_more(disk: ForgetfulDisk, tmp_path: Path) -> None:
    disk.load()
    with (disk.folder / "file").open("wb", buffering=0) as file:
        file.write(b"before")
        os.fsync(file.fileno())
        sync_folder(disk.folder)
        file.write(b" unsynced")
        disk.cut()
        with pytest.raises(OSError, match="Input/output error"):
            file.write(b" after")
        with pytest.raises(OSError, match="Input/output error"):
            os.fsync(file.fileno())
        disk.revive(Keep.NOTHING, 1, tmp_path / "copy")
        with pytest.raises(OSError, match="Input/output error"):  # the file was opened before
            file.write(b" later")
    assert (tmp_path / "copy" / "file").read_bytes() == b"before"
    assert (disk.folder / "file").read_bytes() == b"before"


def test_programs_that_die_lose_nothing_but_it_is_no_more_durable_for_that(disk: ForgetfulDisk, tmp_path: Path) -> None:
    disk.load()
    (disk.folder / "file").write_bytes(b"unsynced")
    disk.cut()
    disk.spare()
    assert (disk.folder / "file").read_bytes() == b"unsynced"
    disk.cut()
    disk.revive(Keep.NOTHING, 1, tmp_path / "copy")
    assert not list((tmp_path / "copy").iterdir())


def test_the_cut_comes_in_place_of_the_change_it_was_armed_for(disk: ForgetfulDisk) -> None:
    disk.load()
    with (disk.folder / "file").open("wb", buffering=0) as file:
        disk.arm(2)
        file.write(b"one")
        os.fsync(file.fileno())
        with pytest.raises(OSError, match="Input/output error"):
            file.write(b"two")
    cut = disk.cut()
    assert (cut.changes, cut.during) == (3, "write /file")


def test_what_a_program_mapped_into_memory_is_written_too(disk: ForgetfulDisk) -> None:
    disk.load()
    connection = sqlite3.connect(disk.folder / "mapped.db")
    connection.execute("PRAGMA journal_mode = WAL")  # its index is a file that both connections map
    connection.execute("CREATE TABLE t (x)")
    other = sqlite3.connect(disk.folder / "mapped.db")
    connection.execute("INSERT INTO t VALUES (1)")
    connection.commit()
    assert other.execute("SELECT x FROM t").fetchall() == [(1,)]
    other.close()
    connection.close()


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)
