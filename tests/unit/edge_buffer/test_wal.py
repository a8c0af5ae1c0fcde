"""What a write-ahead log says of its own end: torn is not damaged, and damaged is not torn."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.buffer import wal
from edge.buffer.sqlite_log import SqliteLog

FRAME = wal.FRAME_HEADER_BYTES + 4096


@pytest.fixture
async def killed(tmp_path: Path) -> Path:
    """The write-ahead log of an agent that was killed: small commits, and last one of many frames."""
    log = tmp_path / "log.db"
    copy = tmp_path / "copy.db-wal"
    async with SqliteLog(log, clock=lambda: 1, nonce=lambda: 2) as opened:
        for n in range(20):
            await opened.append([b"line %d" % n])
        await opened.append([b"x" * 3000 for _ in range(50)])
        shutil.copy(tmp_path / "log.db-wal", copy)
    return copy


def rewrite(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(at)
        opened.write(data)


def place(frame: int) -> int:
    """Where a frame begins, counted from 1."""
    return wal.HEADER_BYTES + (frame - 1) * FRAME


def test_whole_it_is_sound(killed: Path) -> None:
    condition = wal.inspect(killed)
    assert condition.damaged is None
    assert place(condition.frames + 1) == killed.stat().st_size


def test_a_transaction_that_was_not_written_whole_is_torn_and_costs_nothing(killed: Path) -> None:
    """What was synced lies before it; behind the tear there is nothing, or what room was claimed holds."""
    frames = wal.inspect(killed).frames
    for tail in (b"", bytes(3 * FRAME)):
        with killed.open("r+b") as file:
            file.truncate(place(frames - 10))
        rewrite(killed, place(frames - 10), tail)
        condition = wal.inspect(killed)
        assert condition.damaged is None
        assert 0 < condition.frames < frames - 10


def test_a_torn_transaction_whose_last_pages_reached_the_disk_first_is_torn(killed: Path) -> None:
    frames = wal.inspect(killed).frames
    rewrite(killed, place(frames - 5), bytes(FRAME))
    assert wal.inspect(killed).damaged is None


@pytest.mark.parametrize("offset", [0, 4, 8, 16, wal.FRAME_HEADER_BYTES, FRAME - 1])
@pytest.mark.parametrize("back", [0, 1, 30])
def test_a_flipped_bit_is_damage_wherever_it_is(killed: Path, offset: int, back: int) -> None:
    at = place(wal.inspect(killed).frames - back) + offset
    rewrite(killed, at, bytes([killed.read_bytes()[at] ^ 0x10]))
    assert wal.inspect(killed).damaged is not None


@pytest.mark.parametrize("offset", range(0, wal.HEADER_BYTES, 4))
def test_a_damaged_header_hides_nothing(killed: Path, offset: int) -> None:
    rewrite(killed, offset, bytes([killed.read_bytes()[offset] ^ 0x10]))
    assert wal.inspect(killed).damaged is not None


def test_behind_a_damaged_frame_the_others_are_still_legible(killed: Path) -> None:
    frames = wal.inspect(killed).frames
    rewrite(killed, place(7) + 500, b"!!!")
    assert sum(not isinstance(frame, int) for frame in wal.legible_frames(killed)) == frames - 1


def test_what_is_cut_short_within_a_frame_is_damage(killed: Path) -> None:
    with killed.open("r+b") as file:
        file.truncate(killed.stat().st_size - 1000)
    assert wal.inspect(killed).damaged is not None


def test_claimed_room_is_not_begun(tmp_path: Path) -> None:
    claimed = tmp_path / "claimed"
    claimed.write_bytes(bytes(100_000))
    assert not wal.begun(claimed)
    assert wal.inspect(claimed) == wal.inspect(tmp_path / "missing") == wal.WalCondition(0, None)
