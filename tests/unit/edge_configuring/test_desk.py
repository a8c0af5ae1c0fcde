"""A version is tried when nothing goes on, kept when its devices come up, given up when not, and never tried twice.

Beyond 300 lines because it is one story after the other of the same station.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from edge.configuring import desk as desks
from edge.configuring.desk import SettingsDesk
from edge.configuring.kept import FILE, read_kept
from edge.configuring.rules import MAX_BEGUN
from edge.errors import BadSettings
from edge.settings import Settings, parse_settings
from edge.station.happenings import DeviceCondition, StationStatus
from protocol.cards import Mode
from protocol.catalogue import Scope
from protocol.chain import Position
from protocol.identity import DeviceId, Epoch
from protocol.station_settings import Version, position_scope, row_of
from tests.unit.edge_enrol.rig import PowerCut, cut_power

SCANNER = {"driver": "serial-scanner", "port": "/dev/scanner"}
RECEIVE = Version(n=1, at_us=0, settings={"mode": "receive"})
SALE = Version(n=1, at_us=0, settings={"mode": "sale"})
COUNT = Version(n=2, at_us=0, settings={"mode": "count"})
WITH_SCANNER = Version(n=3, at_us=0, settings={"mode": "count", "devices": {"scanner": SCANNER}})
UNFIT = Version(n=4, at_us=0, settings={"devices": {"scanner": {"driver": "no-such"}}})
STEPS_OF_A_WRITE = 5
TOML = 'store = "oak-street"\nstation = "till-3"\nplace = "shop"\ndata_dir = "."\n'


class Catalogue:
    """What the station's copy says now."""

    def __init__(self) -> None:
        self.value: str | None = None
        self.seq = 0

    @property
    def position(self) -> Position | None:
        return Position(Epoch(1, 1), self.seq, bytes(32))

    def setting(self, key: str, scopes: Sequence[Scope]) -> str | None:
        assert (key, list(scopes)) == ("station", [position_scope("till-3")])
        return self.value

    def says(self, version: Version | str) -> None:
        self.value = version if isinstance(version, str) else row_of("till-3", version).value
        self.seq += 1


@dataclass
class AtWork:
    """A station of which a test says what goes on."""

    devices: dict[str, str] = field(default_factory=dict)
    session: str | None = None
    busy: bool = False

    @property
    def status(self) -> StationStatus:
        devices = tuple(DeviceCondition(DeviceId(name), "x", state, "why") for name, state in self.devices.items())
        return StationStatus(Mode.SALE, None, None, self.session, devices, 0, 0, 0, (), 0, 0)


def check(settings: Settings) -> None:
    for name, one in settings.devices.items():
        if one.driver != "serial-scanner":
            raise BadSettings(f"devices.{name}.driver", f"no driver {one.driver!r}")


class Rig:
    """A station's data folder, and what begins in it."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.base = parse_settings(f"{TOML}{more}", folder)
        self.catalogue = Catalogue()
        self.station = AtWork()
        self.spoken = 0
        self.desk = self.process()

    def _speak(self) -> None:
        self.spoken += 1

    def process(self) -> SettingsDesk:
        self.desk = SettingsDesk(self.folder, "1.0", check)
        return self.desk

    def begin(self) -> Mode:
        return self.desk.begin(self.base).mode

    async def runs(self, within_s: float = 60.0) -> bool:
        """Let the desk work; whether it ended, and the station is to be built anew."""
        try:
            async with asyncio.timeout(within_s):
                await self.desk.run(self.catalogue, self.station, self._speak)
        except TimeoutError:
            return False
        return True

    async def proves(self) -> None:
        """Let the desk work until the version that is tried is good."""
        working = asyncio.create_task(self.desk.run(self.catalogue, self.station, self._speak))
        try:
            async with asyncio.timeout(60):
                while self.desk.state.doing == "trying" and not working.done():  # noqa: ASYNC110 - the desk has no event
                    await asyncio.sleep(0.005)
        finally:
            working.cancel()
            await asyncio.wait([working])
        if not working.cancelled():
            working.result()

    async def takes(self, version: Version) -> None:
        """Have a version offered, tried and found good."""
        self.catalogue.says(version)
        assert await self.runs()
        self.begin()
        await self.proves()
        assert (self.desk.state.applied, self.desk.state.doing) == (version.name, "")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "POLL_S", 0.005)
    monkeypatch.setattr(desks, "STEADY_S", 0.02)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, "[limits]\nsettings_deadline_s = 2.0\n")


async def test_a_good_version_is_tried_kept_and_known_after_a_restart(rig: Rig) -> None:
    assert rig.begin() is Mode.SALE
    rig.catalogue.says(COUNT)
    assert await rig.runs()
    assert rig.begin() is Mode.COUNT
    assert (rig.desk.state.doing, rig.desk.state.applied) == ("trying", COUNT.name)
    assert not await rig.runs(0.2)
    assert (rig.desk.state.doing, rig.desk.state.held, rig.desk.state.failed) == ("", COUNT.name, "")
    rig.process()
    assert rig.begin() is Mode.COUNT
    assert not await rig.runs(0.1)


async def test_what_does_not_fit_is_refused_unread_and_told(rig: Rig) -> None:
    rig.begin()
    for offered, name, why in (
        (UNFIT, UNFIT.name, "no driver 'no-such'"),
        ('{"v":2}', None, "unknown-major"),
        ('{"v":1,"n":9,"at_us":0,"settings":{"hub":{}}}', None, "hub"),
    ):
        rig.catalogue.says(offered)
        assert not await rig.runs(0.1)
        state = rig.desk.state
        assert why in state.reason
        assert state.failed == state.held == (name or state.held)
        assert (state.applied, state.doing) == ("", "")


async def test_devices_that_do_not_come_up_bring_the_settings_before_back_and_it_is_not_tried_again(rig: Rig) -> None:
    rig.begin()
    await rig.takes(COUNT)
    rig.catalogue.says(WITH_SCANNER)
    assert await rig.runs()
    rig.begin()
    rig.station.devices = {"scanner": "absent"}
    assert await rig.runs()
    assert rig.begin() is Mode.COUNT
    state = rig.desk.state
    assert (state.applied, state.failed) == (COUNT.name, WITH_SCANNER.name)
    assert "scanner: absent why" in state.reason
    assert not await rig.runs(0.1)
    rig.process()
    rig.begin()
    assert not await rig.runs(0.1)
    assert rig.desk.state.failed == WITH_SCANNER.name
    # A newer one is tried, and the failure is history.
    rig.station.devices = {"scanner": "ready"}
    await rig.takes(Version(n=5, at_us=0, settings=WITH_SCANNER.settings))
    assert rig.desk.state.failed == ""


async def test_a_device_that_was_away_before_says_nothing_of_the_settings(tmp_path: Path) -> None:
    rig = Rig(tmp_path, f'[devices.scanner]\ndriver = "{SCANNER["driver"]}"\nport = "/a"\n')
    rig.station.devices = {"scanner": "absent"}
    rig.begin()
    await rig.takes(COUNT)


async def test_one_that_was_well_must_come_up_again(rig: Rig) -> None:
    rig.station.devices = {"scanner": "ready"}
    rig.begin()
    await rig.takes(WITH_SCANNER)
    rig.catalogue.says(Version(n=7, at_us=0, settings={"devices": {"scanner": {**SCANNER, "port": "/dev/other"}}}))
    assert await rig.runs()
    rig.begin()
    rig.station.devices = {"scanner": "absent"}
    assert await rig.runs()
    assert rig.begin() is Mode.COUNT
    assert rig.desk.state.applied == WITH_SCANNER.name


async def test_an_open_sale_is_waited_for_but_not_for_ever(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "[limits]\nsettings_wait_s = 0.3\n")
    rig.begin()
    rig.station.session, rig.station.busy = "s1", True
    rig.catalogue.says(COUNT)
    assert not await rig.runs(0.15)
    assert rig.desk.state.doing == "waiting"
    assert rig.spoken == 1
    # The sale stands in the log; an item that waits for its weight does not.
    assert not await rig.runs(0.5)
    rig.station.busy = False
    assert await rig.runs()


async def test_the_local_file_wins_and_the_override_is_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path, 'mode = "receive"\n')
    assert rig.begin() is Mode.RECEIVE
    rig.catalogue.says(WITH_SCANNER)
    rig.station.devices = {"scanner": "ready"}
    assert await rig.runs()
    assert rig.begin() is Mode.RECEIVE
    assert not await rig.runs(0.2)
    (drift,) = rig.desk.state.drift
    assert (drift.what, drift.local, drift.hub) == ("mode", '"receive"', '"count"')


async def test_what_changes_nothing_here_is_good_without_a_restart(rig: Rig) -> None:
    rig.begin()
    rig.catalogue.says(SALE)
    assert not await rig.runs(0.1)
    assert rig.desk.state.applied == SALE.name


async def test_one_that_failed_is_tried_anew_by_another_local_file_or_release(rig: Rig) -> None:
    rig.begin()
    rig.catalogue.says(UNFIT)
    assert not await rig.runs(0.1)
    mended = Rig(rig.folder, '[devices.scanner]\ndriver = "serial-scanner"\nport = "/a"\n')
    mended.catalogue = rig.catalogue
    mended.begin()
    assert not await mended.runs(0.1)
    assert (mended.desk.state.applied, mended.desk.state.drifts) == (UNFIT.name, 1)


async def test_a_station_that_goes_down_with_a_version_each_time_comes_back_without_it(rig: Rig) -> None:
    rig.begin()
    rig.catalogue.says(COUNT)
    assert await rig.runs()
    for _ in range(MAX_BEGUN):
        rig.process()
        assert rig.begin() is Mode.COUNT
    rig.process()
    assert rig.begin() is Mode.SALE
    assert f"stopped {MAX_BEGUN} times" in rig.desk.state.reason
    assert not await rig.runs(0.1)


async def test_an_error_under_a_trial_ends_it_and_any_other_is_the_stations(rig: Rig) -> None:
    rig.begin()
    assert not rig.desk.broke(RuntimeError("ours"))
    rig.catalogue.says(COUNT)
    assert await rig.runs()
    rig.begin()
    assert rig.desk.broke(RuntimeError("by these settings"))
    assert rig.begin() is Mode.SALE
    assert "by these settings" in rig.desk.state.reason


async def test_at_another_position_nothing_of_the_old_one_holds(rig: Rig) -> None:
    rig.begin()
    await rig.takes(COUNT)
    elsewhere = parse_settings(TOML.replace("till-3", "till-4"), rig.folder)
    assert rig.process().begin(elsewhere).mode is Mode.SALE
    assert (rig.desk.state.position, rig.desk.state.applied) == ("till-4", "")


async def test_a_file_that_cannot_be_read_leaves_the_local_settings_and_is_mended_by_the_catalogue(rig: Rig) -> None:
    rig.begin()
    await rig.takes(COUNT)
    (rig.folder / FILE).write_bytes(b"\0" * 100)
    rig.process()
    assert rig.begin() is Mode.SALE
    await rig.takes(COUNT)


async def test_a_disk_that_takes_nothing_leaves_the_station_as_it_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.begin()
    await rig.takes(COUNT)

    def full(*_: Any) -> None:
        raise OSError(28, "no room")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        rig.catalogue.says(SALE)
        assert not await rig.runs(0.1)
        rig.process()
        assert rig.begin() is Mode.COUNT
    assert await rig.runs()
    assert rig.begin() is Mode.SALE


async def test_the_power_goes_before_every_change_of_the_disk(tmp_path: Path) -> None:
    """It runs the settings before or the new ones, knows which, and comes to the new ones in the end."""
    seen: set[Mode] = set()
    cuts = 0
    for at in range(100):
        (folder := tmp_path / str(at)).mkdir()
        rig = Rig(folder)
        rig.begin()
        await rig.takes(RECEIVE)
        rig.catalogue.says(COUNT)
        try:
            with pytest.MonkeyPatch.context() as patch:
                cut_power(patch, at)
                assert await rig.runs()
                rig.begin()
                await rig.proves()
        except PowerCut:
            pass
        else:
            break
        cuts += 1
        rig.process()
        mode = rig.begin()
        kept, why = read_kept(folder)
        assert why == ""
        running = COUNT if mode is Mode.COUNT else RECEIVE
        assert rig.desk.state.applied == running.name
        assert running in (kept.good, kept.trial and kept.trial.version)
        seen.add(mode)
        if mode is Mode.RECEIVE:
            assert await rig.runs()
            rig.begin()
        await rig.proves()
        assert rig.desk.state.applied == COUNT.name
        assert read_kept(folder)[0].good == COUNT
    # Three times the file is written: to be tried, begun, good.
    assert cuts == 3 * STEPS_OF_A_WRITE
    assert seen == {Mode.RECEIVE, Mode.COUNT}
