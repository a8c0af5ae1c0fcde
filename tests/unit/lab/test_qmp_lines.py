"""What QEMU says comes in any pieces, and is bounded."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.lab.qmp import LONGEST_LINE, Lines, Qmp, QmpError

SAID = b'{"QMP": {"version": {}}}\r\n{"return": {}, "id": 1}\r\n{"event": "STOP"}\r\n'


@pytest.mark.parametrize("size", [1, 2, 7, 31, len(SAID)])
def test_pieces_of_any_size(size: int) -> None:
    lines = Lines()
    told = [each for at in range(0, len(SAID), size) for each in lines.feed(SAID[at : at + size])]
    assert [set(each) for each in told] == [{"QMP"}, {"return", "id"}, {"event"}]


@pytest.mark.parametrize("rubbish", [b"no json\n", b"[1]\n", b"x" * (LONGEST_LINE + 1)])
def test_rubbish_is_an_error(rubbish: bytes) -> None:
    with pytest.raises(QmpError):
        list(Lines().feed(rubbish))


async def test_answers_find_who_asked_and_events_are_kept(tmp_path: Path) -> None:
    async def qemu(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"QMP": {}}\n')
        while line := await reader.readline():
            asked = json.loads(line)
            if asked["execute"] == "quit":
                break
            answer = {"error": {"desc": "no such device"}} if asked["execute"] == "device_del" else {"return": asked}
            writer.write(b'{"event": "POWERDOWN"}\n' + json.dumps({**answer, "id": asked["id"]}).encode() + b"\n")
        writer.close()

    server = await asyncio.start_unix_server(qemu, str(tmp_path / "qmp"))
    async with server:
        qmp = await Qmp.connect(tmp_path / "qmp")
        asked = await qmp.execute("send-key", hold_time=3)
        assert asked["arguments"] == {"hold-time": 3}
        with pytest.raises(QmpError, match="no such device"):
            await qmp.execute("device_del", id="scale")
        assert (await qmp.until("POWERDOWN", 30))["event"] == "POWERDOWN"
        with pytest.raises(QmpError, match="gone"):
            await qmp.execute("quit")
        with pytest.raises(QmpError, match="gone"):
            await qmp.until("NEVER", 30)
        await qmp.close()
