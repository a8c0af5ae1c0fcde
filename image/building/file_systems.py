"""The file systems of a card, each made into a file without mounting anything, the same bytes from the same tree."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from image.building.programs import call
from image.errors import NotFit
from image.layout import MIB, Partition

_DATA_UUID = "5357da7a-0000-4000-8000-53574c310007"
_HASH_SEED = "5357da7a-0000-4000-8000-53574c31a5ed"


def fat(target: Path, label: str, size_mib: int, folder: Path, epoch: int) -> None:
    """Make `target` a FAT32 of `size_mib` with what lies in `folder`, in order of names, all of the same time.

    NotFit if it is not large enough.
    """
    target.unlink(missing_ok=True)
    serial = f"{sum(label.encode()) * 0x9E3779B1 & 0xFFFFFFFF:08x}"
    with target.open("wb") as file:
        file.truncate(size_mib * MIB)
    call(
        [
            "mkfs.vfat",
            "--invariant",
            "-F",
            "32",
            "-s",
            "1" if size_mib <= 64 else "4",
            "-i",
            serial,
            "-n",
            label,
            target,
        ]
    )
    files = sorted(each for each in folder.rglob("*"))
    needed = sum(each.stat().st_size for each in files if each.is_file())
    if needed > (size_mib - 2) * MIB:
        raise NotFit(f"{label}: {needed // MIB} MiB of files for {size_mib} MiB")
    environment = {"SOURCE_DATE_EPOCH": str(epoch), "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": os.devnull}
    for each in files:
        os.utime(each, (epoch, epoch))
        inside = f"::{each.relative_to(folder)}"
        if each.is_dir():
            call(["mmd", "-i", target, inside], environment=environment)
        else:
            call(["mcopy", "-m", "-i", target, each, inside], environment=environment)


def ext4(target: Path, partition: Partition, epoch: int) -> None:
    """Make `target` an empty ext4 that can grow to any card's size: whoever boots first makes the folders in it.

    Blocks of 4 KiB although it starts small, room to grow to 128 GiB without moving anything, a journal that fits a
    card, and no work put off to the first mount.
    """
    target.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        os.chmod(empty, 0o755)  # noqa: S103 - the root of the data partition: everybody finds their own folder in it
        os.utime(empty, (epoch, epoch))
        call(
            [
                "mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-i", "16384", "-m", "1", "-J", "size=16",
                "-O", "metadata_csum,64bit,^metadata_csum_seed,^orphan_file",
                "-U", _DATA_UUID, "-L", partition.label, "-e", "remount-ro",
                "-E", f"hash_seed={_HASH_SEED},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0,nodiscard",
                "-d", empty, target, f"{partition.size_mib}M",
            ],
            environment={"E2FSPROGS_FAKE_TIME": str(epoch)},
        )  # fmt: skip


def squashfs(target: Path, tree: Path, epoch: int, *, quick: bool, limit_mib: int) -> None:
    """Make `target` of `tree`. NotFit if it is larger than `limit_mib`."""
    target.unlink(missing_ok=True)
    call(
        [
            "mksquashfs", tree, target, "-noappend", "-no-progress", "-quiet", "-no-xattrs",
            "-comp", "zstd", "-Xcompression-level", "3" if quick else "15", "-b", "256K",
        ],
        # No time in it is later than this. Those before it stay: Debian's compiled Python is checked by them.
        environment={"SOURCE_DATE_EPOCH": str(epoch)},
    )  # fmt: skip
    if (size := target.stat().st_size) > limit_mib * MIB:
        raise NotFit(f"root squashfs: {size // MIB} MiB, the limit is {limit_mib}")


def copy_sparsely(source: Path, target: Path, at: int) -> None:
    """Write `source` into `target` from byte `at` on, leaving holes where it is all zeros."""
    zeros = bytes(64 * 1024)
    with source.open("rb") as reading, target.open("r+b") as writing:
        while block := reading.read(len(zeros)):
            if block != zeros[: len(block)]:
                writing.seek(at)
                writing.write(block)
            at += len(block)


def rid_of(folder: Path) -> None:
    """Remove `folder` with all in it."""
    shutil.rmtree(folder, ignore_errors=True)
