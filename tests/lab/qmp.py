"""Talks to QEMU's own control socket (QMP): one command at a time, and the events that come between.

    <- {"QMP": {...}}                        greeting, once
    -> {"execute": "qmp_capabilities"}
    <- {"return": {}}
    <- {"event": "SHUTDOWN", "data": {...}}  whenever it likes
    -> {"execute": "device_del", "arguments": {"id": "scale"}, "id": 7}
    <- {"return": {}, "id": 7}               or {"error": {"class": ..., "desc": ...}, "id": 7}

QEMU's docs/interop/qmp-spec.rst.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ANSWER_S = 60.0
LONGEST_LINE = 1 << 22


class QmpError(Exception):
    """QEMU refused a command, or is gone."""


class Lines:
    """Bytes in any pieces, JSON objects out; a line that is none raises `QmpError`."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        *lines, self._held = (self._held + data).split(b"\n")
        if len(self._held) > LONGEST_LINE:
            raise QmpError("a line without an end")
        for line in lines:
            if not line.strip():
                continue
            try:
                said = json.loads(line)
            except ValueError as error:
                raise QmpError(f"no JSON: {line[:80]!r}") from error
            if not isinstance(said, dict):
                raise QmpError(f"no object: {line[:80]!r}")
            yield said


class Qmp:
    """One connection; `connect` opens it, and `events` holds all that was told unasked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._gone = False
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Condition()
        self._greeted = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def connect(cls, path: Path) -> Qmp:
        reader, writer = await asyncio.open_unix_connection(str(path), limit=LONGEST_LINE)
        qmp = cls(reader, writer)
        async with asyncio.timeout(ANSWER_S):
            await qmp._greeted
        await qmp.execute("qmp_capabilities")
        return qmp

    async def execute(self, command: str, /, **arguments: object) -> Any:
        """Run a command and give what it returns. Raises `QmpError` where QEMU refuses or ends."""
        if self._gone:
            raise QmpError(f"{command}: QEMU is gone")
        self._count += 1
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        asked = {"execute": command, "id": self._count}
        if arguments:
            asked["arguments"] = {name.replace("_", "-"): value for name, value in arguments.items()}
        self._writer.write(json.dumps(asked).encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            return await answer

    async def until(self, event: str, timeout_s: float) -> dict[str, Any]:
        """Wait for an event of that name, also one that came before."""
        async with asyncio.timeout(timeout_s), self._news:
            while True:
                for told in self.events:
                    if told["event"] == event:
                        return told
                if self._gone:
                    raise QmpError(f"{event}: QEMU is gone")
                await self._news.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()

    async def _listen(self) -> None:
        lines = Lines()
        try:
            while data := await self._reader.read(1 << 16):
                for said in lines.feed(data):
                    await self._take(said)
        except OSError:
            pass  # killed: the socket goes with it
        finally:
            self._gone = True
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(QmpError("QEMU is gone"))
            async with self._news:
                self._news.notify_all()

    async def _take(self, said: dict[str, Any]) -> None:
        if "QMP" in said:
            self._greeted.set_result(None)
        elif "event" in said:
            async with self._news:
                self.events.append(said)
                self._news.notify_all()
        elif answer := self._answers.pop(said.get("id", 0), None):
            if answer.done():
                return
            if "error" in said:
                answer.set_exception(QmpError(said["error"].get("desc", "refused")))
            else:
                answer.set_result(said.get("return"))
