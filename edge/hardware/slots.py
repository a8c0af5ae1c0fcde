"""Reads what the machine keeps of its two slots and of updates (`/data/slots/status.json`), for the hub to be told.

The file is written by `image`, which knows much more of it; of what is there, only what people should see is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

PLACE = "data/slots/status.json"
MAX_BYTES = 256 * 1024
_MAX_WORDS = 300
_LAST_US = 253_402_300_799_999_999  # of the year 9999


class _Trial(msgspec.Struct, frozen=True):
    slot: str
    version: str = ""
    refusal: str = ""
    again_us: Annotated[int, msgspec.Meta(ge=0, le=_LAST_US)] = 0


class _Fall(msgspec.Struct, frozen=True):
    at_us: int
    slot: str
    why: str
    detail: str = ""
    version: str = ""


class _News(msgspec.Struct, frozen=True):
    step: str
    detail: str = ""
    version: str = ""


class _Record(msgspec.Struct, frozen=True):
    committed: str | None = None
    committed_at_us: int = 0
    trial: _Trial | None = None
    falls: tuple[_Fall, ...] = ()
    news: _News | None = None


@dataclass(frozen=True, slots=True)
class SlotsReading:
    """The committed slot, what an update is doing, and why the last one is not what runs; "" each where nothing is."""

    slot: str = ""
    update: str = ""
    update_failed: str = ""


def read_slots(root: Path) -> SlotsReading:
    """Read it below a machine's root; nothing on a machine without slots, and where it cannot be read."""
    try:
        with (root / PLACE).open("rb") as file:
            record = msgspec.json.decode(file.read(MAX_BYTES), type=_Record)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return SlotsReading()
    trial, news = record.trial, record.news
    update = ""
    if trial is not None and trial.refusal:
        again = f" (again after {_utc(trial.again_us)})" if trial.again_us else ""
        update = f"{trial.version} in slot {trial.slot} {trial.refusal[: _MAX_WORDS - 80]}{again}"
    elif trial is not None:
        update = f"{trial.version} is on trial in slot {trial.slot}"
    elif news is not None and news.step != "current":
        update = _words(news.version, news.step, news.detail)
    last = record.falls[-1] if record.falls else None
    failed = "" if last is None or last.at_us < record.committed_at_us else _words(last.version, last.why, last.detail)
    return SlotsReading(record.committed or "", update[:_MAX_WORDS], failed)


def _utc(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _words(version: str, what: str, detail: str) -> str:
    said = " ".join(word for word in (version, what) if word)
    return (f"{said}: {detail}" if detail else said)[:_MAX_WORDS]
