"""One round of updating: ask the hub, fetch, check, install, and restart into the trial, as far as all that may be now.

Each step that is done stays done, and each round begins by looking how far the last one came. What hinders is kept in
the record for the station to tell, and never raised: the next round tries again.
"""

from __future__ import annotations

import configparser
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from image.errors import ImageError, StepFailed
from image.slots.checking import try_waiting
from image.slots.fetching import Hub, NotNow, Wrong, fetch, tidy
from image.slots.machine import Machine, is_waiting
from image.slots.offers import may_restart, name_of, try_again_us, why_not
from image.slots.record import Trial
from image.slots.rules import Refused, may_install
from protocol.releases import RELEASE_PATH, Offer, Offered

SYSTEM_CONF: Final = "etc/rauc/system.conf"
_US: Final = 1_000_000


class _Info(msgspec.Struct, frozen=True):
    compatible: str
    version: str


def update(machine: Machine, hub: Hub, say: Callable[[str], None], *, at_once: bool = False) -> None:
    """Do a round; `at_once`: a person says to restart now. Raises `OSError`; `Refused` on a machine without slots."""
    told, offer = machine.look(), None
    try:
        asked = time.monotonic()
        offered = _offered(hub, compatible_of(machine))
        if is_waiting(told):
            _try(machine, told.record.trial, offered, asked, say, at_once=at_once)
            return
        offer = offered.offer
        if offer is None:
            tidy(machine.folder, set())
            machine.tell("current")
            return
        hindered = why_not(offer, compatible_of(machine), told.facts.booted, told.record)
        if hindered is not None:
            tidy(machine.folder, set())
            machine.tell("refused" if hindered else "current", hindered, offer.version, name_of(offer))
            return
        may_install(told.facts, told.record)
        machine.tell("downloading", "", offer.version, name_of(offer))
        bundle = fetch(hub, offer, machine.folder)
        _check(machine, bundle, offer)
        if not at_once and not _may_restart(offered, asked):
            machine.tell("waiting", "for the shop to close", offer.version, name_of(offer))
            return
        _install(machine, bundle, offer, say)
        tidy(machine.folder, set())
        try_waiting(machine, say, try_again_us(offered, _since_us(asked)))
    except Wrong as error:
        _tell(machine, "refused", str(error), offer, say)
        tidy(machine.folder, set())
    except (NotNow, Refused, StepFailed) as error:
        _tell(machine, "failed", str(error), None, say)


def compatible_of(machine: Machine) -> str:
    """Say what bundles this machine takes, as RAUC does. Raises `Refused`."""
    conf = configparser.ConfigParser(interpolation=None)
    try:
        conf.read_string((machine.root / SYSTEM_CONF).read_text("utf-8"))
        return conf["system"]["compatible"]
    except (OSError, UnicodeDecodeError, configparser.Error, KeyError) as error:
        raise Refused(f"/{SYSTEM_CONF} cannot be read") from error


def _offered(hub: Hub, compatible: str) -> Offered:
    status, _, body = hub.get(f"{RELEASE_PATH}?compatible={compatible}")
    if status != 200:
        raise NotNow(f"the hub answers {status}: {body[:200].decode('utf-8', 'replace').strip()}")
    try:
        return msgspec.json.decode(body, type=Offered)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotNow("the hub's answer cannot be read") from error


def _try(
    machine: Machine, trial: Trial | None, offered: Offered, asked: float, say: Callable[[str], None], *, at_once: bool
) -> None:
    """Try what was installed and waits; not again so soon where that could not be begun, unless a person says so."""
    now_us = offered.now_us + _since_us(asked)
    if at_once or (_may_restart(offered, asked) and (trial is None or now_us >= trial.again_us)):
        try_waiting(machine, say, try_again_us(offered, _since_us(asked)))


def _may_restart(offered: Offered, asked: float) -> bool:
    return may_restart(offered, _since_us(asked))


def _since_us(asked: float) -> int:
    return round((time.monotonic() - asked) * _US)


def _check(machine: Machine, bundle: Path, offer: Offer) -> None:
    """Have RAUC judge the signature, before anything is given up for it. Raises `Wrong`, `StepFailed`."""
    command = ["rauc", f"--conf={machine.root / SYSTEM_CONF}", "info", "--output-format=json", str(bundle)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise StepFailed(f"rauc: {error.strerror}") from error
    if done.returncode:
        raise Wrong(f"its signature is not good: {done.stderr.strip()[-300:]}")
    try:
        said = msgspec.json.decode(done.stdout, type=_Info)
    except msgspec.DecodeError as error:
        raise Wrong("RAUC says nothing of it that can be read") from error
    if said.compatible != offer.compatible:
        raise Wrong(f"it is for {said.compatible}, and was offered for {offer.compatible}")
    if said.version != offer.version:
        raise Wrong(f"it is version {said.version}, and was offered as {offer.version}")


def _install(machine: Machine, bundle: Path, offer: Offer, say: Callable[[str], None]) -> None:
    say(f"installing {offer.version}")
    machine.begin(offer.version, name_of(offer))
    machine.tell("installing", "", offer.version, name_of(offer))
    machine.run((*machine.settings().install, str(bundle)))
    if not is_waiting(machine.look()):
        raise StepFailed("RAUC installed it, and did not choose it")
    machine.tell("installed", "", offer.version, name_of(offer))


def _tell(machine: Machine, step: str, detail: str, offer: Offer | None, say: Callable[[str], None]) -> None:
    say(detail)
    try:
        version, name = ("", "") if offer is None else (offer.version, name_of(offer))
        machine.tell(step, detail, version, name)
    except (ImageError, OSError) as error:
        say(f"and that could not be kept: {error}")
