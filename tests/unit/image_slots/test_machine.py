"""Two slots in a folder, a firmware that reads what is there, and power that goes at any step: what boots is whole.

Beyond 300 lines because the card, its firmware and the machine that lives on it are one model.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from image.layout import AUTOBOOT_FILE, RELEASE_FILE, SLOTS, TWO_SLOTS, Slot
from image.slots import files
from image.slots import machine as machine_module
from image.slots.autoboot import other_slot, write_autoboot
from image.slots.machine import STATUS, Machine
from image.slots.record import Stage, Why
from image.slots.rules import Refused, Standing

GOOD, SICK, DEAD, HALF = "good", "sick", "dead", "half"


class PowerCut(BaseException):
    """The power is gone; nothing after it happens."""


class Card:
    """A machine in a folder; `content` tells what is in a slot. A boot partition that begins with zeros is none."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for part in ("proc", "boot/config", "data/slots", "usr/lib/shelfwire", "dev/disk/by-partuuid", "etc/shelfwire"):
            (root / part).mkdir(parents=True)
        (root / "etc/shelfwire/slots.toml").write_text("writable = []\nreadonly = []\ntryboot = []\n")
        (root / AUTOBOOT_FILE[1:]).write_bytes(write_autoboot("a"))
        self.content: dict[Slot, str] = {"a": GOOD, "b": HALF}
        self.version: dict[Slot, str] = {"a": "v0", "b": ""}
        for slot in SLOTS:
            self.boot_partition(slot).write_bytes(b"\xeb" * 512 if slot == "a" else bytes(512))
            (root / TWO_SLOTS.root(slot).device[1:]).touch()
        self.cut_at: int | None = None
        self.machine = Machine(root, self.now_us)
        self.clock = 0
        self.start("a")

    def now_us(self) -> int:
        self.clock += 1
        return self.clock

    def boot_partition(self, slot: Slot) -> Path:
        return self.root / TWO_SLOTS.boot(slot).device[1:]

    def step(self) -> None:
        """Before each thing that lasts."""
        if self.cut_at is not None:
            if self.cut_at == 0:
                raise PowerCut
            self.cut_at -= 1

    def firmware(self, *, tryboot: bool) -> Slot:
        """Read `autoboot.txt` as a Raspberry Pi does: without a plain word, the first FAT that can be booted."""
        said: dict[str, str] = {}
        section = ""
        for line in (self.root / AUTOBOOT_FILE[1:]).read_bytes().decode("latin-1").splitlines():
            section = line if line.startswith("[") else section
            if line.startswith("boot_partition="):
                said[section] = line.partition("=")[2]
        number = said.get("[tryboot]" if tryboot else "[all]", "")
        for slot in SLOTS:
            if str(TWO_SLOTS.boot(slot).number) == number:
                return slot
        return next(slot for slot in SLOTS if any(self.boot_partition(slot).read_bytes()[:512]))

    def start(self, slot: Slot) -> None:
        (self.root / "proc/cmdline").write_text(f"quiet shelfwire.slot={slot} ro\n")
        (self.root / RELEASE_FILE[1:]).write_text(f'{{"version":"{self.version[slot]}"}}')
        self.booted: Slot = slot

    def write(self, slot: Slot, content: str, version: str) -> None:
        """Write an image as RAUC does, root before boot; either may be cut."""
        self.step()
        self.content[slot], self.version[slot] = HALF, version
        self.step()
        self.content[slot] = content
        self.boot_partition(slot).write_bytes(b"\xeb" * 512)
        self.step()


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    made = Card(tmp_path)
    made.machine.at_boot()
    return made


def with_cuts(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    def cutting(do: Callable[..., None]) -> Callable[..., None]:
        def done(*args: Any, **more: Any) -> None:
            card.step()
            do(*args, **more)
            card.step()

        return done

    monkeypatch.setattr(machine_module, "put", cutting(files.put))
    monkeypatch.setattr(machine_module, "overwrite", cutting(files.overwrite))
    monkeypatch.setattr(machine_module, "blot", cutting(files.blot))


def install(card: Card, content: str = GOOD, version: str = "v1") -> Slot:
    target = other_slot(card.booted)
    card.machine.begin(version, f"sha-{version}")
    card.machine.set_bad(target)
    card.write(target, content, version)
    card.machine.set_primary(target)
    return target


def test_a_good_update_is_tried_and_kept(card: Card) -> None:
    install(card)
    card.machine.asked(("scale",))
    card.start(card.firmware(tryboot=True))
    assert card.machine.at_boot().standing is Standing.TRIAL
    assert card.firmware(tryboot=False) == "a", "until it is committed, whatever restarts the machine goes back"
    card.machine.commit()
    assert card.firmware(tryboot=False) == "b"
    told = card.machine.look()
    assert (told.standing, told.record.trial, told.record.falls) == (Standing.COMMITTED, None, ())
    assert told.record.versions == {"a": "v0", "b": "v1"}


@pytest.mark.parametrize("more", [b"", b"\n# by a technician\n", b"#" * 448])
def test_autoboot_is_written_where_it_lies(card: Card, more: bytes) -> None:
    # FAT frees what a file had been before its name leads to what it is now: a cut between the two leaves none.
    path = card.root / AUTOBOOT_FILE[1:]
    path.write_bytes(write_autoboot("a") + more)
    before = path.stat()
    install(card)
    card.start("b")
    card.machine.at_boot()
    card.machine.commit()
    after = path.stat()
    assert card.firmware(tryboot=False) == "b"
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


@pytest.mark.parametrize("said", [None, b"", b"[all]\n", b"#" * 600])
def test_an_autoboot_that_is_not_there_or_does_not_fit_is_made_anew(card: Card, said: bytes | None) -> None:
    path = card.root / AUTOBOOT_FILE[1:]
    path.unlink()
    if said is not None:
        path.write_bytes(said)
    card.machine.at_boot()
    assert path.read_bytes() == write_autoboot("a")


def test_what_is_given_up_is_no_longer_bootable_for_any_firmware(card: Card) -> None:
    install(card)
    card.machine.asked(None)
    card.start("b")
    card.machine.at_boot()
    card.machine.commit()
    card.machine.set_bad("a")
    (card.root / AUTOBOOT_FILE[1:]).write_bytes(b"\0" * 300)
    assert card.firmware(tryboot=False) == "b"


def test_a_spoilt_record_commits_nothing(card: Card) -> None:
    install(card)
    card.machine.asked(None)
    (card.root / "data/slots" / STATUS).write_bytes(b'{"committed":')
    card.start("b")
    assert card.machine.at_boot().standing is Standing.STRAY
    with pytest.raises(Refused):
        card.machine.commit()
    card.start(card.firmware(tryboot=False))
    decision = card.machine.at_boot()
    assert decision.standing is Standing.COMMITTED
    assert "cannot be read" in decision.record.falls[0].detail


def test_a_machine_without_slots_says_so(card: Card) -> None:
    (card.root / "proc/cmdline").write_text("quiet\n")
    with pytest.raises(Refused, match="has no slots"):
        card.machine.look()


@pytest.mark.parametrize("cut", range(24))
def test_power_cut_at_each_step_of_an_update(card: Card, monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    with_cuts(card, monkeypatch)
    card.cut_at = cut
    tried = committed = False
    try:
        install(card)
        card.machine.asked(None)
        tried = True
        card.start(card.firmware(tryboot=True))
        card.machine.at_boot()
        card.machine.commit()
        committed = True
    except PowerCut:
        pass
    card.cut_at = None
    slot = card.firmware(tryboot=False)
    assert card.content[slot] == GOOD
    card.start(slot)
    decision = card.machine.at_boot()
    assert decision.standing is Standing.COMMITTED
    assert decision.record.trial is None
    if committed:
        assert slot == "b"
    elif slot == "a" and tried:
        assert decision.record.falls[-1].why in (Why.SILENT, Why.UNTRIED)
    # And nothing is left in the way of the next one.
    if slot == "a":
        install(card, version="v2")


class Life(RuleBasedStateMachine):
    """Months of a machine: updates good, sick and dead, cuts at any step, resets, and a spoilt `autoboot.txt`."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.patch = pytest.MonkeyPatch()
        self.card = Card(Path(self.folder))
        with_cuts(self.card, self.patch)
        self.card.machine.at_boot()
        self.committed: Slot = "a"
        self.released = 0
        self.expected: tuple[str, frozenset[Why]] | None = None

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)

    def power_on(self, *, tryboot: bool = False) -> None:
        """Start until something comes up that is not dead; it takes note of itself, and its health check runs."""
        card, machine = self.card, self.card.machine
        card.cut_at = None
        slot = card.firmware(tryboot=tryboot)
        assert card.content[slot] != HALF, "half a slot was started"
        if card.content[slot] == DEAD:
            assert slot != self.committed
            slot = card.firmware(tryboot=False)
            assert card.content[slot] == GOOD
        card.start(slot)
        decision = machine.at_boot()
        if self.expected is not None and decision.standing is not Standing.TRIAL:
            version, reasons = self.expected
            told = [fall for fall in decision.record.falls if fall.version == version]
            assert told, f"nobody says why {version} does not run"
            assert told[-1].why in reasons
            assert told[-1].detail
            self.expected = None
        if decision.restart:
            assert slot != self.committed
            self.power_on()
            return
        assert decision.standing is not Standing.STRAY
        if decision.standing is Standing.COMMITTED:
            self.committed = slot

    def health(self, cut: int | None) -> None:
        card, machine = self.card, self.card.machine
        version, why = card.version[card.booted], Why.SILENT
        card.cut_at = cut
        try:
            if card.content[card.booted] == GOOD:
                machine.commit()
                self.committed = card.booted
                return
            why = Why.UNHEALTHY
            assert machine.condemn("no scale").restart
        except PowerCut:
            why = Why.UNHEALTHY if why is Why.UNHEALTHY and machine.look().record.trial.verdict else Why.SILENT  # type: ignore[union-attr]
        if card.firmware(tryboot=False) != card.booted:
            self.expected = version, frozenset({why})
        self.power_on()

    @rule(
        content=st.sampled_from((GOOD, SICK, DEAD)),
        cut=st.none() | st.integers(0, 16),
        health_cut=st.none() | st.integers(0, 6),
        asks=st.booleans(),
    )
    def update(self, content: str, cut: int | None, health_cut: int | None, asks: bool) -> None:
        card = self.card
        self.released += 1
        version = f"v{self.released}"
        card.cut_at = cut
        try:
            install(card, content, version)
            if asks:
                card.machine.asked(None)
        except PowerCut:
            trial = card.machine.look().record.trial
            if trial is not None and trial.version == version:
                reason = Why.INTERRUPTED if trial.stage is Stage.WRITING else Why.SILENT if trial.asked else Why.UNTRIED
                self.expected = version, frozenset({reason})
            self.power_on()
            return
        card.cut_at = None
        if not asks:
            self.expected = version, frozenset({Why.UNTRIED})
        elif content == DEAD:
            self.expected = version, frozenset({Why.SILENT})
        self.power_on(tryboot=asks)
        if card.machine.look().standing is Standing.TRIAL:
            self.health(health_cut)

    @rule()
    def reset(self) -> None:
        self.power_on()

    @precondition(lambda self: DEAD not in self.card.content.values())
    @rule(data=st.binary(max_size=64))
    def spoil_autoboot(self, data: bytes) -> None:
        """Not while the other slot cannot be booted: the firmware might take it, and then nobody is there to decide."""
        (self.card.root / AUTOBOOT_FILE[1:]).write_bytes(data)
        self.power_on()

    @invariant()
    def runs_what_is_committed(self) -> None:
        told = self.card.machine.look()
        assert told.standing is Standing.COMMITTED
        assert told.facts.primary == told.facts.booted == told.record.committed == self.committed
        assert told.record.trial is None


_ANY = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
Life.TestCase.settings = settings(max_examples=20, stateful_step_count=12, deadline=None, suppress_health_check=_ANY)
TestLife = Life.TestCase


@pytest.mark.torture
def test_years_of_a_machine() -> None:
    run_state_machine_as_test(
        Life, settings=settings(max_examples=500, stateful_step_count=40, deadline=None, suppress_health_check=_ANY)
    )
