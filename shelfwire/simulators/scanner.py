"""A serial barcode scanner and the cable it hangs on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from shelfwire.simulators.on_port import DeviceOnPort

ACK, NAK = 0x06, 0x15


class SimulatedScanner(DeviceOnPort):
    """Sends codes as a scanner does; with `ack` it waits for ACK or NAK after each (Honeywell's ACK/NAK mode).

    After a NAK it sends the code again and waits again, as those scanners do, until it gets an ACK or has done so
    `PATIENCE` times. Counters, since it was made: `sent` codes that reached the other end or still wait for it; of
    these, with `ack`, `accepted`, `refused` (a NAK came first) and `unanswered`. `withdrawn` codes were taken back
    unread and are in none of the others. `again` is how often a code was sent again.
    """

    PATIENCE = 5

    def __init__(
        self, path: Path, *, suffix: bytes = b"\r", prefix: bytes = b"", aim: str = "", ack: bool = False
    ) -> None:
        super().__init__(path)
        self._suffix = suffix
        self._lead = prefix + aim.encode()
        self._ack = ack
        self._one_at_a_time = asyncio.Lock()
        self._owed = 0
        """Answers still to come for what was sent before, from the reader that is there now."""
        self.sent = 0
        self.accepted = 0
        self.refused = 0
        self.unanswered = 0
        self.withdrawn = 0
        self.again = 0

    async def scan(self, code: str, *, timeout_s: float = 10.0) -> bool | None:
        """Read a code: True when the station accepted it, False when it refused it, None when nobody said.

        Without `ack` the answer is always None. With it, None comes at once when the reader goes away (killed) and
        after `timeout_s` otherwise; the person holding the scanner then does not know, and may scan again. A code that
        nobody had fully read by then is withdrawn: it will not turn up later.
        """
        return await self._transmit([self._lead + code.encode() + self._suffix], timeout_s=timeout_s)

    async def scan_in_pieces(self, code: str, cuts: Sequence[int], gap_s: float) -> bool | None:
        """Read a code over a bad cable: a pause of `gap_s` before each of the byte positions `cuts`."""
        frame = self._lead + code.encode() + self._suffix
        edges = [0, *cuts, len(frame)]
        return await self._transmit([frame[a:b] for a, b in pairwise(edges)], gap_s=gap_s)

    async def scan_twice(self, code: str) -> tuple[bool | None, bool | None]:
        """Read a code twice, as a trigger held too long does."""
        return await self.scan(code), await self.scan(code)

    async def long_line(self, length: int = 1_000_000) -> bool | None:
        """Send `length` bytes before a suffix; never a code, so `sent` does not count it."""
        return await self._transmit([b"x" * length + self._suffix], code=False)

    async def garbage(self, data: bytes) -> None:
        """Send bytes as they are, such as line noise; what follows its last suffix runs into the next code."""
        async with self._one_at_a_time:
            await self._port.send(data)
            if self._ack:
                self._owed += sum(1 for line in data.split(self._suffix)[:-1] if line)

    async def _transmit(
        self, pieces: Sequence[bytes], *, gap_s: float = 0.0, timeout_s: float = 10.0, code: bool = True
    ) -> bool | None:
        async with self._one_at_a_time:
            if not self._port.has_reader():
                self._port.receive_waiting()
                self._owed = 0
            for count, piece in enumerate(pieces):
                if count:
                    await asyncio.sleep(gap_s)
                await self._port.send(piece)
            if not self._ack:
                self.sent += code
                return None
            answer, stayed = await self._answer(timeout_s)
            if not stayed:
                self._owed = 0
                if self._port.withdraw():
                    self.withdrawn += code
                    return None
            elif answer is None:
                self._owed += 1
            if code:
                self.sent += 1
                self.accepted += answer is True
                self.refused += answer is False
                self.unanswered += answer is None
                if answer is False:
                    await self._send_again(b"".join(pieces), timeout_s)
            return answer

    async def _send_again(self, frame: bytes, timeout_s: float) -> None:
        """Send a code that got a NAK until it gets an ACK; take it back if the reader went away before reading it."""
        for _ in range(self.PATIENCE):
            self.again += 1
            await self._port.send(frame)
            answer, stayed = await self._answer(timeout_s)
            if not stayed:
                self._owed = 0
                self._port.withdraw()
            elif answer is None:
                self._owed += 1
            if answer is not False:
                return

    async def _answer(self, timeout_s: float) -> tuple[bool | None, bool]:
        """Wait for the answer to what was sent last, past those owed before; and say whether the reader stayed."""
        try:
            async with asyncio.timeout(timeout_s):
                while not self._port.has_reader():
                    await self._port.wait_for_reader(timeout_s)
                while data := await self._port.receive():
                    for byte in data:
                        if byte in (ACK, NAK) and self._owed:
                            self._owed -= 1
                        elif byte in (ACK, NAK):
                            return byte == ACK, True
                return None, False
        except TimeoutError:
            return None, self._port.has_reader()
