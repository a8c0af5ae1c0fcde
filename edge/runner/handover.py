"""The hand-over check at work: begun, walked through by what the station reads and what a person says, sealed, told of.

The rules are `edge.station.handover`; this gives them the time, the devices and the lights, and their record to whoever
signs it. The runner asks it of every reading first; most of the time there is no check, and that costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from edge.clock import Clock
from edge.codecs.readings import Reading, Scan, TagRead, Weight
from edge.drivers.feedback import Feedback
from edge.errors import EdgeError
from edge.station.actions import Rejected
from edge.station.anchoring import Anchoring
from edge.station.handover import Check
from edge.station.handover_evidence import CHECK_TEXT
from edge.station.handover_steps import Cue, Phase, Planned, Taken
from edge.station.happenings import DeviceCondition
from protocol.acceptance import Acceptance
from protocol.cards import EndCard, card_text
from protocol.errors import BadInput
from protocol.events import When
from protocol.identity import DeviceId

END_TEXT: Final = card_text(EndCard())
LOOK_EVERY_S: Final = 0.25
SETTLE_S: Final = 10.0
"""How long devices that are being opened are waited for before a check begins by itself."""
SHOW_AFTER_S: Final = 1.2
"""What is asked about is not shown while the green of the step before is."""

_log = logging.getLogger(__name__)


class Sealing(Protocol):
    """Who signs and keeps records; `edge.enrol.desk.EnrolDesk` is one."""

    @property
    def to_check(self) -> bool: ...

    async def seal(self, draft: Acceptance) -> None: ...

    async def not_to_check(self) -> None: ...


class Whose(Protocol):
    """Who the station is; `edge.settings.Settings` is one."""

    @property
    def store(self) -> str: ...
    @property
    def station(self) -> str: ...
    @property
    def position(self) -> str: ...


class HandoverDesk:
    """One at a station that has an identity; `run` works until cancelled."""

    def __init__(
        self,
        plan: Sequence[Planned],
        feedback: Feedback,
        clock: Clock,
        anchoring: Anchoring,
        sealing: Sealing,
        whose: Whose,
        software: str,
    ) -> None:
        self.plan = tuple(plan)
        self.check: Check | None = None
        self._feedback = feedback
        self._clock = clock
        self._anchoring = anchoring
        self._sealing = sealing
        self._whose = whose
        self._software = software
        self._begun: When | None = None
        self._wake = asyncio.Event()
        self._news = asyncio.Event()
        self._conditions: Callable[[], Sequence[DeviceCondition]] = tuple
        self._busy: Callable[[], bool] = bool
        self._ambient: Callable[[], frozenset[bytes]] = frozenset
        self._weights: dict[DeviceId, Weight] = {}
        self.failure = ""
        """Why the last record could not be kept; it is tried again."""

    def attach(
        self,
        conditions: Callable[[], Sequence[DeviceCondition]],
        busy: Callable[[], bool],
        ambient: Callable[[], frozenset[bytes]],
    ) -> None:
        """Learn from the runner how the devices are, whether the station is at something, and which tags lie about."""
        self._conditions, self._busy, self._ambient = conditions, busy, ambient

    @property
    def running(self) -> bool:
        """Whether a check goes on."""
        return self.check is not None and self.check.running

    def take(self, device: DeviceId, reading: Reading, *, in_session: bool) -> Taken | None:
        """Take a reading for the check, or leave it to the station: None. `in_session`: END ends its session first."""
        if isinstance(reading, Weight):
            self._weights[device] = reading
        if self.check is None or not self.check.running:
            return self._begun_by(reading)
        if isinstance(reading, Scan) and reading.text == END_TEXT and in_session:
            return None
        taken = self.check.on_reading(device, reading, self._clock.up_us())
        if taken is not None and isinstance(reading, Scan):
            # The answer to the scan is the same light and tone.
            self.check.cues = [cue for cue in self.check.cues if cue is not Cue.PASSED]
        if taken is not None or not isinstance(reading, TagRead):
            self._changed()
        return taken

    def begin(self) -> None:
        """Begin a check, in place of one that goes on. Raises `BadInput` ("nothing-to-check", "busy")."""
        if not self.plan:
            raise BadInput("nothing-to-check", "the station's settings name no device")
        if self._busy():
            raise BadInput("busy", "an item waits for its weight, or a count is open: end that first")
        self._begun = self._clock.now()
        self.check = Check(secrets.token_hex(8), self.plan, self._begun.up_us, self._ambient(), self._weights)
        self._look(self.check)
        self._changed()
        _log.info("hand-over check begun", extra={"check": self.check.name})

    def say(self, word: str, *, step: int = -1, text: str = "") -> None:
        """Do what a person at the page or a command says.

        Raises `BadInput`: "no-check", "bad-request", and those of `Check`.
        """
        if word == "begin":
            self.begin()
            return
        check, now_us = self.check, self._clock.up_us()
        if check is None or not check.running:
            raise BadInput("no-check", "no hand-over check goes on")
        match word:
            case "yes" | "no":
                check.answer(word == "yes", now_us)
            case "skip":
                check.skip(text, now_us)
            case "again":
                check.again(step, now_us)
            case "finish":
                check.finish()
            case "leave":
                check.leave()
            case "who":
                check.name_person(text, now_us)
            case _:
                raise BadInput("bad-request", "begin, yes, no, skip, again, finish, leave or who")
        self._changed()

    @property
    def news(self) -> asyncio.Event:
        """Is set once there is something newer to be seen than now."""
        return self._news

    def weight(self, device: DeviceId) -> Weight | None:
        """Give what a scale said last."""
        return self._weights.get(device)

    @property
    def seconds_left(self) -> int:
        """How long what goes on is waited for."""
        until_us = None if self.check is None else self.check.next_deadline_us
        return 0 if until_us is None else max(0, (until_us - self._clock.up_us()) // 1_000_000)

    async def run(self) -> None:
        """Walk through checks as they come, until cancelled; the first begins by itself at a station that is new."""
        if self._sealing.to_check and self.plan:
            await self._settled()
            if not self.running and not self._busy():
                self.begin()
        while True:
            await self._wake.wait()
            self._wake.clear()
            check = self.check
            if check is None or self._begun is None:
                continue
            await self._show(check)
            while check is self.check and check.running:
                try:
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._wake.wait()
                    self._wake.clear()
                except TimeoutError:
                    pass
                before = check.phase, check.at, check.trouble
                self._look(check)
                check.on_tick(self._clock.up_us())
                await self._show(check)
                if (check.phase, check.at, check.trouble) != before:
                    self._tell()
            if check is self.check:
                await self._conclude(check)

    async def _conclude(self, check: Check) -> None:
        begun, self._begun = self._begun, None
        if begun is None:
            return
        try:
            if check.phase is Phase.DONE:
                await self._sealing.seal(self._draft(check, begun))
            elif check.left != "nobody-there":
                await self._sealing.not_to_check()
            self.failure = ""
        except EdgeError as error:
            _log.error("hand-over check not kept", extra={"error": str(error)})
            self.failure = str(error)
        _log.info("hand-over check ended", extra={"check": check.name, "how": check.left or "done"})
        self._tell()

    def _draft(self, check: Check, begun: When) -> Acceptance:
        ended, whose = self._clock.now(), self._whose
        begun_us = self._anchoring.utc_us(begun)
        return Acceptance(
            check=check.name,
            store=whose.store,
            station=whose.station,
            position=whose.position,
            person=check.person,
            begun_us=begun_us,
            ended_us=max(begun_us, self._anchoring.utc_us(ended)),
            clock_error_us=self._anchoring.error_us(ended),
            software=self._software,
            serial="0",
            certificate="0",
            steps=tuple(step.done for step in check.steps),
        )

    def _begun_by(self, reading: Reading) -> Taken | None:
        """Begin a check by its card; nothing else does."""
        if not isinstance(reading, Scan) or reading.text != CHECK_TEXT:
            return None
        try:
            self.begin()
        except BadInput as error:
            return Taken(Rejected(error.name, error.detail))
        return Taken()

    async def _settled(self) -> None:
        """Wait for devices that are being opened."""
        give_up_us = self._clock.up_us() + round(SETTLE_S * 1e6)
        # A device says that it opened to those who listen, and there may be no room for one more.
        while self._clock.up_us() < give_up_us and any(one.status == "closed" for one in self._conditions()):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self, check: Check) -> None:
        now_us = self._clock.up_us()
        for one in self._conditions():
            check.on_condition(one.device, one.status, one.note, now_us)

    async def _show(self, check: Check) -> None:
        while check.cues:
            match check.cues.pop(0):
                case Cue.LOOK:
                    await self._feedback.attention()
                case Cue.PASSED:
                    await self._feedback.accepted()
                case Cue.FAILED:
                    await self._feedback.refused()
                case Cue.SHOW_LIGHTS:
                    await asyncio.sleep(SHOW_AFTER_S)
                    await self._feedback.refused()
                    await self._feedback.accepted()
                case Cue.SHOW_TONE:
                    await asyncio.sleep(SHOW_AFTER_S)
                    await self._feedback.attention()

    def _changed(self) -> None:
        self._wake.set()
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
