"""Stored lines as rows: one row for each frame that came or batch that was appended, never one for each entry."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final

import zstandard
from sqlalchemy import bindparam, select

from hub.errors import ContractBroken
from hub.store import tables
from hub.store.sql import Sql
from hub.store.statements import putting
from protocol.chain import extend

_PACK_ABOVE_BYTES = 1024
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_CHUNK: Final = tables.chunk.c
TO_FOLD: Final = _CHUNK.to_fold != 0
"""Whether the fold reads a chunk, in the words of the index on those."""
_INSERT: Final = putting(tables.chunk, "epoch", "first", "n", "digest", "body", "flag", "to_fold")
_OF_EPOCH: Final = select(_CHUNK.id, _CHUNK.first, _CHUNK.n, _CHUNK.digest, _CHUNK.body, _CHUNK.flag).where(
    _CHUNK.epoch == bindparam("epoch")
)
_HOLDING: Final = _OF_EPOCH.where(_CHUNK.first <= bindparam("seq")).order_by(_CHUNK.first.desc()).limit(1)
_AFTER: Final = _OF_EPOCH.where(_CHUNK.first > bindparam("seq")).order_by(_CHUNK.first).limit(1)
_TO_FOLD: Final = (
    select(_CHUNK.id, _CHUNK.epoch, _CHUNK.first, _CHUNK.n, _CHUNK.digest, _CHUNK.body, _CHUNK.flag)
    .where(TO_FOLD, _CHUNK.id > bindparam("cursor"))
    .order_by(_CHUNK.id)
)
_DIGEST: Final = select(_CHUNK.digest).where(_CHUNK.epoch == bindparam("epoch"), _CHUNK.first == bindparam("first"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive lines of the epoch row `epoch`; `flag` is set when the line came unread, with the reason."""

    id: int
    epoch: int
    first: int
    digest: bytes
    lines: tuple[bytes, ...]
    flag: str | None = None

    @property
    def end(self) -> int:
        """The seq after the last line."""
        return self.first + len(self.lines)


def pack(lines: Sequence[bytes]) -> bytes:
    """Join lines and compress what is long. A body that could be mistaken for zstd is compressed however short."""
    body = b"\n".join(lines)
    if len(body) > _PACK_ABOVE_BYTES or body.startswith(_ZSTD_MAGIC):
        return zstandard.ZstdCompressor(level=1).compress(body)
    return body


def unpack(body: bytes, n: int) -> tuple[bytes, ...]:
    """Undo `pack`; `n` tells one flagged line, which may hold line feeds, from several."""
    plain = zstandard.ZstdDecompressor().decompress(body) if body.startswith(_ZSTD_MAGIC) else body
    return (plain,) if n == 1 else tuple(plain.split(b"\n"))


def insert(
    connection: Sql,
    epoch: int,
    first: int,
    digest: bytes,
    lines: Sequence[bytes],
    flag: str | None,
    to_fold: bool,
) -> int:
    """Add a chunk; give the bytes it takes. Raises `ContractBroken` when the epoch already holds `first`."""
    body = pack(lines)
    row = {
        "epoch": epoch,
        "first": first,
        "n": len(lines),
        "digest": digest,
        "body": body,
        "flag": flag,
        "to_fold": int(to_fold),
    }
    try:
        connection.execute(_INSERT, row)
    except connection.taken as error:
        raise ContractBroken(f"entry {first} of epoch row {epoch} is stored already") from error
    return len(body)


def holding(connection: Sql, epoch: int, seq: int) -> Chunk | None:
    """Find the chunk that holds entry `seq`."""
    row = connection.execute(_HOLDING, {"epoch": epoch, "seq": seq}).fetchone()
    if row is None or row[1] + row[2] <= seq:
        return None
    return Chunk(row[0], epoch, row[1], row[3], unpack(row[4], row[2]), row[5])


def after(connection: Sql, epoch: int, seq: int) -> Chunk | None:
    """Find the first chunk that begins after entry `seq`, as where entries before it were lost."""
    row = connection.execute(_AFTER, {"epoch": epoch, "seq": seq}).fetchone()
    return None if row is None else Chunk(row[0], epoch, row[1], row[3], unpack(row[4], row[2]), row[5])


def to_fold(connection: Sql, cursor: int, max_entries: int) -> list[Chunk]:
    """Give the chunks after row `cursor` that the fold reads: at least one if there is any, within the bound."""
    found: list[Chunk] = []
    with closing(connection.walk(_TO_FOLD, {"cursor": cursor})) as rows:
        for row in rows:
            max_entries -= row[3]
            if found and max_entries < 0:
                break
            found.append(Chunk(row[0], row[1], row[2], row[4], unpack(row[5], row[3]), row[6]))
    return found


def digests(connection: Sql, epoch: int, seqs: Iterable[int]) -> dict[int, bytes | None]:
    """Give the chain after each seq, None where no stored chunk tells it."""
    answer: dict[int, bytes | None] = {}
    for seq in seqs:
        starts = connection.execute(_DIGEST, {"epoch": epoch, "first": seq + 1}).fetchone()
        if starts is not None:
            answer[seq] = starts[0]
            continue
        chunk = holding(connection, epoch, seq)
        answer[seq] = None if chunk is None else extend(chunk.digest, chunk.lines[: seq - chunk.first + 1])
    return answer
