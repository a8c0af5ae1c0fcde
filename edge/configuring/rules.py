"""The life of a version of settings at a station: offered, tried, good or failed. Pure: what is kept after each step.

offered ─ fits? ─ no ──────────────────────────────► failed
            └ yes ─ idle ─► trial ─ healthy ───────► good
                               ├── deadline passed ─► failed, and the good one before runs again
                               └── began MAX_BEGUN times and never came so far ─► failed
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from edge.configuring.kept import Failed, Kept, Trial
from edge.settings import DeviceSettings
from protocol.identity import DeviceId
from protocol.station_settings import Version

MAX_BEGUN: Final = 3
MAX_REASON: Final = 300


def against(table: Mapping[str, object], release: str) -> str:
    """Stand for what a version is tried against: the local file's table and our release."""
    told = msgspec.json.encode([table, release], enc_hook=str, order="deterministic")
    return hashlib.sha256(told).hexdigest()[:16]


def is_news(kept: Kept, name: str, here: str) -> bool:
    """Whether a version is one to be tried; one that failed on other local settings, or before an update, is."""
    failed = kept.failed
    if failed is not None and (failed.name, failed.against) == (name, here):
        return False
    return name not in (kept.good and kept.good.name, kept.trial and kept.trial.version.name)


def required(
    old: Mapping[DeviceId, DeviceSettings], new: Mapping[DeviceId, DeviceSettings], well: Collection[str]
) -> tuple[str, ...]:
    """List the devices that must come up: those that were well, and those that are new or have another driver now.

    One that was not there before, a scanner on its charger, says nothing of the settings.
    """
    return tuple(name for name, one in new.items() if name in well or name not in old or old[name].driver != one.driver)


def tried(kept: Kept, version: Version, must: tuple[str, ...]) -> Kept:
    """A version is to be tried from the next beginning on."""
    return replace(kept, trial=Trial(version=version, required=must))


def begun(kept: Kept, here: str) -> Kept:
    """The station begins: a trial is begun once more, or was begun too often."""
    if kept.trial is None:
        return kept
    if kept.trial.begun >= MAX_BEGUN:
        return given_up(kept, here, f"the station stopped {kept.trial.begun} times before its devices were well")
    return replace(kept, trial=replace(kept.trial, begun=kept.trial.begun + 1))


def proved(kept: Kept) -> Kept:
    """The version that was tried is good."""
    return kept if kept.trial is None else replace(kept, good=kept.trial.version, trial=None, failed=None)


def given_up(kept: Kept, here: str, reason: str) -> Kept:
    """The version that was tried is not good."""
    return kept if kept.trial is None else refused(replace(kept, trial=None), kept.trial.version.name, here, reason)


def refused(kept: Kept, name: str, here: str, reason: str) -> Kept:
    """A version is not to be tried again."""
    return replace(kept, failed=Failed(name=name, against=here, reason=reason[:MAX_REASON]))


def held_to_be_good(kept: Kept, version: Version) -> Kept:
    """A version is good without a trial: it changes nothing here."""
    return replace(kept, good=version, failed=None)
