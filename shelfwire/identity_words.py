"""Says in words whether a machine is enrolled, for `shelfwire edge check`."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from edge.enrol.kept import read_record
from edge.enrol.record import Held, Record, State
from edge.errors import EdgeError
from edge.settings import Machine


def tell_identity(machine: Machine) -> str:
    """Describe the identity in a machine's data folder. Raises `EdgeError`."""
    try:
        record = read_record(machine.data_dir)
    except OSError as error:
        raise EdgeError(f"{machine.data_dir}: {error.strerror or error}") from error
    return words_of(record, time.time_ns() // 1000)


def words_of(record: Record, now_us: int) -> str:
    """Describe an identity at `now_us` (UTC)."""
    state, held = record.state(now_us), record.fresh or record.held
    if state is State.ASKED:
        return "not enrolled, follows an invitation"
    if held is None or record.papers is None:
        return "not enrolled" + (f": {record.refused}" if record.refused else "")
    papers = record.papers
    who = f"{papers.position}, {papers.mode} at {papers.place} of {papers.store}, as {held.identity}"
    match state:
        case State.ENDED:
            return f"was {who}; {record.ended}"
        case State.EXPIRED:
            return f"{who}; its certificate ran out on {_day(held.not_after_us)}, it needs a new invitation"
        case State.RENEWING:
            return f"{who}; its certificate is being renewed, the one it has is good until {_until(held)}"
        case _:
            return f"{who}; its certificate is good until {_until(held)}, renewed from {_day(held.renew_us)}"


def _until(held: Held) -> str:
    return _day(held.not_after_us)


def _day(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d")
