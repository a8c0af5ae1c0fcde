"""What holds of two slots, and what may be done with them: pure rules over what was read.

    committed   `autoboot.txt` names it: the firmware starts it whenever nothing is to be tried
    on trial    installed, started once by the firmware's tryboot flag; only its own health check commits it
    stray       booted, yet neither: it works on, is never committed, and the next restart leaves it

Nothing here counts attempts, so there is nothing that can run out: the firmware forgets its flag by itself, and
whatever restarts a machine brings the committed slot back. `autoboot.txt` is written when a slot is committed and when
it cannot be read, and never while a slot is being written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from image.errors import ImageError
from image.layout import SLOTS, Slot
from image.slots.autoboot import other_slot
from image.slots.record import MAX_DETAIL, MAX_FALLS, Fall, Record, Stage, Trial, Why

MOST_UNTRIED = 3
"""How often a release is written by itself that never gets its turn."""


class Refused(ImageError):
    """What was asked for may not be done as the slots stand; the text says why."""


class Standing(StrEnum):
    """What the booted slot is."""

    COMMITTED = "committed"
    TRIAL = "trial"
    STRAY = "stray"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read: the slot that the kernel was started for, and the one that `autoboot.txt` names (None: it is not
    there, or rubbish)."""

    booted: Slot
    primary: Slot | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done: first `autoboot.txt` written for a slot (None: left alone), then the record, if it changed,
    then the machine restarted into the committed slot, if so."""

    record: Record
    standing: Standing
    autoboot: Slot | None = None
    restart: bool = False


def standing(facts: Facts, record: Record) -> Standing:
    """Say what the booted slot is, once `at_boot` was done."""
    trial = record.trial
    if trial is not None and trial.slot == facts.booted and trial.stage is Stage.PENDING:
        return Standing.TRIAL
    return Standing.COMMITTED if facts.booted == facts.primary else Standing.STRAY


def at_boot(facts: Facts, record: Record, version: str, now_us: int) -> Decision:
    """Decide what follows from the slot that came up; `version` is what it says of itself. Twice is as once."""
    booted, primary, trial = facts.booted, facts.primary, record.trial
    autoboot: Slot | None = None
    if trial is not None and trial.slot == booted and primary != booted:
        if trial.stage is Stage.WRITING:
            # Whoever started it, half of it is not to be worked with. It is told of when the other slot is back.
            lost = primary is None
            return Decision(record, Standing.STRAY, other_slot(booted) if lost else None, restart=True)
        if primary is None:
            # Without this, the firmware might go on starting what is only on trial.
            autoboot = other_slot(booted)
            record = _told(record, autoboot, Why.AUTOBOOT, "could not be read during a trial", now_us)
        return Decision(_with_version(record, booted, version), Standing.TRIAL, autoboot)
    if trial is not None:
        if trial.slot == primary:
            # The power went between the two steps of committing.
            record = replace(record, trial=None, committed=primary, committed_at_us=now_us)
        else:
            record = _fall(replace(record, trial=None), trial, *_reason(trial), now_us)
    if primary is None and record.committed not in (None, booted):
        # The firmware took the first slot it found, which may be older, or may never have proved itself.
        record = _told(record, booted, Why.AUTOBOOT, "could not be read; back to the committed slot", now_us)
        return Decision(record, Standing.STRAY, record.committed, restart=True)
    if primary is None:
        autoboot = booted
        record = _told(record, booted, Why.AUTOBOOT, "could not be read; what is booted is committed", now_us)
    elif primary != booted:
        if record.committed != primary or not _is_last(record, booted, (Why.STRAY, Why.AUTOBOOT)):
            record = _told(record, booted, Why.STRAY, "is neither committed nor on trial", now_us)
        return Decision(_with_version(replace(record, committed=primary), booted, version), Standing.STRAY)
    if record.committed != booted:
        record = replace(record, committed=booted)
    return Decision(_with_version(record, booted, version), Standing.COMMITTED, autoboot)


def may_install(facts: Facts, record: Record) -> Slot:
    """Say which slot may be written. Raises `Refused`."""
    if facts.primary is None:
        raise Refused("autoboot.txt cannot be read")
    if facts.booted != facts.primary:
        raise Refused(f"slot {facts.booted} is booted and not committed")
    if record.committed != facts.booted:
        raise Refused(f"slot {facts.booted} is not known to be committed")
    if record.trial is not None and record.trial.stage is Stage.PENDING:
        raise Refused(f"slot {record.trial.slot} waits to be tried")
    return other_slot(facts.booted)


def begin(facts: Facts, record: Record, version: str, release: str, now_us: int) -> Record:
    """Say that the other slot is being written from now on. Raises `Refused`."""
    slot = may_install(facts, record)
    return _begun(record, Trial(slot, Stage.WRITING, now_us, version, release))


def get_primary(facts: Facts, record: Record) -> Slot:
    """Answer RAUC: the slot that is started next, which is the one waiting to be tried, if one does."""
    trial = record.trial
    if trial is not None and trial.stage is Stage.PENDING:
        return trial.slot
    return facts.primary or facts.booted


def set_primary(facts: Facts, record: Record, slot: Slot, now_us: int) -> Record:
    """Do as RAUC says: start `slot` next, which for the slot that is not committed is a trial. Raises `Refused`."""
    trial = record.trial
    if slot == facts.primary:
        if trial is None or trial.stage is Stage.WRITING or trial.slot == facts.booted:
            return record
        return _fall(replace(record, trial=None), trial, Why.WITHDRAWN, "", now_us)
    if trial is not None and trial.slot == slot and trial.stage is Stage.PENDING:
        return record
    if may_install(facts, record) != slot:
        raise Refused(f"slot {slot} is the booted one")
    if trial is None:
        if slot not in record.versions:
            raise Refused(f"slot {slot} holds nothing whole")
        trial = Trial(slot, Stage.PENDING, now_us, record.versions[slot])
    versions = {**record.versions, slot: trial.version}
    return replace(record, trial=replace(trial, stage=Stage.PENDING, at_us=now_us), versions=versions)


def is_good(facts: Facts, record: Record, slot: Slot) -> bool:
    """Answer RAUC: whether a slot could be started."""
    return slot in (facts.booted, facts.primary) or slot in record.versions


def set_bad(facts: Facts, record: Record, slot: Slot, now_us: int) -> Record:
    """Do as RAUC says before it writes a slot: it is whole no more. Raises `Refused`."""
    if may_install(facts, record) != slot:
        raise Refused(f"slot {slot} is booted: it is not given up")
    trial = record.trial
    if trial is not None and trial.slot == slot:
        return _begun(record, trial)
    return _begun(record, Trial(slot, Stage.WRITING, now_us))


def set_good(facts: Facts, record: Record, slot: Slot) -> None:
    """Do as RAUC says: nothing, since only the health check commits. Raises `Refused` where that would be a lie."""
    if standing(facts, record) is Standing.TRIAL or not is_good(facts, record, slot):
        raise Refused("only the health check commits a slot")


def asked(facts: Facts, record: Record, ready: tuple[str, ...] | None) -> Record:
    """Say that the firmware is now asked to try the slot that waits. Raises `Refused`."""
    return replace(record, trial=replace(_waits(facts, record), asked=True, ready=ready, refusal="", again_us=0))


def not_asked(facts: Facts, record: Record, refusal: str, again_us: int) -> Record:
    """Say that it was not after all, and when that is tried again (the hub's clock; 0: at once). Raises `Refused`."""
    trial = _waits(facts, record)
    return replace(record, trial=replace(trial, asked=False, refusal=refusal[:MAX_DETAIL], again_us=again_us))


def committed(facts: Facts, record: Record, now_us: int) -> Decision:
    """Decide what a passed health check does. Raises `Refused` for a slot that is not on trial."""
    now = standing(facts, record)
    if now is Standing.COMMITTED:
        return Decision(record, now)
    if now is Standing.STRAY:
        raise Refused(f"slot {facts.booted} is neither committed nor on trial")
    done = replace(record, trial=None, committed=facts.booted, committed_at_us=now_us)
    return Decision(done, Standing.COMMITTED, autoboot=facts.booted)


def condemned(facts: Facts, record: Record, reason: str) -> Decision:
    """Decide what a failed health check does: a slot on trial is left, any other works on as well as it can."""
    trial = record.trial
    now = standing(facts, record)
    if now is not Standing.TRIAL or trial is None:
        return Decision(record, now)
    return Decision(replace(record, trial=replace(trial, verdict=reason[:MAX_DETAIL])), now, restart=True)


def may_try(record: Record, release: str) -> str:
    """Say in a sentence why a release is not to be installed again by itself, "" if it may be.

    One that came up sick stays so. One that was not heard of may only have lost power: it gets a second try. One that
    the firmware will not try costs the card a whole root each time it is written.
    """
    falls = [fall for fall in record.falls if fall.release == release]
    sick = [fall for fall in falls if fall.why is Why.UNHEALTHY]
    if sick:
        return f"its health check failed: {sick[-1].detail}"
    if sum(fall.why is Why.SILENT for fall in falls) > 1:
        return "it was started twice and nothing was heard from it"
    untried = [fall for fall in falls if fall.why is Why.UNTRIED]
    if len(untried) >= MOST_UNTRIED:
        return f"it was installed {len(untried)} times and never tried: {untried[-1].detail}"
    return ""


def slot_of(name: str) -> Slot:
    """Read a slot's name. Raises `Refused`."""
    for slot in SLOTS:
        if name == slot:
            return slot
    raise Refused(f"{name!r} is no slot")


def _waits(facts: Facts, record: Record) -> Trial:
    trial = record.trial
    if trial is None or trial.stage is not Stage.PENDING or trial.slot == facts.booted:
        raise Refused("no slot waits to be tried")
    return trial


def _begun(record: Record, trial: Trial) -> Record:
    versions = {slot: version for slot, version in record.versions.items() if slot != trial.slot}
    return replace(record, trial=replace(trial, stage=Stage.WRITING), versions=versions)


def _reason(trial: Trial) -> tuple[Why, str]:
    if trial.stage is Stage.WRITING:
        return Why.INTERRUPTED, "was not written to its end"
    if trial.verdict:
        return Why.UNHEALTHY, trial.verdict
    if trial.asked:
        return Why.SILENT, "was started and nothing was heard from it"
    if trial.refusal:
        return Why.UNTRIED, trial.refusal
    return Why.UNTRIED, "the machine restarted before it was tried"


def _fall(record: Record, trial: Trial, why: Why, detail: str, now_us: int) -> Record:
    return _kept(record, Fall(now_us, trial.slot, why, detail, trial.version, trial.release))


def _told(record: Record, slot: Slot, why: Why, detail: str, now_us: int) -> Record:
    return _kept(record, Fall(now_us, slot, why, detail, record.versions.get(slot, "")))


def _kept(record: Record, fall: Fall) -> Record:
    return replace(record, falls=(*record.falls, fall)[-MAX_FALLS:])


def _is_last(record: Record, slot: Slot, whys: tuple[Why, ...]) -> bool:
    return bool(record.falls) and record.falls[-1].slot == slot and record.falls[-1].why in whys


def _with_version(record: Record, slot: Slot, version: str) -> Record:
    if record.versions.get(slot) == version:
        return record
    return replace(record, versions={**record.versions, slot: version})
