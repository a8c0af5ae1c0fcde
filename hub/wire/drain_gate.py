"""The gate before a retired station's log: open once, under a technician's hand, for one log up to its end.

A station that was never enrolled, or is enrolled now, has no gate: its log comes in as it comes over the network.
"""

from __future__ import annotations

from collections.abc import Callable

from hub.errors import BadInput
from hub.store.identities import Identities
from protocol.draining import DrainTaken, drain_of, spends
from protocol.errors import BadInput as Refused
from protocol.identity_words import may_be_drained
from protocol.station_file_header import FileHeader
from protocol.topics import Stream


class DrainGate:
    """For one file. `look` before it is read, `spend` before an entry of it is taken."""

    def __init__(self, book: Identities, header: FileHeader, now_us: Callable[[], int]) -> None:
        self._book = book
        self._header = header
        self._now_us = now_us
        self._word: DrainTaken | None = None

    async def look(self) -> None:
        """Refuse a log that may not come.

        Raises `BadInput`: "drain-shut" (retired, and no technician lets it in), "already-drained" (another end of it
        was taken), "identity-revoked". Raises `TryAgain`.
        """
        header = self._header
        standing = await self._book.standing(header.station)
        if standing is None or standing.end is None:
            return
        stream, end, now_us = Stream(header.stream), header.view.head, self._now_us()
        try:
            may_be_drained(standing)
            if not spends(standing.drains, stream, end, now_us):
                return
        except Refused as error:
            raise BadInput(error.name, f"{header.station}: {error.detail}") from error
        opened = drain_of(standing.drains, stream)
        self._word = DrainTaken(
            now_us,
            header.station,
            stream,
            str(end.epoch),
            end.seq,
            end.digest.hex(),
            "" if opened is None else opened.author,
            "",
        )

    async def spend(self) -> None:
        """Say that it is this log that comes; said before, nothing. Raises `BadInput` as `look`, and `TryAgain`."""
        if self._word is None:
            return
        try:
            await self._book.say(self._word)
        except Refused as error:
            raise BadInput(error.name, f"{self._header.station}: {error.detail}") from error
        self._word = None
