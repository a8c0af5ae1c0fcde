"""The JSON of the local API that says how a station is: its logs, card, catalogue, hub, and who it is by its papers."""

from __future__ import annotations

import msgspec

from edge.api.messages import StatusAnswer
from edge.enrol.api import Standing
from protocol.state import MachineState, SettingsState


class LogAnswer(msgspec.Struct, frozen=True):
    """How one of the station's logs is; times in microseconds, `oldest_unacked_us` in UTC.

    `written_bytes` is what was written to its files since the agent started, null where that cannot be told;
    `room_bytes` what its cap leaves; `reserve_missing_bytes` what it had to give up of its reserve.
    """

    epoch: str
    head: int
    entries: int
    unacked: int
    bytes_on_disk: int
    refused: int
    sync_p50_us: int
    sync_p99_us: int
    oldest_unacked_us: int | None
    stored_bytes: int
    written_bytes: int | None
    room_bytes: int
    reserve_bytes: int
    reserve_missing_bytes: int


class StorageAnswer(msgspec.Struct, frozen=True):
    """How the card is used. `room` says what of the chatter is still logged: all (ample), refusals (short), or nothing.

    `written_day_bytes` is what both logs write in a day, as measured over the last `measured_s` seconds; `room_hours`
    how long the stock log lasts at that pace while the hub acknowledges nothing. Null while not known.
    """

    room: str
    free_bytes: int
    measured_s: int
    written_day_bytes: int | None
    room_hours: int | None


class CatalogueAnswer(msgspec.Struct, frozen=True):
    """Which catalogue the station holds."""

    epoch: str
    seq: int
    rows: int
    set_hash: str
    quarantined: int


class HubAnswer(msgspec.Struct, frozen=True):
    """How the station stands with its hub; `trouble` says what keeps them apart (`protocol.handshake.Trouble`)."""

    connected: bool
    standing: str
    trouble: str | None = None


class StandingAnswer(msgspec.Struct, frozen=True):
    """`GET /enrol/standing`, and part of health: who the station is, and what is going on. Times are UTC."""

    state: str
    step: str
    words: str
    identity: str
    store: str
    position: str
    not_after_us: int | None


class HealthAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/health`."""

    store: str
    station: str
    version: str
    boot: str
    up_us: int
    clock_synced: bool
    status: StatusAnswer
    stock: LogAnswer
    chatter: LogAnswer
    storage: StorageAnswer
    catalogue: CatalogueAnswer | None
    hub: HubAnswer
    enrolment: StandingAnswer | None = None
    settings: SettingsState | None = None
    machine: MachineState | None = None


class NobodyAnswer(msgspec.Struct, frozen=True):
    """`GET /v1/health` of a station that is not enrolled."""

    version: str
    boot: str
    up_us: int
    clock_synced: bool
    status: StatusAnswer
    enrolment: StandingAnswer


def standing_answer(now: Standing) -> StandingAnswer:
    """Say how the station stands."""
    return StandingAnswer(
        state=now.state.value,
        step=now.step,
        words=now.words,
        identity=now.identity,
        store=now.store,
        position=now.position,
        not_after_us=now.not_after_us,
    )
