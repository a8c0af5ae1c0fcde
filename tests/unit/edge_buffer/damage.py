"""A station log that is written, read by a hub, killed or closed, damaged, and opened again; and what must have become
of every line then."""

from __future__ import annotations

import contextlib
import random
import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path

from edge.buffer.api import LogLimits, StationLog
from edge.buffer.errors import NotKept
from edge.buffer.mending import opened
from edge.buffer.page_sums import sums_path
from edge.buffer.salvage import SetAside
from edge.buffer.sqlite_log import SqliteLog
from protocol.frames import decode_reader_message, decode_writer_message, encode_reader_message
from protocol.identity import Epoch
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, LookUpRead, OutOfReach, Reply
from protocol.replication.writer import LogWriter
from protocol.replication.writer_actions import WriterLimits
from protocol.serving import serve
from tests.unit.replication.world import Store

NOW_US = 1_700_000_000_000_000
_FRAMES = WriterLimits(frame_entries=50, window_frames=2)


@dataclass
class Hub:
    """A reader and its disk, which holds every entry once by itself (`Store.apply`)."""

    nonce: Callable[[], int]
    store: Store = field(default_factory=Store)

    async def read(self, log: StationLog, most: int | None = None) -> None:
        """Talk with the log's writer until nothing moves any more, or `most` more entries are committed."""
        now_s = 0.0

        def clock() -> float:
            return now_s

        reader = LogReader(self.store.state, self.nonce(), self.nonce, OutOfReach.RECORD_LOSS, credit=100)
        writer = LogWriter(log.view, self.nonce(), self.nonce, _FRAMES)
        up: list[bytes] = []
        down: list[bytes] = []

        async def send(payload: bytes) -> None:
            up.append(payload)

        left = most
        writer.connect(now_s)
        for _ in range(3000):
            with contextlib.suppress(NotKept):
                await serve(writer, log, send, now_s=clock, acked=log.acked, nonce=self.nonce)
            writer.grew(log.view, now_s)
            if not up:
                if writer.acked == log.view.head:
                    return
                now_s += 3.0
                writer.tick(now_s)
            while up:
                reader.receive(decode_writer_message(up.pop(0)))
                while (action := reader.next_action()) is not None:
                    match action:
                        case Commit():
                            if left is not None and action.entries is not None:
                                left -= len(action.entries.lines)
                                if left < 0:
                                    return
                            self.store.apply(action)
                            reader.committed(action.serial)
                        case Reply():
                            down.append(encode_reader_message(action.message))
                        case LookUpRead():
                            reader.looked_up({entry: self.store.chain.get(entry) for entry in action.entries})
                        case _:
                            pass
            while down:
                writer.receive(decode_reader_message(down.pop(0)), now_s)
        raise AssertionError("the hub and the station never settle")


class Rig:
    """One station's log at `path` and its hub. `told` holds what became of damaged files."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.path = folder / "card" / "stock.db"
        self.dice = dice
        self.hub = Hub(self.nonce)
        self.told: list[SetAside] = []
        self.answered: list[tuple[Epoch, int, bytes]] = []
        """Every line that was acknowledged to whoever scanned it, under the name it had then."""
        self._folder = folder

    def nonce(self) -> int:
        return self.dice.getrandbits(64)

    def opened(self) -> AbstractAsyncContextManager[SqliteLog]:
        """The log as an agent opens it."""
        return opened(self.path, self._make, self.nonce, lambda: NOW_US, self.told.append)

    async def append(self, log: StationLog, lines: list[bytes]) -> None:
        """Append, and remember what was answered."""
        head = await log.append(lines, {"last": lines[-1]})
        self.answered += [(head.epoch, head.seq - len(lines) + n, line) for n, line in enumerate(lines, 1)]

    def _make(self) -> SqliteLog:
        return SqliteLog(self.path, clock=lambda: NOW_US, nonce=self.nonce, limits=LogLimits())

    async def live(self, *, killed: bool, most_lines: int = 2500) -> None:
        """Open, append, have the hub read some of it, append more; then close, or die as by SIGKILL."""
        card = self.path.parent
        async with self.opened() as log:
            for _ in range(self.dice.randrange(1, 4)):
                await self._append(log, self.dice.choice([1, 20, 300, most_lines]))
                if self.dice.random() < 0.6:
                    await self.hub.read(log, self.dice.choice([None, 10, 500]))
            if killed:
                shutil.copytree(card, self._folder / "frozen")
        if killed:
            shutil.rmtree(card)
            (self._folder / "frozen").rename(card)

    async def settle(self) -> None:
        """Open once more, sell something, and have the hub read all there is."""
        async with self.opened() as log:
            await self._append(log, 3)
            await self.hub.read(log)
            assert log.stats.unacked == 0

    async def _append(self, log: StationLog, most: int) -> None:
        left = self.dice.randrange(most) + 1
        while left:
            lines = [self._line() for _ in range(min(left, self.dice.choice([1, 1, 7, 400])))]
            left -= len(lines)
            await self.append(log, lines)

    def _line(self) -> bytes:
        return b"%032x" % self.dice.getrandbits(128) + b"." * self.dice.choice([0, 90, 200, 200, 5000])

    def expect_no_silence(self) -> None:
        """Every line answered is at the hub, once, or lies in a recorded loss; and the hub has nothing else."""
        lines = [line for lines in self.hub.store.entries.values() for line in lines if line is not None]
        held = set(lines)
        assert len(lines) == len(held), "doubled"
        assert held <= {line for _, _, line in self.answered}, "the hub holds what nobody scanned"
        missing = [(epoch, seq) for epoch, seq, line in self.answered if line not in held]
        silent = [(str(epoch), seq) for epoch, seq in missing if not self._told_lost(epoch, seq)]
        assert not silent, f"{len(silent)} of {len(missing)} lost without a word: {silent[:5]}, {self.hub.store.losses}"

    def lost(self) -> int:
        """How many lines answered never came to the hub."""
        held = {line for lines in self.hub.store.entries.values() for line in lines}
        return sum(line not in held for _, _, line in self.answered)

    def heard(self, epoch: Epoch) -> bool:
        """Say whether the hub ever read this epoch, or at least moved to it."""
        return self.hub.store.state.record(epoch) is not None

    def _told_lost(self, epoch: Epoch, seq: int) -> bool:
        if not self.heard(epoch):
            # It has no name at the hub. It came after one that has, of which the hub tells: and whatever followed.
            return any(loss.last is None for loss in self.hub.store.losses)
        return any(
            loss.epoch == epoch and loss.first <= seq and (loss.last is None or seq <= loss.last)
            for loss in self.hub.store.losses
        )


Damage = Callable[[Rig], None]


def _flip(file: Path, dice: random.Random, times: int) -> None:
    if not file.exists() or not file.stat().st_size:
        return
    data = bytearray(file.read_bytes())
    for _ in range(times):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    file.write_bytes(data)


def flip_file(rig: Rig) -> None:
    _flip(rig.path, rig.dice, rig.dice.choice([1, 1, 1, 5, 40]))


def flip_pages(rig: Rig) -> None:
    """A few whole pages come back as something else."""
    data = bytearray(rig.path.read_bytes())
    for _ in range(rig.dice.choice([1, 1, 3])):
        at = rig.dice.randrange(len(data) // 4096) * 4096
        data[at : at + 4096] = rig.dice.choice([bytes(4096), rig.dice.randbytes(4096), data[:4096]])
    rig.path.write_bytes(data)


def flip_wal(rig: Rig) -> None:
    _flip(wal_of(rig), rig.dice, rig.dice.choice([1, 3]))


def flip_sums(rig: Rig) -> None:
    _flip(sums_path(rig.path), rig.dice, 1)


def truncate_file(rig: Rig) -> None:
    with rig.path.open("r+b") as file:
        file.truncate(rig.dice.randrange(rig.path.stat().st_size))


def delete_file(rig: Rig) -> None:
    rig.path.unlink()


def delete_wal(rig: Rig) -> None:
    wal_of(rig).unlink(missing_ok=True)


def delete_all(rig: Rig) -> None:
    """Then of what the hub never heard nobody can tell."""
    shutil.rmtree(rig.path.parent)
    held = {line for lines in rig.hub.store.entries.values() for line in lines}
    rig.answered = [one for one in rig.answered if rig.heard(one[0]) or one[2] in held]


def old_file(rig: Rig) -> None:
    """The file alone comes back as it once was; its companions are of today."""
    old = rig.path.with_name("old")
    if old.exists():
        shutil.copy(old, rig.path)


def nothing(rig: Rig) -> None:
    pass


def wal_of(rig: Rig) -> Path:
    return rig.path.with_name(f"{rig.path.name}-wal")


DAMAGES: dict[str, Damage] = {
    one.__name__: one
    for one in (
        nothing,
        flip_file,
        flip_pages,
        flip_wal,
        flip_sums,
        truncate_file,
        delete_file,
        delete_wal,
        delete_all,
        old_file,
    )
}


async def live_through(folder: Path, damage: Damage, seed: int) -> Rig:
    """A log's life: some work, a death or an end, damage, and again; then all that is left goes to the hub."""
    rig = Rig(folder, random.Random(seed))
    for _ in range(rig.dice.choice([1, 1, 2])):
        await rig.live(killed=rig.dice.random() < 0.7)
        damage(rig)
        if rig.path.exists() and rig.dice.random() < 0.5:
            shutil.copy(rig.path, rig.path.with_name("old"))
    await rig.settle()
    rig.expect_no_silence()
    return rig
