"""`edge.toml`: what a station is told about itself, read once, checked whole, typed after.

store = "oak-street"
station = "till-3"
place = "shop"                  # where its stock is
area = "sales-floor"            # what that is part of, where a store has several areas; else left out
selling = "immediate"           # or "basket": what is scanned is sold once till software closes the basket
mode = "sale"                   # sale return receive count transfer waste price-check
data_dir = "/var/lib/shelfwire" # relative: beside the file

[hub]
host = "127.0.0.1"
port = 1883
plain = false                   # true: speak in the clear to a broker that is not on this machine
[hub.tls]                       # beyond this machine; files in PEM, relative: beside this one
ca = "identity/ca.pem"          # who the broker's certificate must be from
certificate = "identity/certificate.pem"
key = "identity/key.pem"
name = "hub.oak-street"         # in the broker's certificate; left out: as `host`

[api]                           # for till software on this machine
host = "127.0.0.1"              # loopback only
port = 8171

[codes]                         # how the shop's own scale labels are read: protocol/variable_measure.py
variable = ["21IIIIIWW.WWWC"]
currency = "EUR"                # of prices in codes that name none

[limits]
weight_wait_s = 5.0
session_idle_s = 300            # a sale in which nothing is done for so long is over; 0: never

[zones.shelf]                   # RFID: antennas that are one place; more in `edge/presence/settings.py`
antennas = ["reader:1"]

[devices.scanner]               # one table a device; the rest of its keys are its driver's
driver = "serial-scanner"
dwell_ms = 0                    # of a scanner without trigger: how long a code must be out of sight to count again
port = "/dev/serial/by-id/usb-..."

Without `store`, `station`, `place`, `area`, `mode` and `[hub]`, the station is whoever its hub makes it: it takes all
that from the papers of its identity (`edge.enrol`), and waits to be enrolled as long as it has none.

[enrol]
file = "/boot/firmware/invitation.txt"      # an invitation that is laid there is read once, then overwritten

Past 300 lines, because each table stands beside what is checked of it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec

from edge.errors import BadSettings
from edge.presence.rules import Rules
from edge.presence.settings import PresenceSettings, presence_rules
from edge.station.actions import LOCAL_API
from protocol.cards import Mode
from protocol.enrolment import Papers
from protocol.errors import BadInput
from protocol.identity import DeviceId, PlaceId, StationId, StoreId, parse_place, parse_station, parse_store
from protocol.loopback import is_loopback
from protocol.station_settings import MAX_DWELL_MS, CodeSettings, LimitSettings
from protocol.variable_measure import CodeRules, parse_patterns

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Host = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
File = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]

OWN_KEYS = ("driver", "dwell_ms")
"""The keys of a device's table that are not its driver's."""

_DEVICE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_AT = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?", re.DOTALL)


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of the station's identity, and the broker's name where it is another than its host."""

    ca: File
    certificate: File
    key: File
    name: Host | None = None


class Selling(StrEnum):
    """When a scan sells: at once, or when till software closes the basket that it fell into."""

    IMMEDIATE = "immediate"
    BASKET = "basket"


class HubSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the store's broker is, and how it is spoken to: in the clear on this machine, else by TLS or as told."""

    host: Host = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls: TlsSettings | None = None
    plain: bool = False


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the local API listens; port 0 takes any free one, told in the ready line."""

    host: Host = "127.0.0.1"
    port: Port = 8171


class EnrolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an invitation may be laid as a file; "" for nowhere."""

    file: str = ""


class DeviceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One device: its driver's name, its dwell window, and the table that is for the driver to check.

    Within `dwell_ms` of its last sight, a code read again is the same sight of it (`edge.station.dwell`); 0 is off.
    """

    driver: str
    dwell_ms: int = 0
    table: Mapping[str, object]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What `edge.toml` says of a machine, whoever it is.

    The tables of lights and devices are theirs to check (`edge.agent.build_devices`).
    """

    selling: Selling
    scale: DeviceId | None
    data_dir: Path
    hub: HubSettings
    api: ApiSettings
    limits: LimitSettings
    codes: CodeRules
    presence: Rules
    lights: Mapping[str, object] | None
    devices: Mapping[DeviceId, DeviceSettings]
    enrol: Path | None
    table: Mapping[str, object]
    """The file as it is written."""


class Settings(Machine, frozen=True, kw_only=True):
    """A machine that is a station: of a store, at a place. `position` is where it stands; it is of its own name where
    its file names it."""

    store: StoreId
    station: StationId
    position: str
    place: PlaceId
    area: PlaceId | None
    mode: Mode


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    store: str | None = None
    station: str | None = None
    place: str | None = None
    area: str | None = None
    mode: Mode | None = None
    selling: Selling = Selling.IMMEDIATE
    scale: str | None = None
    data_dir: Annotated[str, msgspec.Meta(min_length=1)]
    hub: HubSettings = msgspec.field(default_factory=HubSettings)
    api: ApiSettings = msgspec.field(default_factory=ApiSettings)
    limits: LimitSettings = msgspec.field(default_factory=LimitSettings)
    codes: CodeSettings = msgspec.field(default_factory=CodeSettings)
    presence: PresenceSettings = msgspec.field(default_factory=PresenceSettings)
    zones: dict[str, dict[str, Any]] = {}
    lights: dict[str, Any] | None = None
    devices: dict[str, dict[str, Any]] = {}
    enrol: EnrolSettings = msgspec.field(default_factory=EnrolSettings)


def load_machine(path: Path) -> Machine:
    """Read and check a file: `Settings` if it names the station. Raises `BadSettings`, also if it cannot be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings("", f"cannot read {path}: {error}") from error
    return parse_machine(text, path.absolute().parent)


def load_settings(path: Path) -> Settings:
    """Read and check a file that names the station. Raises `BadSettings`."""
    return _must_name(load_machine(path))


def parse_settings(text: str, beside: Path) -> Settings:
    """Check the text of a file that names the station. Raises `BadSettings`."""
    return _must_name(parse_machine(text, beside))


def parse_machine(text: str, beside: Path) -> Machine:
    """Check the text of a file that stands in the folder `beside`. Raises `BadSettings`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings("", f"not TOML: {error}") from error
    return parse_table(table, beside)


def parse_table(table: Mapping[str, object], beside: Path) -> Machine:
    """Check what such a file holds.

    Device tables are taken as they are, but for `OWN_KEYS`: what else they may hold is their driver's to say.
    Raises `BadSettings`.
    """
    _refuse_unknown(table, _File, "")
    try:
        file = msgspec.convert(table, _File)
    except msgspec.ValidationError as error:
        match = _AT.fullmatch(str(error))
        raise BadSettings((match and match["path"]) or "", match["what"] if match else str(error)) from error
    if not is_loopback(file.api.host):
        raise BadSettings("api.host", f"{file.api.host!r} is no loopback address, and the local API knows no passwords")
    if file.scale is not None and file.scale not in file.devices:
        raise BadSettings("scale", f"no device {file.scale!r}", near(file.scale, file.devices))
    machine = Machine(
        selling=file.selling,
        scale=None if file.scale is None else DeviceId(file.scale),
        data_dir=beside / file.data_dir,
        hub=_hub(file.hub, beside),
        api=file.api,
        limits=file.limits,
        codes=_codes(file.codes),
        presence=presence_rules(file.presence, file.zones, {DeviceId(name) for name in file.devices}),
        lights=file.lights,
        devices={DeviceId(name): _device(name, one) for name, one in file.devices.items()},
        enrol=beside / file.enrol.file if file.enrol.file else None,
        table=table,
    )
    return _named(machine, file)


def settled(machine: Machine, papers: Papers, hub: HubSettings) -> Settings:
    """Make a machine the station that its papers say, with the broker that they name. Raises `BadSettings`."""
    try:
        return as_station(
            msgspec.structs.replace(machine, hub=hub),
            store=parse_store(papers.store),
            station=parse_station(papers.station),
            position=parse_place(papers.position),
            place=parse_place(papers.place),
            area=None if papers.area is None else parse_place(papers.area),
            mode=Mode(papers.mode),
        )
    except (BadInput, ValueError) as error:
        raise BadSettings("papers", str(error)) from error


def as_station(
    machine: Machine,
    *,
    store: StoreId,
    station: StationId,
    position: str,
    place: PlaceId,
    area: PlaceId | None,
    mode: Mode,
) -> Settings:
    """Make a machine a station."""
    told = {name: getattr(machine, name) for name in Machine.__struct_fields__}
    return Settings(**told, store=store, station=station, position=position, place=place, area=area, mode=mode)


def _must_name(machine: Machine) -> Settings:
    if not isinstance(machine, Settings):
        raise BadSettings("", "names no store, station and place")
    return machine


def _named(machine: Machine, file: _File) -> Machine:
    """Give the machine the names in its file, all of them or none. Raises `BadSettings`."""
    if file.store is None and file.station is None and file.place is None:
        for key in ("area", "mode"):
            if getattr(file, key) is not None:
                raise BadSettings(key, "is the hub's to say, for a station that is not named here")
        return machine
    if file.store is None or file.station is None or file.place is None:
        missing = next(key for key in ("store", "station", "place") if getattr(file, key) is None)
        raise BadSettings("", f"Object missing required field `{missing}`; or leave out store, station and place")
    try:
        return as_station(
            machine,
            store=parse_store(file.store),
            station=parse_station(file.station),
            position=file.station,
            place=parse_place(file.place),
            area=None if file.area is None else parse_place(file.area),
            mode=file.mode or Mode.SALE,
        )
    except BadInput as error:
        raise BadSettings(error.name.removeprefix("bad-"), error.detail) from error


def _hub(hub: HubSettings, beside: Path) -> HubSettings:
    if hub.tls is None:
        if not hub.plain and not is_loopback(hub.host):
            raise BadSettings(
                "hub.tls",
                f"is needed to speak with {hub.host!r}, which is not this machine; plain = true does without",
            )
        return hub
    if hub.plain:
        raise BadSettings("hub.plain", "says the contrary of the table [hub.tls]")
    files = {name: str(beside / getattr(hub.tls, name)) for name in ("ca", "certificate", "key")}
    return msgspec.structs.replace(hub, tls=msgspec.structs.replace(hub.tls, **files))


def _codes(codes: CodeSettings) -> CodeRules:
    try:
        return parse_patterns(codes.variable, codes.currency)
    except BadInput as error:
        raise BadSettings(
            "codes.currency" if error.name == "bad-currency" else "codes.variable", error.detail
        ) from error


def _device(name: str, table: Mapping[str, object]) -> DeviceSettings:
    if not _DEVICE.fullmatch(name) or name == LOCAL_API:
        raise BadSettings(f"devices.{name}", "a device is named with 1 to 63 of a-z, 0-9, inner hyphens, and not 'api'")
    driver = table.get("driver")
    if not isinstance(driver, str):
        raise BadSettings(f"devices.{name}", 'needs driver = "..."')
    dwell_ms = table.get("dwell_ms", 0)
    if type(dwell_ms) is not int or not 0 <= dwell_ms <= MAX_DWELL_MS:
        raise BadSettings(f"devices.{name}.dwell_ms", f"is a whole number from 0 to {MAX_DWELL_MS}")
    rest = {key: value for key, value in table.items() if key not in OWN_KEYS}
    return DeviceSettings(driver=driver, dwell_ms=dwell_ms, table=rest)


def _refuse_unknown(table: Mapping[str, object], struct: type[msgspec.Struct], path: str) -> None:
    """Find a key that no field has, and the one probably meant, before the first wrong value is reported."""
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    for key, value in table.items():
        if key not in fields:
            raise BadSettings(path, f"unknown key {key!r}", near(key, fields))
        for inner in get_args(fields[key]) or (fields[key],):
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct) and isinstance(value, Mapping):
                _refuse_unknown(value, inner, f"{path}.{key}".lstrip("."))


def near(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that was probably meant, if any comes near."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return found[0] if found else None
