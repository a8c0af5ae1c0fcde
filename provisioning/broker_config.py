"""What mosquitto is told: its configuration and who may say what, as texts made of settings and identities. Pure.

Only certificates are let in. The name in a certificate becomes user name and client name, so that nobody can call
himself somebody else, and each is named in the list of permissions with its own topics, the others with none: who is
struck from it can say and hear nothing from the moment mosquitto reads it again.

mosquitto 2.0 knows no option for MQTT 5 alone, refuses no subscription (what may not be read is not delivered), and
asks nothing of the retain flag. Options: mosquitto.conf(5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.frames import MAX_PAYLOAD_BYTES
from protocol.identity import StationId, StoreId, parse_station
from protocol.identity_words import Standing
from protocol.topics import Channel, StationTopic, StoreTopics, Stream

CONFIG = "mosquitto.conf"
PERMISSIONS = "acl"
REVOKED = "crl.pem"

PACKET_ROOM_BYTES = 4 * 1024
"""What a packet may hold beside its payload."""
MAX_KEEPALIVE_S = 60
IN_FLIGHT = 200
QUEUED = 1000
QUEUED_BYTES = 64 * 1024 * 1024
MEMORY_BYTES = 512 * 1024 * 1024

_STATION_SAYS = (Channel.LIVE, Channel.STATE, Channel.WANT, Channel.REPLY)
_STATION_HEARS = (Channel.CATALOGUE, Channel.COMMAND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where mosquitto listens, by which files it knows itself and others, and whose account it runs under.

    `address` "" is every address of the machine. `user` None: started by root, as Debian's unit does, mosquitto becomes
    the user "mosquitto"; started by another, it stays who it is.
    """

    port: int
    address: str = ""
    ca: str
    certificate: str
    key: str
    revoked: str
    permissions: str
    connections: int = 200
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Who may connect: by the name in its certificate, of a store, as what."""

    name: str
    store: StoreId
    role: Role


def members_of(standings: Iterable[Standing], store: StoreId) -> tuple[Member, ...]:
    """Give those who have a certificate of the store and were not ended; the hub itself is in no book."""
    enrolled = (Member(each.identity, store, each.invitation.role) for each in standings if each.enrolled)
    return (Member(Role.HUB, store, Role.HUB), *enrolled)


def configuration(listening: Listening) -> str:
    """Write `mosquitto.conf`. Raises `BadInput` ("bad-broker-setting") for a text that would be more than one."""
    files = (listening.ca, listening.certificate, listening.key, listening.revoked, listening.permissions)
    for text in (*files, listening.address, listening.user or ""):
        if any(ord(char) < 0x20 or ord(char) == 0x7F for char in text) or text != text.strip():
            raise BadInput("bad-broker-setting", f"{text[:80]!r} cannot stand in a line of mosquitto.conf")
    account = "" if listening.user is None else f"user {listening.user}\n"
    return f"""\
# Written by `shelfwire provision broker`; what is changed here is lost when it is written again.
per_listener_settings false
allow_anonymous false
allow_zero_length_clientid false
acl_file {listening.permissions}
{account}
# The logs are the queues: nothing that mosquitto holds need outlive it.
persistence false
retain_available true
persistent_client_expiration 1h
queue_qos0_messages false

# Without it an acknowledgement waits for Nagle: 42 ms a scan where half a millisecond will do.
set_tcp_nodelay true
max_packet_size {MAX_PAYLOAD_BYTES + PACKET_ROOM_BYTES}
max_inflight_messages {IN_FLIGHT}
max_queued_messages {QUEUED}
max_queued_bytes {QUEUED_BYTES}
max_keepalive {MAX_KEEPALIVE_S}
memory_limit {MEMORY_BYTES}
sys_interval 0

connection_messages true
log_dest stderr
log_type error
log_type warning
log_type notice

listener {listening.port}{f" {listening.address}" if listening.address else ""}
max_connections {listening.connections}
max_qos 1
max_topic_alias 0
tls_version tlsv1.2
cafile {listening.ca}
certfile {listening.certificate}
keyfile {listening.key}
crlfile {listening.revoked}
require_certificate true
use_identity_as_username true
use_username_as_clientid true
"""


def store_permissions(members: Iterable[Member], generation: str = "") -> str:
    """Write who may say and hear what at a store's broker. Raises `BadInput` for a name that is none.

    `generation` names this list: by asking to speak under it the hub learns whether mosquitto has taken it.
    """

    def hub(member: Member) -> _Grants:
        granted = _hub_at_store(member)
        taken = (generation_topic(member.store, generation),) if generation else ()
        return _Grants((*granted.says, *taken), granted.hears)

    return _permissions(members, {Role.STATION: _station_at_store, Role.HUB: hub})


def generation_topic(store: StoreId, generation: str) -> str:
    """Give the topic under which the hub may speak while the list of this generation holds; nobody hears it."""
    return f"{StoreTopics(store).root}/broker/{generation}"


def hq_permissions(members: Iterable[Member]) -> str:
    """Write who may say and hear what at head office's broker: the hubs of its stores, and head office."""
    return _permissions(members, {Role.HUB: _hub_at_hq, Role.HQ: _hq_at_hq})


@dataclass(frozen=True, slots=True)
class _Grants:
    says: tuple[str, ...]
    hears: tuple[str, ...]


def _permissions(members: Iterable[Member], grants: Mapping[Role, Callable[[Member], _Grants]]) -> str:
    lines = ["# Written by `shelfwire provision broker`. Who is not named here says and hears nothing."]
    for member in members:
        if (granted := grants.get(member.role)) is None:
            continue
        lines += ["", f"user {parse_station(member.name)}"]
        told = granted(member)
        lines += [f"topic write {topic}" for topic in told.says]
        lines += [f"topic read {topic}" for topic in told.hears]
    return "\n".join(lines) + "\n"


def _station_at_store(member: Member) -> _Grants:
    topics, station = StoreTopics(member.store), StationId(member.name)

    def own(channel: Channel, stream: Stream | None = None) -> str:
        return topics.station(StationTopic(station, channel, stream))

    return _Grants(
        (*(own(Channel.LOG, stream) for stream in Stream), *(own(channel) for channel in _STATION_SAYS)),
        (
            *(own(Channel.CURSOR, stream) for stream in Stream),
            *(own(channel) for channel in _STATION_HEARS),
            *_for_all(topics),
        ),
    )


def _hub_at_store(member: Member) -> _Grants:
    topics = StoreTopics(member.store)
    return _Grants(
        (*(topics.every_station(channel) for channel in (Channel.CURSOR, *_STATION_HEARS)), *_for_all(topics)),
        tuple(topics.every_station(channel) for channel in (Channel.LOG, *_STATION_SAYS)),
    )


def _for_all(topics: StoreTopics) -> tuple[str, ...]:
    return (f"{topics.root}/cat/head", f"{topics.root}/cat/log")


def _hub_at_hq(member: Member) -> _Grants:
    topics = StoreTopics(member.store)
    return _Grants(
        (topics.feed_log, topics.journal_log, *map(topics.hq_cursor, ("cat", "doc"))),
        (topics.feed_cursor, topics.journal_cursor, topics.hq_catalogue, topics.hq_documents),
    )


def _hq_at_hq(member: Member) -> _Grants:
    # Of every store that has a hub here.
    topics = StoreTopics(StoreId("+"))
    return _Grants(
        (topics.feed_cursor, topics.journal_cursor, topics.hq_catalogue, topics.hq_documents),
        (topics.feed_log, topics.journal_log, topics.hq_cursor("+")),
    )
