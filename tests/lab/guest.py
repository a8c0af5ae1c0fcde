"""The harness's end of the channel into a machine, and what has the machine open its own.

Nothing is laid into the image. The kernel's command line carries a unit as a credential (systemd.debug-generator(8),
`systemd.extra-unit.*`), and the unit does no more than read a program from the port and run it: `in_guest.py`, sent by
`Guest.open`.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.lab.qmp import Lines

UNIT = "lab.service"
PORT_NAME = "lab"
PROGRAM = Path(__file__).with_name("in_guest.py")
RUN_S = 180.0
"""How long a command may take unless told: an emulated machine beside others."""

FETCH = """\
import glob,time,tty
n=[]
while not n:n=glob.glob('{port}');time.sleep(.1)
f=open(n[0],'r+b',0)
if f.isatty():tty.setraw(f)
w=int(f.readline())
p=b''
while len(p)<w:p+=f.read(w-len(p))
exec(p.decode())
Channel(f).serve()
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class GuestGone(Exception):
    """The machine ended, or never spoke."""


def fetching(port: str = "/dev/virtio-ports/lab") -> str:
    """Give the Python program that fetches the other one from `port` (a pattern of names) and runs it."""
    return FETCH.format(port=port)


def kernel_words(port: str = "/dev/virtio-ports/lab") -> str:
    """Give what is added to the kernel's command line, so that systemd (257 and later) opens the channel early on."""
    packed = base64.b64encode(fetching(port).encode()).decode()
    unit = (
        f"[Unit]\nDefaultDependencies=no\n[Service]\nOOMScoreAdjust=-900\n"
        f"ExecStart=/usr/bin/python3 -c 'import base64;exec(base64.b64decode(\"{packed}\"))'\n"
    )
    credential = base64.b64encode(unit.encode()).decode()
    return f"systemd.set_credential_binary=systemd.extra-unit.{UNIT}:{credential} systemd.wants={UNIT}"


class Guest:
    """One machine, as long as it runs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._count = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._lines: dict[int, asyncio.Queue[str | None]] = {}
        self._gone = False
        self.hello: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, path: Path) -> Guest:
        """Connect to the port's socket and lay the program in; the machine takes it when it has come so far."""
        reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 24)
        program = PROGRAM.read_bytes()
        writer.write(f"{len(program)}\n".encode() + program)
        return cls(reader, writer)

    async def up(self, timeout_s: float) -> dict[str, Any]:
        """Wait until the machine speaks: its boot id, and for how long it had run."""
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(self.hello)

    async def run(self, *words: str, stdin: bytes = b"", timeout_s: float = RUN_S) -> Ran:
        """Run a program as root inside, to its end."""
        asked = {"run": list(words), "stdin": base64.b64encode(stdin).decode(), "timeout_s": timeout_s}
        number, answer = self._ask(asked)
        async with asyncio.timeout(timeout_s + RUN_S):
            said = await answer
        del self._answers[number]
        return Ran(said["code"], *(base64.b64decode(said[each]).decode(errors="replace") for each in ("out", "err")))

    async def tell(self, *words: str, timeout_s: float = RUN_S) -> str:
        """Run a program that must not fail, and give what it printed."""
        ran = await self.run(*words, timeout_s=timeout_s)
        assert ran.code == 0, f"{words}: {ran}"
        return ran.out

    async def python(self, program: str, *arguments: str, timeout_s: float = RUN_S) -> str:
        """Run a program of Python inside, and give what it printed."""
        return await self.tell("/usr/bin/python3", "-c", program, *arguments, timeout_s=timeout_s)

    def start(self, *words: str) -> None:
        """Run a program that ends the machine: nobody waits for it."""
        self._ask({"run": list(words)})

    async def write(self, path: str, data: bytes) -> None:
        ran = await self.run("/bin/sh", "-c", f"cat > {path}", stdin=data)
        assert ran.code == 0, ran

    @asynccontextmanager
    async def following(self, *words: str) -> AsyncIterator[asyncio.Queue[str | None]]:
        """Run a program inside and have each line that it prints; None is its end."""
        number, _answer = self._ask({"follow": list(words)})
        lines = self._lines[number] = asyncio.Queue()
        try:
            yield lines
        finally:
            del self._lines[number]

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()

    def _ask(self, asked: dict[str, Any]) -> tuple[int, asyncio.Future[dict[str, Any]]]:
        if self._gone:
            raise GuestGone("the machine has ended")
        self._count += 1
        answer = self._answers[self._count] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"id": self._count, **asked}).encode() + b"\n")
        return self._count, answer

    async def _listen(self) -> None:
        lines = Lines()
        try:
            while data := await self._reader.read(1 << 16):
                for said in lines.feed(data):
                    self._take(said)
        except OSError:
            pass  # killed
        finally:
            self._gone = True
            waiting: Sequence[asyncio.Future[Any]] = [self.hello, *self._answers.values()]
            for each in waiting:
                if not each.done():
                    each.set_exception(GuestGone("the machine has ended"))
                    each.exception()  # nobody need be waiting for it
            for queue in self._lines.values():
                queue.put_nowait(None)

    def _take(self, said: dict[str, Any]) -> None:
        if "hello" in said:
            if not self.hello.done():
                self.hello.set_result(said)
        elif "line" in said:
            if queue := self._lines.get(said["id"]):
                queue.put_nowait(said["line"])
        elif said["id"] in self._lines:
            self._lines[said["id"]].put_nowait(None)
        elif (answer := self._answers.get(said["id"])) and not answer.done():
            answer.set_result(said)
