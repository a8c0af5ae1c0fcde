"""Takes settings from the station's catalogue: waits for an idle moment, tries them, keeps them or goes back by itself.

Whoever builds the station asks `begin` which settings it is to be built by, and does so anew whenever `run` ends. All
that is decided is on disk before anything is done by it, so that a power cut at any step leaves a station that begins
with the settings before or the new ones, and knows which.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from msgspec.structs import replace

from edge.catalogue.errors import CatalogueFailing
from edge.configuring import rules
from edge.configuring.devices import ill, required
from edge.configuring.kept import Kept, Trial, read_kept, write_kept
from edge.configuring.laying import laid_under
from edge.errors import BadSettings, ContractBroken
from edge.settings import Settings
from edge.station.happenings import StationStatus
from protocol.catalogue import Scope
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.state import SettingDrift, SettingsState
from protocol.station_settings import KEY, Version, position_scope, version_of

POLL_S: Final = 0.5
STEADY_S: Final = 2.0
"""How long all devices must be well before a version is good."""
LETTING_GO_S: Final = 10.0
"""How long a station with settings that failed still waits for an item's weight or a count before it goes back."""
MOST_DRIFT: Final = 20

_log = logging.getLogger(__name__)


class Held(Protocol):
    """The part of the station's catalogue that is asked."""

    @property
    def position(self) -> Position | None: ...

    def setting(self, key: str, scopes: Sequence[Scope]) -> str | None: ...


class AtWork(Protocol):
    """The part of the runner that is asked."""

    @property
    def status(self) -> StationStatus: ...

    @property
    def busy(self) -> bool: ...


class SettingsDesk:
    """One for the agent's life; `begin` reads the disk first. `check` builds devices, opening none."""

    def __init__(self, data_dir: Path, release: str, check: Callable[[Settings], object]) -> None:
        self._data_dir = data_dir
        self._release = release
        self._check = check
        self._base: Settings | None = None
        self._settings: Settings | None = None
        self._applied: Version | None = None
        self._drift: tuple[SettingDrift, ...] = ()
        self._kept = Kept()
        self._here = ""
        self._held = ""
        self._doing = ""
        self._speak: Callable[[], None] = _nobody

    def begin(self, base: Settings) -> Settings:
        """Say by which settings the station is to be built now; `base` are its own."""
        owner = f"{base.store}/{base.position}"
        if self._base is None:
            self._kept, why = self._read()
            if why:
                _log.error("settings from the hub cannot be read", extra={"why": why})
        if self._kept.owner != owner:
            # Of another position: what held there says nothing of this one.
            self._kept = Kept(owner=owner)
        self._base, self._here, self._doing = base, rules.against(base.table, self._release), ""
        self._kept = self._begun()
        settings = self._settled(base)
        self._settings = settings
        return settings

    async def run(self, catalogue: Held, runner: AtWork, speak: Callable[[], None]) -> None:
        """Look after the settings until the station is to be built anew; `speak` has the hub told of a change."""
        self._speak = speak
        trial, settings, base = self._kept.trial, self._settings, self._base
        if settings is None or base is None:
            raise ContractBroken("settings are looked after once the station has begun with some")
        if trial is not None and self._doing == "trying" and not await self._prove(trial, settings, runner):
            return
        await self._take(base, settings, catalogue, runner)

    def broke(self, error: Exception) -> bool:
        """Say whether settings that are tried may be why the station cannot work; then they are given up."""
        if self._doing != "trying" or self._kept.trial is None:
            return False
        _log.error("station failed under new settings", exc_info=error)
        return self._save(rules.given_up(self._kept, self._here, f"the station failed: {error}"))

    @property
    def state(self) -> SettingsState:
        """What the hub is told."""
        base, failed = self._base, self._kept.failed
        return SettingsState(
            position="" if base is None else base.position,
            held=self._held or (self._applied.name if self._applied is not None else ""),
            applied="" if self._applied is None else self._applied.name,
            failed="" if failed is None else failed.name,
            reason="" if failed is None else failed.reason,
            doing=self._doing,
            drifts=len(self._drift),
            drift=self._drift[:MOST_DRIFT],
        )

    def _begun(self) -> Kept:
        """Note that a trial is begun; one that cannot be noted is put off."""
        kept = rules.begun(self._kept, self._here)
        if kept == self._kept or self._write(kept):
            return kept
        return replace(self._kept, trial=None)

    def _settled(self, base: Settings) -> Settings:
        trial, good = self._kept.trial, self._kept.good
        if trial is not None:
            try:
                settings = self._built(base, trial.version)
            except BadSettings as error:
                # The local file is another than when it was found to fit.
                self._save(rules.given_up(self._kept, self._here, str(error)))
            else:
                self._doing = "trying"
                _log.info("settings tried", extra={"version": trial.version.name, "begun": trial.begun})
                return settings
        if good is not None:
            try:
                return self._built(base, good)
            except BadSettings as error:
                _log.error("settings do not fit any more", extra={"version": good.name, "error": str(error)})
                self._save(rules.refused(self._kept, good.name, self._here, str(error)))
        self._applied, self._drift = None, ()
        return base

    def _built(self, base: Settings, version: Version) -> Settings:
        settings, drift = laid_under(base, version.settings)
        self._check(settings)
        self._applied, self._drift = version, drift
        return settings

    async def _prove(self, trial: Trial, settings: Settings, runner: AtWork) -> bool:
        """Watch the devices under a version that is tried; False: it failed."""
        deadline = time.monotonic() + settings.limits.settings_deadline_s
        well_since: float | None = None
        while True:
            trouble = ill(runner.status, trial.required)
            now = time.monotonic()
            if trouble:
                well_since = None
            elif well_since is None:
                well_since = now
            elif now - well_since >= STEADY_S and self._save(rules.proved(self._kept)):
                self._doing = ""
                self._speak()
                _log.info("settings are good", extra={"version": trial.version.name})
                return True
            if now >= deadline and self._save(
                rules.given_up(self._kept, self._here, trouble or "its devices came and went")
            ):
                _log.error("settings failed", extra={"version": trial.version.name, "why": trouble})
                await _let_go(runner)
                return False
            await asyncio.sleep(POLL_S)

    async def _take(self, base: Settings, settings: Settings, catalogue: Held, runner: AtWork) -> None:
        """Wait for a version that is news and fits, and for an idle moment; then it is to be tried."""
        scopes = (position_scope(base.position),)
        seen: Position | None = None
        offered: Version | None = None
        since = 0.0
        while True:
            at = catalogue.position
            if at is not None and at != seen:
                try:
                    value = catalogue.setting(KEY, scopes)
                except CatalogueFailing as error:
                    _log.warning("settings not looked up", extra={"error": str(error)})
                else:
                    seen, before = at, offered
                    offered = None if value is None else self._offered(base, value)
                    if offered != before:
                        since = time.monotonic()
            doing = "" if offered is None else "waiting"
            if doing != self._doing:
                self._doing = doing
                self._speak()
            waited = time.monotonic() - since >= settings.limits.settings_wait_s
            if offered is not None and (_is_idle(runner) or (waited and not _is_held_up(runner))):
                must = required(settings, laid_under(base, offered.settings)[0], runner.status)
                if self._save(rules.tried(self._kept, offered, must)):
                    return
            await asyncio.sleep(POLL_S)

    def _offered(self, base: Settings, value: str) -> Version | None:
        """Give the version in the catalogue if it is to be tried."""
        try:
            version = version_of(value)
        except BadInput as error:
            self._held = f"0/{hashlib.sha256(value.encode()).hexdigest()[:16]}"
            self._refuse(self._held, f"{error.name}: {error.detail}")
            return None
        self._held = version.name
        if not rules.is_news(self._kept, version.name, self._here):
            return None
        try:
            settings, drift = laid_under(base, version.settings)
            self._check(settings)
        except BadSettings as error:
            self._refuse(version.name, str(error))
            return None
        if settings == self._settings and self._save(rules.held_to_be_good(self._kept, version)):
            self._applied, self._drift = version, drift
            self._speak()
            return None
        return version

    def _refuse(self, name: str, reason: str) -> None:
        if rules.is_news(self._kept, name, self._here):
            _log.error("settings refused", extra={"version": name, "why": reason})
            self._save(rules.refused(self._kept, name, self._here, reason))
            self._speak()

    def _read(self) -> tuple[Kept, str]:
        try:
            return read_kept(self._data_dir)
        except OSError as error:
            return Kept(), str(error)

    def _save(self, kept: Kept) -> bool:
        """Write down what is decided; False if the disk would not, and then nothing is decided."""
        if kept != self._kept and not self._write(kept):
            return False
        self._kept = kept
        return True

    def _write(self, kept: Kept) -> bool:
        try:
            write_kept(self._data_dir, kept)
        except OSError as error:
            _log.error("settings not written", extra={"error": str(error)})
            return False
        return True


def _nobody() -> None:
    """Speak to no hub."""


def _is_idle(runner: AtWork) -> bool:
    status = runner.status
    return not _is_held_up(runner) and status.session is None and status.count is None


def _is_held_up(runner: AtWork) -> bool:
    """Whether something goes on that must not be cut in two: a weight, a count, a basket that till software closes.

    A session only goes on after the change: it stands in the log.
    """
    return runner.busy or runner.status.basket is not None


async def _let_go(runner: AtWork) -> None:
    until = time.monotonic() + LETTING_GO_S
    # The runner has no event for this, and it is rare.
    while runner.busy and time.monotonic() < until:  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
