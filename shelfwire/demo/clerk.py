"""A person with a scanner at one station, who knows of every scan whether it counted.

Green light: it counted. Red: it did not. No light, because the station went dark: nobody knows, so the person waits
until it is back and looks at the receipt, which is what the disk held while the station was down. If the scan is on
it, it counted, and scanning again would sell twice; if it is not, it must be scanned again. What the station had
only in mind, such as a quantity card, is gone with the dark, so a line that was cut off is begun anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from protocol.cards import Card, EndCard, QuantityCard, UndoCard, card_text
from shelfwire.demo.post import Post

CODE_128 = "]C0"
TRIES = 10
LOOK_S = 0.01


class GaveUp(Exception):
    """A person tried as often as people do, and the station would not."""


class Clerk:
    """Uses one station; one thing at a time. `pause` is what a person needs between two movements."""

    def __init__(self, post: Post, pause: Callable[[], Awaitable[None]]) -> None:
        self._post = post
        self._pause = pause
        self._pulled_in = 0
        self._pulled = asyncio.Event()
        self.scanned = 0
        """Scans that counted: goods moved, readings of a count, undos."""
        self.cards = 0
        """Cards that were taken; of these the station keeps no entry as a scan."""
        self.counted_codes = 0
        """Codes in counts that were closed."""
        self.refused = 0
        self.unanswered = 0
        self.found_durable = 0
        """Unanswered scans and cards that were on the receipt."""
        self.answered_ms: list[float] = []
        """How long each yes took, from the trigger to the light."""

    @property
    def scanned_by_hardware(self) -> int:
        """Scans that counted, by the scanner's own counter of yeses: the shop's side of the balance."""
        return self._post.scanner.accepted + self.found_durable - self.cards

    async def until_trigger(self) -> None:
        """Wait until the trigger is pulled and the light is not there yet."""
        await self._pulled.wait()

    async def line(self, label: str, pieces: int = 1, grams: int | None = None) -> None:
        """Scan goods: so many pieces by quantity card, or so many grams on the scale. Raises `GaveUp`."""
        for _ in range(TRIES):
            life = await self._post.wait_up()
            if grams is not None and not await self._weigh(grams, life):
                continue
            if pieces != 1:
                if await self._card(QuantityCard(pieces)) is not True:
                    continue
                await self._pause()
            if self._post.is_up and self._post.life == life and await self._counts(label):
                self._lift()
                return
        raise GaveUp(f"{self._post.name} would not take {label}")

    async def card(self, card: Card) -> None:
        """Scan a command card that leaves no entry, until it is taken. Raises `GaveUp`."""
        for _ in range(TRIES):
            await self._post.wait_up()
            if await self._card(card):
                return
        raise GaveUp(f"{self._post.name} would not take the card {card_text(card)}")

    async def undo(self) -> bool:
        """Take the last line back; False if the station says there is nothing to take back. Raises `GaveUp`."""
        for _ in range(TRIES):
            life = await self._post.wait_up()
            if await self._counts(CODE_128 + card_text(UndoCard())):
                return True
            if self._post.life == life:
                return False
        raise GaveUp(f"{self._post.name} would not undo")

    async def end_count(self, codes: int) -> None:
        """Close a count of so many codes. Raises `GaveUp`."""
        for _ in range(TRIES):
            await self._post.wait_up()
            answer = await self._pull(CODE_128 + card_text(EndCard()))
            if answer is None:
                answer = await self._receipt(lambda: self._post.at_rest.counts() > self.counted_codes)
            if answer:
                self.cards += 1
                self.counted_codes += codes
                return
            self.refused += 1
        raise GaveUp(f"{self._post.name} would not end the count")

    async def _card(self, card: Card) -> bool | None:
        answer = await self._pull(CODE_128 + card_text(card))
        if answer is None:
            await self._receipt(lambda: False)
        self.cards += answer is True
        self.refused += answer is False
        return answer

    async def _counts(self, text: str) -> bool:
        """Scan what leaves an entry, and find out whether it did."""
        answer = await self._pull(text)
        if answer is None:
            answer = await self._receipt(lambda: self._post.at_rest.scans() > self.scanned)
        elif not answer:
            self.refused += 1
        self.scanned += answer
        return answer

    async def _pull(self, text: str) -> bool | None:
        """Pull the trigger once. Between the look at the light and the trigger nothing else can happen."""
        if not self._post.is_up:
            # It went dark while the hand was on its way: as if the trigger had not been pulled.
            await self._post.wait_up()
        self._pulled_in = self._post.life
        pulled = time.perf_counter()
        self._pulled.set()
        try:
            answer = await self._post.scanner.scan(text)
        finally:
            self._pulled.clear()
        if answer is True:
            self.answered_ms.append((time.perf_counter() - pulled) * 1000)
        if answer is None and self._post.is_up:
            raise GaveUp(f"{self._post.name} is up and says neither yes nor no to {text}")
        return answer

    async def _receipt(self, is_on_it: Callable[[], bool]) -> bool:
        """Wait for the life after the one that the trigger was pulled in, and look."""
        self.unanswered += 1
        await self._post.wait_up()
        if self._post.life == self._pulled_in:
            raise GaveUp(f"{self._post.name} went dark and is up in the same life")
        found = is_on_it()
        self.found_durable += found
        return found

    async def _weigh(self, grams: int, life: int) -> bool:
        """Lay goods on the scale and wait until the station has asked for their weight; False if it went dark.

        After one question whatever it had heard before of an emptier scale is dealt with.
        """
        scale = self._post.scale
        if scale is None:
            raise GaveUp(f"there is no scale at {self._post.name}")
        scale.put(grams)
        asked = scale.asked
        while scale.asked == asked:
            if not self._post.is_up or self._post.life != life:
                return False
            await asyncio.sleep(LOOK_S)
        return True

    def _lift(self) -> None:
        if self._post.scale is not None:
            self._post.scale.put(0)
