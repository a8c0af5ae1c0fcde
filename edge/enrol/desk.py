"""The identity at work in the agent: takes invitations, follows them, and says how it stands; `tending` keeps it good.

One thread does what blocks; the event loop sees `standing`. What an invitation holds is told to nobody.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from edge.enrol.acceptance import HUB_OF_A_SHOP, Acceptances, DeliveryWaits
from edge.enrol.api import Kept, Standing, Wire
from edge.enrol.enrolment import Enrolment
from edge.enrol.errors import NotNow, Refused, Unreachable, Untrusted
from edge.enrol.est import EstClient
from edge.enrol.folder import IdentityFolder
from edge.enrol.moment import Moment
from edge.enrol.record import Record, State
from edge.enrol.seeking import Seek, by_mdns
from edge.enrol.tending import OF_A_SHOP, Tending, Waits
from edge.errors import ContractBroken, EdgeError
from protocol.acceptance import Acceptance
from protocol.invitation import read_invitation

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 15.0
"""How soon a hub that did not answer is asked again."""

T = TypeVar("T")
_log = logging.getLogger(__name__)


class EnrolDesk:
    """Opened with `async with`; `run` works until cancelled. `turned` is set once there are other papers to work by."""

    def __init__(
        self,
        folder: IdentityFolder,
        moment: Moment,
        connect: Callable[[str, int], EstClient],
        waits: Waits = OF_A_SHOP,
        delivery: DeliveryWaits = HUB_OF_A_SHOP,
        seek: Seek = by_mdns,
    ) -> None:
        self._folder = folder
        self._moment = moment
        self._enrolment = Enrolment(folder, moment, connect, seek)
        self._tending = Tending(self._enrolment, self.in_thread, waits)
        self._acceptances = Acceptances(self._enrolment, self.in_thread, delivery)
        self._thread: ThreadPoolExecutor | None = None
        self._step = ""
        self._words = ""
        self._following = b""
        self._wake = asyncio.Event()
        self.turned = self._tending.turned

    async def __aenter__(self) -> Self:
        """Read the identity. Raises `EdgeError`."""
        self._thread = ThreadPoolExecutor(1, "enrol")
        try:
            await self.in_thread(self._open)
        except OSError as error:
            self._thread.shutdown()
            self._thread = None
            raise EdgeError(f"{self._folder.path}: {error.strerror or error}") from error
        _log.info("identity", extra={"state": self.standing.state.value, "identity": self.standing.identity})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            # What is asked just now ends by its own patience: the steps before it are kept.
            self._thread.shutdown(wait=False, cancel_futures=True)
            self._thread = None

    @property
    def record(self) -> Record:
        """What is known of the identity."""
        return self._folder.record

    def take_up(self) -> Record:
        """Give what is known of the identity, to be worked by from now on until `turned` is set."""
        record = self._folder.record
        self._tending.working_by = record.works_by
        self.turned.clear()
        return record

    @property
    def at_least_us(self) -> int | None:
        """What time it is at least (UTC), where the machine's clock cannot be right; None where it can."""
        return None if self._moment.clock_is_set else self._moment.now_us

    @property
    def standing(self) -> Standing:
        """How the station stands now."""
        record = self._folder.record
        held = record.fresh or record.held
        return Standing(
            state=record.state(self._moment.now_us),
            step=self._step,
            words=self._words or record.ended or record.refused,
            identity="" if held is None else held.identity,
            store="" if held is None else held.store,
            position="" if record.papers is None else record.papers.position,
            not_after_us=None if held is None else held.not_after_us,
            renew_us=None if held is None else held.renew_us,
        )

    async def offer(self, text: str) -> None:
        """Take an invitation, as scanned or typed; returns once it is on disk and will be followed.

        Raises `BadInput` for one that is mistyped, `NotNow` where none is taken, `EdgeError` if it cannot be kept.
        """
        read_invitation(text)
        self._check_open()
        digits = "".join(char for char in text if char.isdigit())
        mark = hashlib.sha256(digits.encode()).digest()
        if mark == self._following:
            self._wake.set()
            return
        try:
            await self.in_thread(lambda: self._begin(digits))
        except OSError as error:
            raise EdgeError(f"the invitation cannot be kept: {error.strerror or error}") from error
        self._following, self._step, self._words = mark, "waiting", ""
        _log.info("invitation taken")
        self._wake.set()

    async def run(self, wire: Wire) -> None:
        """Follow what is to be followed, and keep the identity good; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._tending.run(wire))
            group.create_task(self._acceptances.run())

    @property
    def kept(self) -> Kept | None:
        """The last hand-over check of this identity; None: there was none."""
        return self._acceptances.kept

    @property
    def to_check(self) -> bool:
        """Whether the station has become somebody, and nobody has walked through its devices."""
        return self.record.to_check

    async def seal(self, draft: Acceptance) -> None:
        """Sign and keep the record of a check, which goes to the hub as soon as may be. Raises `EdgeError`."""
        try:
            await self.in_thread(lambda: self._acceptances.seal(draft))
        except OSError as error:
            raise EdgeError(f"the record cannot be kept: {error.strerror or error}") from error
        self._acceptances.wake()

    async def not_to_check(self) -> None:
        """Somebody would not walk through the devices: it is not begun by itself again. Raises `EdgeError`."""
        try:
            await self.in_thread(self._folder.checked)
        except OSError as error:
            raise EdgeError(f"this cannot be kept: {error.strerror or error}") from error

    async def told(self, hub_us: int) -> None:
        """Take what the hub's clock said over a verified connection."""
        try:
            await self.in_thread(lambda: self._moment.told(hub_us))
        except OSError as error:
            _log.warning("time floor not kept", extra={"error": str(error)})

    async def in_thread(self, job: Callable[[], T]) -> T:
        """Have the one thread do something; its steps follow each other."""
        if self._thread is None:
            raise ContractBroken("the desk is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)

    def _check_open(self) -> None:
        standing = self.standing
        if standing.state in (State.ENROLLED, State.RENEWING):
            raise NotNow(f"this is {standing.identity} of {standing.store}, at {standing.position}, and enrolled")

    def _begin(self, digits: str) -> None:
        # Once more: what the thread did while this waited for it may have been the enrolment itself.
        self._check_open()
        self._folder.begin(digits)

    def _open(self) -> None:
        self._folder.open()
        self._moment.open()
        self._acceptances.open()

    def _tell(self, step: str) -> None:
        self._step, self._words = step, ""

    async def _follow(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            self._wake.clear()
            asking = self.record.asking
            if asking is None or asking.renews:
                wait_s = FIRST_WAIT_S
                await self._wake.wait()
                continue
            try:
                await self.in_thread(lambda: self._enrolment.ask(self._tell))
            except Unreachable as error:
                _log.warning("hub not reached", extra={"error": str(error)})
                await self._wait(f"the hub does not answer yet: {error}", wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except OSError as error:
                _log.error("identity not kept", extra={"error": str(error)})
                await self._wait(f"the disk does not take it: {error.strerror or error}", LONGEST_WAIT_S)
            except (Refused, Untrusted) as error:
                self._step, self._words, self._following = "", "", b""
                name = error.name if isinstance(error, Refused) else "untrusted"
                _log.error("not enrolled", extra={"reason": name, "error": str(error)})
            else:
                self._step, self._words, self._following = "", "", b""
                _log.info("enrolled", extra={"identity": self.standing.identity})
                self.turned.set()

    async def _wait(self, words: str, wait_s: float) -> None:
        """Wait to try again, or until an invitation comes."""
        self._step, self._words = "waiting", words
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            pass
