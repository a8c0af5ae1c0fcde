"""A thousand tills in a process of their own: `python -m bench.lookup_load ADDRESS CODES CONNECTIONS SECONDS ORDER`.

Each connection is kept, and asks again as soon as it is answered: CODES is a file of codes, one a line, `drawn` at
random for so many seconds after one of warming up, or asked each `once`. Prints one JSON object. What is no answer with
status 200 and a body ends it with an error.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from statistics import fmean
from urllib.parse import urlsplit

from bench.figures import percentile

WARM_S = 1.0
_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Till(asyncio.Protocol):
    """One connection. Seconds from each question to its whole answer gather in `taken` while `counting`."""

    counting = False

    def __init__(self, host: str, paths: Iterator[str], taken: list[float], failed: asyncio.Future[None]) -> None:
        self._host = host
        self._paths = paths
        self._taken = taken
        self._failed = failed
        self._heard = b""
        self._asked_at = 0.0
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def ask(self) -> None:
        """Send the next question, if there is one."""
        path = next(self._paths, None)
        if path is None or self._transport is None:
            return
        self._asked_at = time.perf_counter()
        self._transport.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nAccept: application/json\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._heard += data
        end = self._heard.find(_END)
        if end < 0:
            return
        head = self._heard[:end].lower()
        at = head.find(_LENGTH)
        if at < 0 or not head.startswith(b"http/1.1 200"):
            self._fail(f"not an answer: {self._heard[:300]!r}")
            return
        length = int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])
        if len(self._heard) < end + len(_END) + length:
            return
        if not length or len(self._heard) > end + len(_END) + length:
            self._fail(f"not one answer: {self._heard[:300]!r}")
            return
        self._heard = b""
        if Till.counting:
            self._taken.append(time.perf_counter() - self._asked_at)
        self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was closed: {exc}")

    def _fail(self, why: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(RuntimeError(why))


async def load(address: str, codes: list[str], connections: int, seconds: float, *, once: bool) -> dict[str, float]:
    """Ask, as the module says. Raises `RuntimeError` at the first failure."""
    url = urlsplit(address)
    host, _, port = url.netloc.partition(":")
    draw = random.Random(7)
    asked = codes if once else (draw.choice(codes) for _ in repeat(None))
    paths = (url.path + code for code in asked)
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    taken: list[float] = []
    tills = []
    for _ in range(connections):
        _, till = await loop.create_connection(lambda: Till(url.netloc, paths, taken, failed), host, int(port))
        tills.append(till)
    Till.counting = once
    began = time.perf_counter()
    for till in tills:
        till.ask()
    if once:
        while len(taken) < len(codes) and not failed.done():  # noqa: ASYNC110 - a till need not know
            await asyncio.sleep(0.005)
    else:
        await asyncio.wait([failed], timeout=WARM_S)
        Till.counting = True
        began = time.perf_counter()
        await asyncio.wait([failed], timeout=seconds)
    lasted = time.perf_counter() - began
    if failed.done():
        failed.result()
    return {
        "rate": len(taken) / lasted,
        "mean_ms": 1000 * fmean(taken),
        "p99_ms": 1000 * percentile(taken, 0.99),
    }


if __name__ == "__main__":
    print(
        json.dumps(
            asyncio.run(
                load(
                    sys.argv[1],
                    Path(sys.argv[2]).read_text().split(),
                    int(sys.argv[3]),
                    float(sys.argv[4]),
                    once=sys.argv[5] == "once",
                )
            )
        )
    )
