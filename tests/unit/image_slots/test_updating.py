"""A try that cannot be begun: the machine stays where it is, says why and when it is tried again, and waits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edge.hardware.slots import read_slots
from image.slots.machine import Told
from image.slots.offers import DAY_US, try_again_us
from image.slots.record import Trial, Why
from image.slots.updating import update
from protocol.releases import Offer, Offered
from tests.unit.image_slots.test_machine import Card, install

COMPATIBLE = "shelfwire-station-rpi-arm64"
HOUR_US = 3_600_000_000
EVENING_US = 1_795_000_000_000_000
OFFER = Offer(
    release="0" * 64, version="v1", compatible=COMPATIBLE, size=1, anytime=False, older=False, said_us=EVENING_US
)


class HubWithClock:
    """Offers one release; the shop is closed for ten hours from `closed_us` on."""

    def __init__(self) -> None:
        self.now_us = self.closed_us = EVENING_US
        self.offer = OFFER

    def get(self, path: str, first: int | None = None) -> tuple[int, str, bytes]:
        told = Offered(
            now_us=self.now_us,
            closed_from_us=self.closed_us,
            closed_to_us=self.closed_us + 10 * HOUR_US,
            offer=self.offer,
        )
        return 200, "", msgspec.json.encode(told)


class Station(Card):
    """A card with an update that waits to be tried; its firmware refuses until told otherwise."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (root / "etc/rauc").mkdir()
        (root / "etc/rauc/system.conf").write_text(f"[system]\ncompatible={COMPATIBLE}\n")
        self.tries = root / "tries"
        self.firmware_answers(refusing="echo no such flag >&2; exit 1")
        self.machine.at_boot()
        install(self)
        self.hub = HubWithClock()

    def firmware_answers(self, refusing: str = "") -> None:
        command = ["sh", "-c", f"echo >>{self.tries}; {refusing}"]
        (self.root / "etc/shelfwire/slots.toml").write_text(
            f'agent = ""\nwritable = []\nreadonly = []\ntryboot = {command}\n'
        )

    def round_at(self, now_us: int, *, at_once: bool = False) -> Told:
        self.hub.now_us = now_us
        update(self.machine, self.hub, lambda said: None, at_once=at_once)
        return self.machine.look()

    def tried(self) -> int:
        return len(self.tries.read_text().splitlines()) if self.tries.exists() else 0


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path / "station")


def waiting(told: Told) -> Trial:
    assert told.record.trial is not None
    return told.record.trial


def test_it_is_tried_once_a_night_and_says_why_and_when_again(station: Station) -> None:
    told = station.round_at(EVENING_US)
    for quarter in range(1, 6):
        told = station.round_at(EVENING_US + quarter * HOUR_US // 4)
    assert station.tried() == 1, "every quarter of an hour, as before, would be six"
    assert not waiting(told).asked
    assert waiting(told).again_us == EVENING_US + 10 * HOUR_US
    said = read_slots(station.root).update
    assert said.startswith(
        "v1 in slot b could not be tried: sh ended with 1: no such flag (again after 2026-11-18 21:06"
    )
    station.hub.closed_us += 24 * HOUR_US
    station.round_at(EVENING_US + 12 * HOUR_US)
    assert station.tried() == 1, "the shop is open"
    station.round_at(EVENING_US + 25 * HOUR_US)
    assert station.tried() == 2


def test_a_person_may_try_at_any_time(station: Station) -> None:
    station.round_at(EVENING_US)
    station.firmware_answers()
    told = station.round_at(EVENING_US + HOUR_US, at_once=True)
    assert station.tried() == 2
    assert (waiting(told).asked, waiting(told).refusal, waiting(told).again_us) == (True, "", 0)


def test_a_restart_meanwhile_is_told_of_with_what_hindered_the_try(station: Station) -> None:
    station.round_at(EVENING_US)
    station.start("a")
    fall = station.machine.at_boot().record.falls[-1]
    assert (fall.why, fall.detail) == (Why.UNTRIED, "could not be tried: sh ended with 1: no such flag")


def test_when_it_is_tried_again() -> None:
    night = Offered(now_us=100, closed_from_us=90, closed_to_us=300, offer=OFFER)
    assert try_again_us(night, 5) == 300, "not in this night"
    day = msgspec.structs.replace(night, closed_from_us=200)
    assert try_again_us(day, 5) == 200, "a person said now; the night has its own try"
    for always in (
        msgspec.structs.replace(night, offer=msgspec.structs.replace(OFFER, anytime=True)),
        msgspec.structs.replace(night, closed_from_us=None, closed_to_us=None),
    ):
        assert try_again_us(always, 5) == 105 + DAY_US
