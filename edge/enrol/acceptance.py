"""Keeps the signed records of hand-over checks beside the identity until the hub has them, whatever the power does.

sealed     acceptance.json is written: from then on there was a check, and this is what it came to
checked    the identity's record says so: it does not begin by itself again
taken      the hub has it, for good; the file stays, for whoever asks the station
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from edge.enrol import files
from edge.enrol.api import Kept
from edge.enrol.certificates import fingerprint, sign
from edge.enrol.enrolment import Enrolment
from edge.enrol.errors import IdentityDamaged, Refused, Unreachable
from edge.enrol.kept import ACCEPTANCE
from edge.errors import EdgeError
from protocol.acceptance import Acceptance, SignedAcceptance, read_record, record_bytes
from protocol.errors import BadInput

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveryWaits:
    """How soon a hub that does not answer is asked again, growing from `first` to `longest`; and one that refuses."""

    first: float = 1.0
    longest: float = 60.0
    refused: float = 3600.0


HUB_OF_A_SHOP = DeliveryWaits()
MOST_KEPT = 10
"""Checks that the hub has not got; a station that nobody connects is not checked more often."""


class Acceptances:
    """Checks of this identity. All methods but `run` are called in the identity's thread, and raise `OSError`."""

    def __init__(
        self,
        enrolment: Enrolment,
        in_thread: Callable[[Callable[[], Any]], Awaitable[Any]],
        waits: DeliveryWaits,
    ) -> None:
        self._enrolment = enrolment
        self._folder = enrolment.folder
        self._in_thread = in_thread
        self._waits = waits
        self._wake = asyncio.Event()
        self._all: tuple[Kept, ...] = ()

    @property
    def kept(self) -> Kept | None:
        """The last check."""
        return self._all[-1] if self._all else None

    def open(self) -> None:
        """Read what is kept, if it is ours."""
        held = self._folder.record.held
        data = files.get(self._folder.path / ACCEPTANCE)
        try:
            found = () if data is None else msgspec.json.decode(data, type=tuple[Kept, ...])
            whose = [read_record(kept.signed.record.encode()).station for kept in found]
        except (msgspec.DecodeError, UnicodeDecodeError, BadInput) as error:
            _log.error("what was kept of hand-over checks cannot be read", extra={"error": str(error)})
            found, whose = (), []
        ours = (kept for kept, name in zip(found, whose, strict=True) if held is not None and name == held.identity)
        self._all = tuple(ours)
        if self._all:
            self._folder.checked()

    def seal(self, draft: Acceptance) -> None:
        """Sign a record by the key in use, and keep it. Raises `IdentityDamaged`."""
        keys = self._folder.in_use
        try:
            pem, key = keys.certificate.read_bytes(), keys.key.read_bytes()
        except OSError as error:
            raise IdentityDamaged(f"no key to sign with: {error.strerror or error}") from error
        serial, certificate = fingerprint(pem)
        data = record_bytes(msgspec.structs.replace(draft, serial=serial, certificate=certificate))
        signature, public_key = sign(data, key)
        sealed = Kept(SignedAcceptance(data.decode(), _base64(signature), _base64(public_key)))
        waiting = tuple(kept for kept in self._all if not kept.taken)
        self._keep((*waiting, sealed)[-MOST_KEPT:])
        self._folder.checked()

    def deliver(self) -> None:
        """Hand what is kept to the hub, the oldest first. Raises `Unreachable`, `Untrusted`, `Refused` (after all)."""
        record = self._folder.record
        refused: Refused | None = None
        for kept in self._all:
            if kept.taken:
                continue
            try:
                self._enrolment.client(record.host, record.port).accept(self._folder.in_use, kept.signed)
                told = msgspec.structs.replace(kept, taken=True, refused="")
            except Refused as error:
                refused, told = error, msgspec.structs.replace(kept, refused=f"{error.name}: {error.detail}")
            if told != kept:
                self._keep(tuple(told if each is kept else each for each in self._all))
        if refused is not None:
            raise refused

    def wake(self) -> None:
        """There is something to be delivered."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver whatever there is, until cancelled."""
        waits = self._waits
        wait_s = waits.first
        while True:
            self._wake.clear()
            if all(kept.taken for kept in self._all) or self._folder.record.named is None:
                wait_s = waits.first
                await self._wake.wait()
                continue
            try:
                await self._in_thread(self.deliver)
            except Unreachable as error:
                _log.warning("hand-over check not delivered yet", extra={"error": str(error)})
                await self._sleep(wait_s)
                wait_s = min(2 * wait_s, waits.longest)
            except (EdgeError, OSError) as error:
                _log.error("hand-over check not taken by the hub", extra={"error": str(error)})
                await self._sleep(waits.refused)
            else:
                _log.info("hand-over check is at the hub")

    def _keep(self, kept: tuple[Kept, ...]) -> None:
        files.put(self._folder.path / ACCEPTANCE, msgspec.json.encode(kept))
        self._all = kept

    async def _sleep(self, seconds: float) -> None:
        """Wait, or until there is another record."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
