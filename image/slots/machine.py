"""The two slots of this machine: reads what `rules` decides on, and carries out what they decide, in their order.

Everything is looked for below `root`, so that a folder may play the machine. One process at a time changes anything.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from image.errors import BadInput, StepFailed
from image.layout import AUTOBOOT_FILE, CONFIG_MOUNT, RELEASE_FILE, SECTOR, TWO_SLOTS, Slot
from image.slots import autoboot, record, rules
from image.slots.files import blot, flush, get, overwrite, put
from image.slots.record import MAX_DETAIL, Fall, News, Record, Stage, Why
from image.slots.rules import Decision, Facts, Refused, Standing, slot_of
from image.slots.settings import Settings, load_settings

FOLDER: Final = "data/slots"
STATUS: Final = "status.json"
_BOOTED: Final = re.compile(r"(?:^|\s)shelfwire\.slot=(\S+)")


class Release(msgspec.Struct, frozen=True):
    """What a root says of itself, as the builder wrote it."""

    version: str = ""
    kind: str = ""
    board: str = ""
    compatible: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """How the slots stand, for people and programs."""

    facts: Facts
    record: Record
    standing: Standing


class Machine:
    """Opens nothing until asked. All methods may raise `OSError`; those that change something, `Refused`."""

    def __init__(self, root: Path, now_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self.root = root
        self._now_us = now_us

    @property
    def folder(self) -> Path:
        """Where updates keep what is theirs."""
        return self.root / FOLDER

    def settings(self) -> Settings:
        """Read them. Raises `BadInput`."""
        return load_settings(self.root)

    def release(self) -> Release:
        """Read what the booted root says of itself; empty where it says nothing that can be read."""
        data = get(self._path(RELEASE_FILE), 65536)
        try:
            return msgspec.json.decode(data or b"{}", type=Release)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Release()

    def look(self) -> Told:
        """Read how the slots stand. Raises `Refused` on a machine that has no slots."""
        facts, remembered = self._facts(), self._record()
        return Told(facts, remembered, rules.standing(facts, remembered))

    def at_boot(self) -> Decision:
        """Take note of which slot came up; whether the machine is to be restarted, the answer says."""
        with self._alone():
            facts = self._facts()
            decision = rules.at_boot(facts, self._record(), self.release().version, self._now_us())
            self._carry_out(decision)
            return decision

    def begin(self, version: str, release: str) -> None:
        """Say which version is about to be written into the other slot."""
        self._change(lambda facts, known: rules.begin(facts, known, version, release, self._now_us()))

    def set_bad(self, slot: Slot) -> None:
        """Give up what is in a slot: it is forgotten first, and then its boot partition made one that no firmware
        takes for bootable, should `autoboot.txt` get lost while it is being written."""
        self._change(lambda facts, known: rules.set_bad(facts, known, slot, self._now_us()))
        blot(self._path(TWO_SLOTS.boot(slot).device), SECTOR)

    def set_primary(self, slot: Slot) -> None:
        """Start a slot next, on trial if it is not the committed one."""
        # What was written must be on the disk before anything says that it is whole.
        for partition in (TWO_SLOTS.root(slot), TWO_SLOTS.boot(slot)):
            flush(self._path(partition.device))
        self._change(lambda facts, known: rules.set_primary(facts, known, slot, self._now_us()))

    def asked(self, ready: tuple[str, ...] | None) -> None:
        """Note that the firmware is asked to try the slot that waits, and which devices are at work until then."""
        self._change(lambda facts, known: rules.asked(facts, known, ready))

    def not_asked(self, refusal: str, again_us: int) -> None:
        """Note that it was not after all, why, and when that is tried again (the hub's clock; 0: at once)."""
        self._change(lambda facts, known: rules.not_asked(facts, known, refusal, again_us))

    def tell(self, step: str, detail: str = "", version: str = "", release: str = "") -> None:
        """Keep how far an update has come, for whoever asks; said again, it changes nothing."""

        def told(_: Facts, known: Record) -> Record:
            news, last = News(self._now_us(), step, detail[:MAX_DETAIL], version, release), known.news
            same = last is not None and replace(last, at_us=news.at_us) == news
            return known if same else replace(known, news=news)

        self._change(told)

    def commit(self) -> Decision:
        """Do what a passed health check does."""
        with self._alone():
            decision = rules.committed(self._facts(), self._record(), self._now_us())
            self._carry_out(decision)
            return decision

    def condemn(self, reason: str) -> Decision:
        """Do what a failed health check does; whether the machine is to be restarted, the answer says."""
        with self._alone():
            decision = rules.condemned(self._facts(), self._record(), reason)
            self._carry_out(decision)
            return decision

    def run(self, command: tuple[str, ...]) -> None:
        """Run one of the settings' commands to its end; an empty one does nothing. Raises `StepFailed`."""
        if not command:
            return
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        except OSError as error:
            raise StepFailed(f"{command[0]}: {error.strerror}") from error
        if done.returncode:
            words = (done.stderr or done.stdout).strip()[-400:]
            raise StepFailed(f"{command[0]} ended with {done.returncode}: {words}")

    def _path(self, absolute: str) -> Path:
        return self.root / absolute.removeprefix("/")

    def _facts(self) -> Facts:
        told = _BOOTED.search((get(self._path("/proc/cmdline"), 65536) or b"").decode("ascii", "replace"))
        if told is None:
            raise Refused("this machine has no slots: the kernel was not told of one (shelfwire.slot=a or b)")
        if not self._path(TWO_SLOTS.boot("b").device).exists():
            raise Refused("this machine has one slot: its card is flashed anew to update it")
        try:
            data = get(self._path(AUTOBOOT_FILE), autoboot.MAX_BYTES)
        except OSError:
            data = None
        return Facts(slot_of(told[1]), None if data is None else autoboot.read_autoboot(data))

    def _record(self) -> Record:
        data = get(self.folder / STATUS, record.MAX_RECORD_BYTES)
        if data is None:
            return Record()
        try:
            return record.read_record(data)
        except BadInput as error:
            # Nothing was on trial as far as anybody knows: what is booted is left at the next restart, or is committed.
            facts = self._facts()
            return Record(falls=(Fall(self._now_us(), facts.booted, Why.STRAY, str(error)[:MAX_DETAIL]),))

    def _change(self, change: Callable[[Facts, Record], Record]) -> None:
        with self._alone():
            known = self._record()
            changed = change(self._facts(), known)
            if changed != known:
                self._keep(changed)

    def _carry_out(self, decision: Decision) -> None:
        if decision.autoboot is not None:
            self._write_autoboot(decision.autoboot)
        if decision.record != self._record() or not (self.folder / STATUS).exists():
            self._keep(decision.record)

    def _keep(self, known: Record) -> None:
        put(self.folder / STATUS, record.write_record(known))

    def _write_autoboot(self, slot: Slot) -> None:
        settings = self.settings()
        closed = bool(os.statvfs(self._path(CONFIG_MOUNT)).f_flag & os.ST_RDONLY)
        if closed:
            self.run(settings.writable)
        try:
            overwrite(self._path(AUTOBOOT_FILE), autoboot.write_autoboot(slot))
            if self._facts().primary != slot:
                raise OSError("autoboot.txt does not say what was written")
        finally:
            if closed:
                self.run(settings.readonly)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def is_waiting(told: Told) -> bool:
    """Whether a slot waits to be tried."""
    trial = told.record.trial
    return trial is not None and trial.stage is Stage.PENDING and trial.slot != told.facts.booted
