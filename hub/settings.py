"""`hub.toml`: what a hub is told about itself, read once, checked whole, typed after.

store = "oak-street"
currency = "EUR"
timezone = "Europe/Berlin"              # of the clock on the store's wall, by which offers begin and end; else UTC
data_dir = "/var/lib/shelfwire-hub"     # relative: beside the file

[database]                              # leave the table out to keep all in a file of data_dir
url = "postgresql://hub:secret@127.0.0.1/oak"

[broker]                                # the store's own
host = "127.0.0.1"
port = 1883
plain = false                           # true: speak in the clear to a broker that is not on this machine

[hq]                                    # head office's; leave the table out to run without
host = "hq.example"
port = 8883
[hq.tls]                                # likewise [broker.tls]; files in PEM, relative: beside this one
ca = "identity/hq-ca.pem"               # who the broker's certificate must be from
certificate = "identity/hub.pem"
key = "identity/hub.key"
name = "broker.hq.example"              # in the broker's certificate; left out: as `host`

[web]
host = "127.0.0.1"
port = 8080

[backup]                                # leave the table out to keep nothing elsewhere
folder = "/media/backup/shelfwire"      # on another disk; never made, so that a disk that is not there is found out
at = "03:30"                            # UTC, each night
keep = 14
archive_every_s = 20                    # what is committed goes there as it comes, at the latest after so long

[mosquitto]                             # leave the table out where somebody else looks after the store's broker
folder = "/var/lib/shelfwire-broker"    # its files, kept current by the hub: docs/security.md
hosts = ["hub.oak-street"]              # how stations call it, beside the addresses said elsewhere in this file
listen = ""                             # one address of this machine; "": all of them
reload = ["/usr/local/bin/reload-broker"]    # how it is made to read its lists again, and to begin anew; left out:
restart = ["/usr/local/bin/restart-broker"]  # by the files `reload` and `restart` in its folder, which are touched

[enrolment]                             # leave the table out to enrol no stations
address = "192.168.7.2"                 # of the hub, as stations reach it: it stands in invitations
host = "0.0.0.0"                        # of the interface to listen at
port = 8443
broker_port = 8883                      # where stations then find the broker, at the same address
                                        # or at another, broker_host

[updates]                               # when machines may restart for an update, by the store's clock
closed = ["20:30-07:30", "Sun 00:00-24:00"]   # spans in which the shop is closed; left out: only updates for any time

[counts]                                # by how much two figures may differ without a person being asked
tolerance_milli = 0                     # so much, or so many in a thousand: the greater of the two counts
tolerance_per_mille = 10
[counts.categories.produce]             # of items of this category
tolerance_milli = 500

[codes]                                 # the store's own labels, as in its stations' edge.toml
variable = ["21IIIIIWW.WWWC"]

Beyond 300 lines because what the file looks like, its tables and what is checked of them are one grammar.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, tzinfo
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from hub.closing import Span, parse_closed
from hub.errors import BadInput
from hub.ledger.asking import Tolerance
from protocol.errors import BadInput as ProtocolBadInput
from protocol.identity import StoreId, parse_store
from protocol.loopback import is_loopback
from protocol.variable_measure import PLAIN, CodeRules, parse_patterns

Host = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
File = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`(?: - at `\$\.?(?P<path>[^`]*)`)?")


class TlsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of the hub's identity towards a broker, and that broker's name where it is another than its host."""

    ca: File
    certificate: File
    key: File
    name: Host | None = None


class BrokerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a broker is, and how it is spoken to: in the clear on this machine, else by TLS or as told."""

    host: Host = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    tls: TlsSettings | None = None
    plain: bool = False


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the page, the REST interface and the metrics are served; port 0 takes any free one, told when ready.

    `hosts` are further names by which browsers may call this hub.
    """

    host: Host = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    hosts: tuple[Host, ...] = ()


class DatabaseSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A database of PostgreSQL that is this hub's alone, as libpq writes where one is."""

    url: Annotated[str, msgspec.Meta(pattern="^postgres(ql)?://")]


class CodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The patterns of the store's own labels (`protocol.variable_measure`).

    What was scanned keeps the meaning it had when it was folded, so they are set before the first such scan.
    """

    variable: tuple[str, ...] = ()


class ToleranceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much two figures of a count may differ: milli-units, or in a thousand, whichever is the greater."""

    tolerance_milli: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 0
    tolerance_per_mille: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0


class CountSettings(ToleranceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tolerance of all items, and of those of some categories."""

    categories: dict[str, ToleranceSettings] = {}


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the hub's file is kept a second time: a backup each night at `at` (UTC), and the archive between them."""

    folder: Annotated[str, msgspec.Meta(min_length=1)]
    at: Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] = "03:30"
    keep: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 14
    archive_every_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 20


class EnrolmentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where stations enrol, over TLS, and where they find the broker then.

    `address` is the hub's IPv4 address as they reach it, None where it may change: then they look for the hub by mDNS.
    Port 0 takes any free one. `broker_host` None: the same address.
    """

    address: Annotated[str, msgspec.Meta(min_length=7, max_length=15)] | None = None
    host: Host = "0.0.0.0"  # noqa: S104 - stations are elsewhere, and nothing but EST is served there
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8443
    broker_host: Host | None = None
    broker_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883


class UpdateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the shop is closed (`hub.closing`): machines that have an update to try restart then."""

    closed: tuple[str, ...] = ()


class MosquittoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The store's broker on this machine, which the hub gives its files; its port is that of `[broker]`."""

    folder: File
    hosts: tuple[Host, ...] = ()
    listen: Annotated[str, msgspec.Meta(max_length=253)] = ""
    connections: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 200
    user: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    reload: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    store: str
    data_dir: Annotated[str, msgspec.Meta(min_length=1)]
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] = "EUR"
    timezone: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "UTC"
    broker: BrokerSettings = msgspec.field(default_factory=BrokerSettings)
    hq: BrokerSettings | None = None
    web: WebSettings = msgspec.field(default_factory=WebSettings)
    codes: CodeSettings = msgspec.field(default_factory=CodeSettings)
    counts: CountSettings = msgspec.field(default_factory=CountSettings)
    backup: BackupSettings | None = None
    database: DatabaseSettings | None = None
    enrolment: EnrolmentSettings | None = None
    mosquitto: MosquittoSettings | None = None
    updates: UpdateSettings = msgspec.field(default_factory=UpdateSettings)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of `hub.toml`. `currency` (ISO 4217) is that of imported prices which name none, `zone` the store's clock.

    `medium` is the backups' folder, absolute; `database_url` that of PostgreSQL, None for a file in `data_dir`.
    `medium` is the backups' folder, absolute. `tolerances` are by category of items, "" of all others.
    """

    store: StoreId
    data_dir: Path
    currency: str
    broker: BrokerSettings
    hq: BrokerSettings | None
    web: WebSettings
    codes: CodeRules = PLAIN
    zone: tzinfo = UTC
    backup: BackupSettings | None = None
    medium: Path | None = None
    database_url: str | None = None
    enrolment: EnrolmentSettings | None = None
    mosquitto: MosquittoSettings | None = None
    closed: tuple[Span, ...] = ()
    tolerances: Mapping[str, Tolerance] = msgspec.field(default_factory=dict)


_TABLES: dict[str, type[msgspec.Struct]] = {
    "broker": BrokerSettings,
    "broker.tls": TlsSettings,
    "hq": BrokerSettings,
    "hq.tls": TlsSettings,
    "web": WebSettings,
    "codes": CodeSettings,
    "counts": CountSettings,
    "backup": BackupSettings,
    "database": DatabaseSettings,
    "enrolment": EnrolmentSettings,
    "mosquitto": MosquittoSettings,
    "updates": UpdateSettings,
}


def load_settings(path: Path) -> Settings:
    """Read and check a file. Raises `BadInput` ("bad-settings"), also for a file that cannot be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("bad-settings", f"cannot read {path}: {error}") from error
    return parse_settings(text, path.absolute().parent)


def parse_settings(text: str, beside: Path) -> Settings:
    """Check the text of a file that stands in the folder `beside`. Raises `BadInput` ("bad-settings")."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
        store = parse_store(file.store)
    except tomllib.TOMLDecodeError as error:
        raise BadInput("bad-settings", f"not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadInput("bad-settings", _explained(str(error))) from error
    except ProtocolBadInput as error:
        raise BadInput("bad-settings", f"store: {error.detail}") from error
    try:
        codes = parse_patterns(file.codes.variable, file.currency)
    except ProtocolBadInput as error:
        raise BadInput("bad-settings", f"codes.variable: {error.detail}") from error
    try:
        # UTC is known without a database of zones.
        zone = UTC if file.timezone == "UTC" else ZoneInfo(file.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput("bad-settings", f"timezone: {file.timezone!r} is none like Europe/Berlin") from error
    if file.enrolment is not None and file.enrolment.address is not None:
        try:
            IPv4Address(file.enrolment.address)
        except ValueError as error:
            raise BadInput(
                "bad-settings", f"enrolment.address: {file.enrolment.address!r} is no IPv4 address"
            ) from error
    try:
        closed = parse_closed(file.updates.closed)
    except BadInput as error:
        raise BadInput("bad-settings", f"updates.closed: {error.detail}") from error
    return Settings(
        store=store,
        closed=closed,
        data_dir=beside / file.data_dir,
        currency=file.currency,
        broker=_reached("broker", file.broker, beside, own=file.mosquitto is not None),
        hq=None if file.hq is None else _reached("hq", file.hq, beside),
        web=file.web,
        codes=codes,
        zone=zone,
        backup=file.backup,
        enrolment=file.enrolment,
        mosquitto=_beside(file.mosquitto, beside),
        tolerances={
            category: Tolerance(each.tolerance_milli, each.tolerance_per_mille)
            for category, each in {"": file.counts, **file.counts.categories}.items()
        },
        medium=None if file.backup is None else beside / file.backup.folder,
        database_url=None if file.database is None else file.database.url,
    )


def _beside(mosquitto: MosquittoSettings | None, beside: Path) -> MosquittoSettings | None:
    if mosquitto is None:
        return None
    return msgspec.structs.replace(mosquitto, folder=str((beside / mosquitto.folder).absolute()))


def _reached(table: str, broker: BrokerSettings, beside: Path, *, own: bool = False) -> BrokerSettings:
    """Find the files of an identity; `own`: the hub makes itself one for this broker."""
    if broker.tls is None:
        if not own and not broker.plain and not is_loopback(broker.host):
            raise BadInput(
                "bad-settings",
                f"[{table}.tls] is needed to speak with {broker.host!r}, which is not this machine;"
                " plain = true does without",
            )
        return broker
    if broker.plain:
        raise BadInput("bad-settings", f"{table}.plain says the contrary of the table [{table}.tls]")
    files = {name: str(beside / getattr(broker.tls, name)) for name in ("ca", "certificate", "key")}
    return msgspec.structs.replace(broker, tls=msgspec.structs.replace(broker.tls, **files))


def _explained(message: str) -> str:
    found = _UNKNOWN.match(message)
    if found is None:
        return message.replace(" - at `$.", " (").replace("`", "").rstrip(")") + (")" if " - at" in message else "")
    key, table = found["key"], found["path"] or ""
    known = _TABLES.get(table, _File).__struct_fields__
    near = difflib.get_close_matches(key, known, n=1)
    where = f" in [{table}]" if table else ""
    return f"unknown key '{key}'{where}" + (f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(known)}")
