"""Runs the health check of this machine to its verdict, and does what follows from it.

On a slot that is on trial it waits until all is well, at the longest as long as the settings say, and commits; if that
does not come to be, it keeps the reason and says that the slot is to be left: its unit then restarts the machine, which
brings the committed slot back. On a committed slot it says what is wrong, and leaves all as it is: there is nothing to
go back to.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from image.errors import BadInput, ImageError, StepFailed
from image.slots.health import AgentHealth, Sick, check_mounts, judge, read_health
from image.slots.machine import Machine
from image.slots.rules import Refused, Standing
from image.slots.settings import Settings

LOOK_EVERY_S: Final = 1.0
_ANSWERS_WITHIN_S: Final = 5.0
_MAX_ANSWER: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it ended: `reason` is what is wrong ("" for nothing), `leave`: the machine is to be restarted."""

    standing: Standing
    reason: str
    leave: bool
    committed: bool


def check(machine: Machine, say: Callable[[str], None], within_s: float | None = None) -> Verdict:
    """Take note of which slot came up, check, and act. Raises `Refused` on a machine without slots, and `OSError`."""
    begun = time.monotonic()
    settings = _settings(machine, say)
    decision = machine.at_boot()
    known = decision.record
    say(f"slot {machine.look().facts.booted} is booted: {decision.standing}")
    if decision.restart:
        return Verdict(decision.standing, "it is not written to its end", True, False)
    ready = known.trial.ready if decision.standing is Standing.TRIAL and known.trial is not None else ()
    sick = _wait(machine, settings, ready, begun + (settings.health_within_s if within_s is None else within_s), say)
    if sick is None and decision.standing is Standing.TRIAL:
        try:
            machine.commit()
        except (OSError, ImageError) as error:
            sick = Sick(f"could not be committed: {error}")
        else:
            return Verdict(Standing.COMMITTED, "", False, True)
    if sick is None:
        return Verdict(decision.standing, "", False, False)
    condemned = machine.condemn(sick.reason)
    return Verdict(decision.standing, sick.reason, condemned.restart, False)


def ask_agent(url: str) -> AgentHealth | Sick:
    """Ask the station's agent how it is."""
    told = _ask(url, "/v1/health", "the agent")
    return told if isinstance(told, Sick) else read_health(told)


def _ask(url: str, path: str, whom: str) -> bytes | Sick:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_ANSWERS_WITHIN_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        data = answer.read(_MAX_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        return Sick(f"{whom} does not answer: {type(error).__name__} {error}")
    finally:
        connection.close()
    return data if answer.status == http.client.OK else Sick(f"{whom} answers {answer.status}")


def _settings(machine: Machine, say: Callable[[str], None]) -> Settings:
    try:
        return machine.settings()
    except BadInput as error:
        # Whoever garbled them must not keep the machine from going back, or from staying.
        say(f"the usual settings are used: {error}")
        return Settings()


def _wait(
    machine: Machine,
    settings: Settings,
    ready: tuple[str, ...] | None,
    until: float,
    say: Callable[[str], None],
) -> Sick | None:
    told = ""
    while True:
        sick = _look(machine, settings, ready)
        if sick is None:
            return None
        if sick.reason != told:
            say(f"not well yet: {sick.reason}")
            told = sick.reason
        if time.monotonic() > until:
            return sick
        time.sleep(LOOK_EVERY_S)


def _look(machine: Machine, settings: Settings, ready: tuple[str, ...] | None) -> Sick | None:
    if (sick := check_mounts(machine.root)) is not None:
        return sick
    if settings.hub:
        told = _ask(settings.hub, "/healthz", "the hub")
        return told if isinstance(told, Sick) else None
    health = ask_agent(settings.agent)
    return health if isinstance(health, Sick) else judge(health, ready)


def try_waiting(machine: Machine, say: Callable[[str], None], again_us: int = 0) -> None:
    """Restart the machine into the slot that waits to be tried; `again_us`: where that cannot be, when it is tried
    again, by the hub's clock. Raises `Refused`, `StepFailed`, `OSError`."""
    settings = machine.settings()
    told = ask_agent(settings.agent) if settings.agent else Sick("a hub has no devices")
    ready = told.ready if isinstance(told, AgentHealth) else None
    machine.asked(ready)
    say("restarting, to try the other slot once")
    try:
        machine.run(settings.tryboot)
    except StepFailed as error:
        # It was not: should the machine restart otherwise, nobody is to say that it was tried.
        machine.not_asked(f"could not be tried: {error}", again_us)
        raise Refused(f"the other slot cannot be tried: {error}") from error
