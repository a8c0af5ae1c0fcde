"""A headless Chromium with nothing but Python's own library: its DevTools protocol over a pair of pipes.

`--remote-debugging-pipe` makes the browser read commands from descriptor 3 and write answers to descriptor 4: JSON,
each ended by NUL (https://chromedevtools.github.io/devtools-protocol/).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)
DEADLINE_S = 60.0
_READ_LIMIT = 64 * 1024 * 1024
# Descriptors of exactly these numbers cannot be had through `pass_fds`.
_AS_3_AND_4 = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""


class Tab:
    """One page of the browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Carry out a command of the DevTools protocol in this page."""
        return await self._browser.command(method, self._session, **params)

    async def open(self, address: str) -> None:
        """Go to an address and wait until the document stands."""
        await self.command("Page.enable")
        gone = await self.command("Page.navigate", url=address)
        assert "errorText" not in gone, gone
        await self.until("document.readyState === 'complete'")

    async def look(self, width: int, height: int, *, dark: bool = False, scripts: bool = True) -> None:
        """Be a screen of that size, in light or dark, with or without scripts."""
        await self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.command("Emulation.setEmulatedMedia", features=[scheme])
        await self.command("Emulation.setScriptExecutionDisabled", value=not scripts)

    async def ask(self, expression: str) -> Any:
        """Give the value of a JavaScript expression in the page."""
        answer = await self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, expression: str, within_s: float = 60.0) -> None:
        """Wait until a JavaScript expression is true."""
        try:
            async with asyncio.timeout(within_s):
                while not await self.ask(f"Boolean({expression})"):  # noqa: ASYNC110 - it is the browser's
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never true: {expression}") from None

    async def photograph(self, into: Path, *, whole: bool = True) -> None:
        """Write a PNG of the page."""
        shot = await self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(into.write_bytes, base64.b64decode(shot["data"]))


class Browser:
    """The running browser. Messages of the pages' consoles and logs gather in `said`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._ended = False
        self.said: list[str] = []

    async def command(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Carry out a command of the DevTools protocol."""
        if self._ended:
            raise ConnectionError("the browser ended")
        number = len(self._answers) + 1
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self._writer.write(json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(DEADLINE_S):
            result: dict[str, Any] = await answer
        return result

    async def tab(self) -> Tab:
        """Open a page that tells what its console and log say."""
        target = await self.command("Target.createTarget", url="about:blank")
        session = await self.command("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        tab = Tab(self, session["sessionId"])
        await tab.command("Runtime.enable")
        await tab.command("Log.enable")
        return tab

    async def listen(self) -> None:
        """Take what the browser writes, until it ends."""
        while True:
            try:
                message = json.loads((await self._reader.readuntil(b"\0"))[:-1])
            except asyncio.IncompleteReadError:
                break
            if "id" in message:
                self._settle(message)
            elif message["method"] == "Log.entryAdded":
                self.said.append(message["params"]["entry"]["text"])
            elif message["method"] in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
                self.said.append(json.dumps(message["params"])[:500])
        self._ended = True
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the browser ended"))

    def _settle(self, message: dict[str, Any]) -> None:
        answer = self._answers[message["id"]]
        if answer.cancelled():
            return
        if "error" in message:
            answer.set_exception(RuntimeError(str(message["error"])))
        else:
            answer.set_result(message["result"])


@asynccontextmanager
async def chromium(profile: Path) -> AsyncIterator[Browser]:
    """Run a browser with a profile of its own; it has ended when this has."""
    to_browser, from_us = os.pipe()
    from_browser, to_us = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", _AS_3_AND_4, str(to_browser), str(to_us),
        "chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank",
        pass_fds=(to_browser, to_us), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(to_browser)
    os.close(to_us)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_READ_LIMIT)
    incoming, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_browser, "rb")
    )
    outgoing, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(from_us, "wb"))
    browser = Browser(reader, asyncio.StreamWriter(outgoing, protocol, None, loop))
    listening = asyncio.create_task(browser.listen())
    try:
        yield browser
    finally:
        try:
            await browser.command("Browser.close")
            async with asyncio.timeout(DEADLINE_S):
                await process.wait()
        except (TimeoutError, ConnectionError):
            pass  # It is ended below.
        if process.returncode is None:
            process.kill()
            await process.wait()
        listening.cancel()
        outgoing.close()
        incoming.close()
