"""The table of what somebody on the shop's network might try at the broker, and is not to be let do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from protocol.frames import MAX_PAYLOAD_BYTES
from protocol.identity import StoreId
from provisioning.broker_config import PACKET_ROOM_BYTES

STORE = StoreId("oak-street")
OWN, OTHER, LEFT = "st-aaaaaaaaaaaaa", "st-bbbbbbbbbbbbb", "st-ccccccccccccc"
"""The station that tries, one that it is not, and one that was taken out of service."""
ROOT = f"shelfwire/1/{STORE}"
MINE, THEIRS = f"{ROOT}/s/{OWN}", f"{ROOT}/s/{OTHER}"
SAID_BY_STATIONS = ("log/stock", "log/chatter", "live", "state", "want", "reply")
SAID_BY_HUB = ("cursor/stock", "cursor/chatter", "cat", "cmd")
FOR_ALL = ("cat/head", "cat/log")
OF_HQ = ("feed/log", "feed/cursor", "hq/cat", "hq/doc", "hq/cursor/cat", "journal/log", "journal/cursor")
FOR_ANOTHER = b"for another"
SHOWN = (
    "no certificate", "foreign authority", "the hub's name, of a foreign authority", "self-signed", "expired",
    "not yet valid", "revoked", "for servers", "no TLS",
)  # fmt: skip


@dataclass(frozen=True)
class Publish:
    """`by` says something under a topic."""

    topic: str
    by: str = OWN
    qos: int = 1
    retain: bool = False
    payload: bytes = b"forged"
    v311: bool = False
    called: str = "anybody"
    user: str | None = None


@dataclass(frozen=True)
class Subscribe:
    """`by` asks to hear something; then `said` is said, by one who may."""

    topics: str
    said: str
    by: str = OWN
    retained: bool = False


@dataclass(frozen=True)
class Will:
    """`by` leaves words to be said under a topic once it is gone, and goes."""

    topic: str
    by: str = OWN


@dataclass(frozen=True)
class Connect:
    """Somebody shows a certificate, or none."""

    shows: str


@dataclass(frozen=True)
class Case:
    what: str
    attempt: Publish | Subscribe | Will | Connect = field(hash=False)


def _cases() -> Iterator[Case]:
    for shown in SHOWN:
        yield Case(f"connects: {shown}", Connect(shown))
    for tail in (*SAID_BY_STATIONS, *SAID_BY_HUB):
        yield Case(f"publishes another's {tail}", Publish(f"{THEIRS}/{tail}"))
        yield Case(f"leaves a will under another's {tail}", Will(f"{THEIRS}/{tail}"))
        yield Case(f"subscribes to another's {tail}", Subscribe(f"{THEIRS}/{tail}", f"{THEIRS}/{tail}"))
    for tail in SAID_BY_HUB:
        yield Case(f"publishes its own {tail}, the hub's to say", Publish(f"{MINE}/{tail}"))
        yield Case(f"leaves a will under its own {tail}", Will(f"{MINE}/{tail}"))
    for tail in FOR_ALL:
        yield Case(f"publishes {tail}, the hub's to say to all", Publish(f"{ROOT}/{tail}"))
    for tail in OF_HQ:
        yield Case(f"publishes head office's {tail}", Publish(f"{ROOT}/{tail}"))
    for tail in ("feed/log", "hq/doc", "journal/log"):
        yield Case(f"subscribes to head office's {tail}", Subscribe(f"{ROOT}/{tail}", f"{ROOT}/{tail}"))
    for topics in (
        "#", "+/#", "shelfwire/#", f"{ROOT}/#", f"{ROOT}/s/#", f"{ROOT}/s/+/#", f"{ROOT}/s/+/cmd", f"{THEIRS}/#",
        f"$share/thieves/{ROOT}/s/+/cmd", "$share/thieves/#",
    ):  # fmt: skip
        yield Case(f"subscribes to {topics}", Subscribe(topics, f"{THEIRS}/cmd"))
    yield Case("subscribes to all logs", Subscribe(f"{ROOT}/s/+/log/+", f"{THEIRS}/log/stock"))
    yield Case("takes the hub's share of logs", Subscribe(f"$share/g/{ROOT}/s/+/log/+", f"{THEIRS}/log/stock"))
    yield Case("subscribes to what it says itself", Subscribe(f"{MINE}/log/stock", f"{MINE}/log/stock"))
    yield Case("hears another's retained state", Subscribe(f"{ROOT}/s/+/state", f"{THEIRS}/state", retained=True))
    yield Case("publishes the broker's own figures", Publish("$SYS/broker/uptime"))
    yield Case("publishes the broker's own controls", Publish("$CONTROL/dynamic-security/v1"))
    yield Case("publishes a log of another store", Publish(f"shelfwire/1/elm-street/s/{OWN}/log/stock"))
    yield Case("publishes a stream that there is none of", Publish(f"{MINE}/log/gossip"))
    yield Case("publishes below its own live", Publish(f"{MINE}/live/more"))
    yield Case("publishes a topic of nobody", Publish("anything"))
    yield Case("publishes another's state, retained", Publish(f"{THEIRS}/state", retain=True))
    yield Case("strikes another's retained state", Publish(f"{THEIRS}/state", retain=True, payload=b""))
    yield Case("publishes another's log, unacknowledged", Publish(f"{THEIRS}/log/stock", qos=0))
    yield Case("publishes another's log by MQTT 3.1.1", Publish(f"{THEIRS}/log/stock", v311=True))
    yield Case("publishes another's log as the client it claims to be", Publish(f"{THEIRS}/live", called=OTHER))
    yield Case("publishes another's log as the user it claims to be", Publish(f"{THEIRS}/live", user=OTHER))
    yield Case("publishes as the hub it claims to be", Publish(f"{THEIRS}/cmd", called="hub", user="hub"))
    yield Case(
        "publishes more than a payload may be",
        Publish(f"{MINE}/live", payload=bytes(MAX_PAYLOAD_BYTES + PACKET_ROOM_BYTES)),
    )
    yield Case("publishes by QoS 2, which nobody needs", Publish(f"{MINE}/log/stock", qos=2))
    yield Case("was taken out of service, publishes", Publish(f"{ROOT}/s/{LEFT}/log/stock", by=LEFT))
    yield Case("was taken out of service, leaves a will", Will(f"{ROOT}/s/{LEFT}/state", by=LEFT))
    yield Case("was taken out of service, listens", Subscribe("#", f"{ROOT}/s/{LEFT}/cmd", by=LEFT))
    yield Case("the broker's own certificate publishes", Publish(f"{MINE}/cmd", by="a broker"))
    yield Case("head office publishes at the store's", Publish(f"{MINE}/cmd", by="st-hhhhhhhhhhhhh"))


TABLE = list(_cases())
