"""Keeps the broker's files true to the identities while the hub runs, and sees to it that mosquitto takes them.

Who may speak, and which certificates are no longer good, follows the book; both lists are written anew when it
changes, and the list of the revoked every day, for everybody is refused once it is too old. mosquitto reads them again
when it is told to (SIGHUP). That silences who was struck from them, but leaves its connection: after a revocation
mosquitto is restarted instead, which drops every connection, and all others come back by themselves.

Whether mosquitto has taken them is asked of it: the list names a topic that the hub may speak under while it holds. So
a request that got lost is repeated, and a broker that takes nothing is told of instead of being believed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from protocol.errors import BadInput
from protocol.identity import StoreId
from provisioning.authority import LIST_DAYS, Authority
from provisioning.book import IdentityBook
from provisioning.broker_config import REVOKED, generation_topic
from provisioning.broker_files import content, write_files
from provisioning.broker_lists import Lists, list_until_us, lists_of
from provisioning.broker_place import BrokerPlace
from provisioning.certificates import DAY_US
from provisioning.errors import ProvisioningError

TAKEN = "taken"
"""The file with the generation that mosquitto is known to have taken last."""
LOOK_S = 1.0
AGAIN_S = 10.0
"""mosquitto is not asked for the same thing more often: systemd starts a unit five times in ten seconds, and then no
more."""
COMMAND_S = 30.0
PREPARE_S = 600.0
"""So often the authority is read, and the certificates of broker and hub are looked at."""

_log = logging.getLogger(__name__)


class Take(IntEnum):
    """What mosquitto has to do: nothing, read its lists again, or begin anew without anybody's connection."""

    NOTHING = 0
    RELOAD = 1
    RESTART = 2


class Broker(Protocol):
    """The hub's connection to its broker."""

    @property
    def connections(self) -> int:
        """How often it was reached since the start."""
        ...

    async def may_say(self, topic: str) -> bool | None:
        """Whether the hub may speak under a topic, None while the broker is not reached."""
        ...


@dataclass(frozen=True, slots=True)
class Commands:
    """How mosquitto is made to take its files: a program with its arguments; without one, a file is touched.

    The files are `reload` and `restart` beside the lists, for a path unit of systemd to watch: so the hub needs no
    rights over mosquitto.
    """

    folder: Path
    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()

    async def ask(self, take: Take, now_us: int) -> None:
        """Ask for it. Raises `OSError`, `TimeoutError`."""
        command = self.restart if take is Take.RESTART else self.reload
        if not command:
            # Truncated, not replaced: `PathModified=` and `PathChanged=` both see it.
            await asyncio.to_thread((self.folder / take.name.lower()).write_text, f"{now_us}\n")
            return
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(COMMAND_S):
                _, said = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise OSError(
                f"{command[0]} ended with {process.returncode}: {said[-200:].decode(errors='replace').strip()}"
            )


class BrokerKeeper:
    """One at a hub. `run` until cancelled; never stops the hub."""

    def __init__(
        self,
        store: StoreId,
        book: IdentityBook,
        load: Callable[[], Authority],
        broker: Broker,
        place: BrokerPlace,
        commands: Commands,
        now_us: Callable[[], int],
        again: tuple[type[Exception], ...] = (),
    ) -> None:
        """`load` reads the store's authority, from its folder; it may be made while the hub runs.

        `again` are what the book raises when it is to be asked again later.
        """
        self._store = store
        self._book = book
        self._load = load
        self._broker = broker
        self._commands = commands
        self._place = place
        self._now_us = now_us
        self._tried_again: tuple[type[Exception], ...] = (BadInput, ProvisioningError, OSError, TimeoutError, *again)
        self._written: Lists | None = None
        self._authority: Authority | None = None
        self._due = Take.NOTHING
        self._prepare_at_s = 0.0
        self._asked = Take.NOTHING
        self._asked_at_s = self._restarted_at_s = -AGAIN_S
        self._connections = 0
        self._current = False
        self._made_us = 0
        self.failure = ""
        self.list_until_us: int | None = None
        """Until when mosquitto may go by the list of the revoked that it has taken: after that it refuses everybody."""

    def is_current(self) -> bool:
        """Whether mosquitto is known to have taken all that the book says."""
        return self._current

    async def run(self) -> None:
        """Follow the book."""
        while True:
            try:
                await self._look()
                self._failed("")
            except self._tried_again as error:
                self._failed(str(error) or type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        authority = self._authority
        now_s = asyncio.get_running_loop().time()
        if authority is None or now_s >= self._prepare_at_s:
            authority = self._authority = await asyncio.to_thread(self._load)
            if await asyncio.to_thread(self._place.prepare, authority, self._now_us()):
                self._want(Take.RELOAD)
            self._prepare_at_s = now_s + PREPARE_S
        lists = lists_of(await self._book.standings(), self._store, self._now_us())
        if self._written is None or lists.generation != self._written.generation:
            if self._written is None:
                self.list_until_us = await asyncio.to_thread(list_until_us, self._place.folder / REVOKED)
            self._made_us = self._now_us()
            files = lists.files(authority, self._made_us)
            self._want(await asyncio.to_thread(self._write, lists, files))
            self._written = lists
        if not self._current:
            await self._see_to_it(lists.generation)

    def _want(self, take: Take) -> None:
        self._due = max(self._due, take)
        self._current = False
        self._asked = Take.NOTHING

    def _write(self, lists: Lists, files: Mapping[str, bytes]) -> Take:
        folder = self._place.folder
        write_files(folder, files)
        if self._written is not None:
            return Take.RESTART if lists.serials - self._written.serials else Take.RELOAD
        # A hub that just began does not know whom the broker still talks to, unless it had seen to all of this before.
        return Take.NOTHING if content(folder / TAKEN) == lists.generation.encode() else Take.RESTART

    async def _see_to_it(self, generation: str) -> None:
        taken = await self._broker.may_say(generation_topic(self._store, generation))
        if taken and self._was_done():
            await asyncio.to_thread(write_files, self._place.folder, {TAKEN: generation.encode()})
            _log.info("broker has taken the identities", extra={"generation": generation})
            self._due, self._current = Take.NOTHING, True
            self.list_until_us = self._made_us + LIST_DAYS * DAY_US
            return
        if taken is False and self._due is Take.NOTHING:
            self._due = Take.RESTART
        now_s = asyncio.get_running_loop().time()
        # Between restarts the revoked are silenced by a reload, and wait for the next one to lose their connection.
        take = min(self._due, Take.RELOAD) if now_s - self._restarted_at_s < AGAIN_S else self._due
        if take is Take.NOTHING or (take <= self._asked and now_s - self._asked_at_s < AGAIN_S):
            return
        if take <= self._asked:
            _log.error("broker has not taken the identities", extra={"asked": take.name.lower()})
        self._asked, self._asked_at_s = take, now_s
        if take is Take.RESTART:
            self._restarted_at_s, self._connections = now_s, self._broker.connections
        await self._commands.ask(take, self._now_us())

    def _was_done(self) -> bool:
        if self._due is Take.RESTART:
            return self._asked is Take.RESTART and self._broker.connections > self._connections
        return self._due <= self._asked

    def _failed(self, failure: str) -> None:
        if failure and failure != self.failure:
            _log.error("broker not kept up to date", extra={"error": failure})
        self.failure = failure
