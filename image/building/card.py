"""A whole card as one file: the table, the file systems in their places, and how it is packed for flashing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from image.building.file_systems import copy_sparsely
from image.building.partition_table import tables
from image.building.programs import call
from image.errors import NotFit
from image.layout import MIB, Layout

PACKED_LIMIT_MIB = 350
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Packed:
    """The files that are handed out."""

    image: Path  # .img.xz
    bmap: Path
    checksum: Path


def assemble(target: Path, layout: Layout, contents: dict[str, Path]) -> None:
    """Make `target` the card with `contents` (by the partition's name). NotFit if one is larger than its partition."""
    target.unlink(missing_ok=True)
    with target.open("wb") as file:
        file.truncate(layout.size_mib * MIB)
        for offset, sector in tables(layout):
            file.seek(offset)
            file.write(sector)
    for name, source in contents.items():
        partition = layout.partition(name)
        if (size := source.stat().st_size) > partition.size_mib * MIB:
            raise NotFit(f"{name}: {size} bytes do not fit its {partition.size_mib} MiB")
        copy_sparsely(source, target, partition.start_mib * MIB)


def pack(card: Path, *, keep: bool = False) -> Packed:
    """Compress `card`, with a block map and a checksum beside it; the card itself goes unless it is kept."""
    bmap = card.with_suffix(card.suffix + ".bmap")
    bmap.write_text(block_map(card))
    packed = card.with_suffix(card.suffix + ".xz")
    # Of one size whatever the number of processors: each block of 32 MiB is compressed by itself.
    # Half of it is holes, the other packed already: -3 saves one part in two hundred and takes twice the time.
    call(["xz", "--force", "--keep", "-T", "0", "--block-size=32MiB", "-0", card])
    if (size := packed.stat().st_size) > PACKED_LIMIT_MIB * MIB:
        raise NotFit(f"{packed.name}: {size // MIB} MiB, the limit is {PACKED_LIMIT_MIB}")
    with packed.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    checksum = packed.with_suffix(packed.suffix + ".sha256")
    checksum.write_text(f"{digest}  {packed.name}\n")
    if not keep:
        card.unlink()
    return Packed(packed, bmap, checksum)


def block_map(card: Path) -> str:
    """Give the block map (bmap-tools' format 2.0) by which only what is not empty need be written.

    Which blocks are mapped follows from the bytes alone, not from how this machine's disk happens to hold the file.
    """
    size = card.stat().st_size
    blocks = -(-size // _BLOCK)
    ranges: list[tuple[int, int, str]] = []
    with card.open("rb") as file:
        first, digest = -1, hashlib.sha256()
        zeros = bytes(_BLOCK)
        for number, data in _blocks(file.fileno(), size):
            if data is not None and data != zeros[: len(data)]:
                if first < 0:
                    first, digest = number, hashlib.sha256()
                digest.update(data)
            elif first >= 0:
                ranges.append((first, number - 1, digest.hexdigest()))
                first = -1
        if first >= 0:
            ranges.append((first, blocks - 1, digest.hexdigest()))
    mapped = sum(last - first + 1 for first, last, _ in ranges)
    rows = "\n".join(
        f'        <Range chksum="{digest}"> {first}-{last} </Range>'
        if last > first
        else f'        <Range chksum="{digest}"> {first} </Range>'
        for first, last, digest in ranges
    )
    text = f"""<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize> {size} </ImageSize>
    <BlockSize> {_BLOCK} </BlockSize>
    <BlocksCount> {blocks} </BlocksCount>
    <MappedBlocksCount> {mapped} </MappedBlocksCount>
    <ChecksumType> sha256 </ChecksumType>
    <BmapFileChecksum> {"0" * 64} </BmapFileChecksum>
    <BlockMap>
{rows}
    </BlockMap>
</bmap>
"""
    # The map's own checksum is taken with zeros in its place.
    return text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest(), 1)


def _blocks(file: int, size: int) -> Iterator[tuple[int, bytes | None]]:
    """Give each block's number and bytes; of a hole only its first, with None."""
    at = 0
    while at < size:
        try:
            data = os.lseek(file, at, os.SEEK_DATA) // _BLOCK * _BLOCK
        except OSError:  # nothing but a hole is left
            yield at // _BLOCK, None
            return
        if data > at:
            yield at // _BLOCK, None
        end = min(size, -(-os.lseek(file, data, os.SEEK_HOLE) // _BLOCK) * _BLOCK)
        at = data
        while at < end:
            for offset in range(0, len(piece := os.pread(file, min(MIB, end - at), at)), _BLOCK):
                yield (at + offset) // _BLOCK, piece[offset : offset + _BLOCK]
            at += len(piece)
