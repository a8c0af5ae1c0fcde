"""What a station says of itself on its retained state topic: birth, health, and the last will.

    {"state":"online","at_us":…,"place":"shop","version":"0.1.0","backlog":12,"catalogue":{…},"devices":[…], …}
    {"state":"offline"}                             the last will, and the goodbye of an orderly stop

Also what it wants of the catalogue is said here, because the hub proves by it that a till's catalogue is HQ's.
"""

from __future__ import annotations

import msgspec

from protocol.errors import BadInput

MAX_STATE_BYTES = 64 * 1024


class DeviceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A peripheral's condition: `state` as the driver names it ("ready", "absent", "lost"), `detail` why.

    `figures` are what it measured of itself, by a word that ends in the unit ("weight_age_ms").
    """

    device: str
    kind: str
    state: str
    detail: str = ""
    figures: dict[str, int] = {}


class CatalogueState(msgspec.Struct, frozen=True):
    """Which catalogue a station holds: position, count of live rows, and the order-free hash of the set in hex."""

    epoch: str
    seq: int
    rows: int
    set_hash: str


class SettingDrift(msgspec.Struct, frozen=True):
    """A local override: `what` ("devices.scanner.port") is `local` at the station and `hub` by the hub, as JSON has
    them, both cut short."""

    what: str
    local: str
    hub: str


class SettingsState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a station stands to the settings its hub gives to its `position`.

    Versions go by `protocol.station_settings.Version.name`, "" for none: `held` came with the catalogue, `applied` is
    what it runs, `failed` is not tried again, for `reason`. `doing` is "waiting" (for an idle moment) or "trying". Of
    the local overrides, `drifts` many, `drift` holds the first.
    """

    position: str
    held: str = ""
    applied: str = ""
    failed: str = ""
    reason: str = ""
    doing: str = ""
    drifts: int = 0
    drift: tuple[SettingDrift, ...] = ()


class MachineState(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the machine itself is. Every field may be missing: then nobody there can say, which is not "well".

    `undervoltage` and `throttled` (slowed down, for heat or want of power) are now, and at any time since boot.
    `temperature_milli_c` is the processor's, in thousandths of a degree Celsius. `disk_errors` counts the errors that
    its file systems noted, `disk_read_only` says that the one with the logs takes nothing any more. Of an eMMC,
    `card_used_percent` is how much of its life is used (110: more than all) and `card_spare_low` that spare blocks
    run out. `usb_lost` counts how often a USB device went away, or had to be enumerated anew, since the agent started.
    `boot_file` says why a technician's file on the boot partition was not used. `slot` is the one of two that is
    committed ("" where there are none), `update` how far an update is, `update_failed` why the last one does not run.
    """

    undervoltage: bool | None = None
    undervoltage_since_boot: bool | None = None
    throttled: bool | None = None
    throttled_since_boot: bool | None = None
    temperature_milli_c: int | None = None
    disk_errors: int | None = None
    disk_read_only: bool | None = None
    card_used_percent: int | None = None
    card_spare_low: bool | None = None
    usb_lost: int | None = None
    memory_bytes: int | None = None
    memory_free_bytes: int | None = None
    boot_file: str = ""
    slot: str = ""
    update: str = ""
    update_failed: str = ""


class StationState(msgspec.Struct, frozen=True, omit_defaults=True):
    """A station's word on itself; every field but `state` may be missing.

    `state` is "online" or "offline". `backlog` and `chatter_backlog` are entries not known to be at the hub; `standing`
    is how replication stands ("reading", "held", "sealed", ...); `backlog_age_s` bounds the age of the stock log's
    oldest entry not at the hub, by the station's own clock. `accepted` and `refused` count scans since the agent
    started, `log_refused` what the stock log refused, `chatter_dropped` what of the chatter was not logged and
    `chatter_thinned` what of that was for want of room.

    `sync_p50_us` and `sync_p99_us` are the stock log's. `written_day_bytes` is what both logs write in a day, as
    measured over the last `measured_s`. `free_bytes` is free on the disk, `room` the station's judgement of it
    ("ample", "short", "scarce"), `room_hours` how long the stock log can take what it took lately, nothing of it being
    acknowledged, and `reserve_missing_bytes` what it had to give up of its reserve.
    """

    state: str
    at_us: int = 0
    place: str = ""
    mode: str = ""
    version: str = ""
    boot: str = ""
    synced: bool = False
    backlog: int = 0
    chatter_backlog: int = 0
    standing: str = ""
    accepted: int = 0
    refused: int = 0
    sync_p99_us: int = 0
    free_bytes: int | None = None
    sync_p50_us: int = 0
    backlog_age_s: int | None = None
    log_refused: int = 0
    chatter_dropped: int = 0
    chatter_thinned: int = 0
    written_day_bytes: int | None = None
    measured_s: int = 0
    room: str = ""
    room_hours: int | None = None
    reserve_missing_bytes: int = 0
    catalogue: CatalogueState | None = None
    devices: tuple[DeviceState, ...] = ()
    settings: SettingsState | None = None
    machine: MachineState | None = None


OFFLINE = StationState("offline")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(StationState).decode


def encode_state(state: StationState) -> bytes:
    """Write a state as its topic's payload."""
    return _encode(state)


def decode_state(payload: bytes) -> StationState:
    """Read a state topic's payload. Raises `BadInput` ("bad-state")."""
    if len(payload) > MAX_STATE_BYTES:
        raise BadInput("bad-state", f"{len(payload)} bytes")
    try:
        state: StationState = _decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-state", str(error)[:300]) from error
    return state
