"""What was answered is there after SIGKILL, again and again, on one file."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from edge.buffer.api import READ_BYTES
from edge.buffer.sqlite_log import SqliteLog
from protocol.chain import extend

KILLS = 10
APPENDER = "tests.unit.edge_buffer.appender"


def append_until_killed(path: Path, name: str, answers: int) -> list[tuple[int, bytes]]:
    """Kill the appender after some answers; give all that it was heard to say, as (depth, line)."""
    command = [sys.executable, "-m", APPENDER, str(path), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(answers)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.readlines()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    whole = (line[:-1].split(b" ") for line in said if line.endswith(b"\n"))
    return [(int(depth), line) for depth, line in whole]


async def content(path: Path) -> tuple[dict[int, bytes], bytes]:
    """Give every line kept by its depth, the chain checked, and what the note says."""
    async with SqliteLog(path, clock=lambda: 1, nonce=lambda: 2) as log:
        view = log.view
        at = view.index(view.first.epoch)
        assert at is not None
        depth = view.depth_of((view.first.epoch, view.first.seq))
        digest = view.first.digest
        lines: dict[int, bytes] = {}
        while depth < view.depth:
            epoch, seq = view.at_depth(depth + 1)
            part = await log.read(epoch, seq, 1000, READ_BYTES)
            assert part.digest == digest
            digest = extend(digest, part.lines)
            lines.update(enumerate(part.lines, depth + 1))
            depth += len(part.lines)
        assert digest == view.head.digest
        return lines, log.notes()["last"]


async def test_everything_answered_is_there_after_every_kill(tmp_path: Path) -> None:
    dice = random.Random(20)
    path = tmp_path / "log.db"
    before: dict[int, bytes] = {}
    pruned = 0
    for kill in range(KILLS):
        answered = append_until_killed(path, str(kill), dice.choice([1, 5, 20, 100, 400, 1000]))
        found, note = await content(path)
        first, last = min(found), max(found)
        assert sorted(found) == list(range(first, last + 1))
        assert note == found[last], "stored in one transaction with the last line"
        for depth, line in [*before.items(), *answered]:
            assert depth < first or found[depth] == line
        assert first == (min(before) if before else 1) or kill % 3 == 2, "only where it was asked for is it pruned"
        pruned = max(pruned, first - 1)
        before = found
    assert pruned > 1000
    assert max(before) > pruned + KILLS
