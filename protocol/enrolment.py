"""What hub and station tell each other around an enrolment: names, paths and papers, the same at both ends.

A station makes its key itself and asks for a certificate over EST (RFC 7030), with an invitation's token in hex as
the password of HTTP Basic (its user name is of no matter); later with the certificate it has. Who it is stands there:

    subject   CN = the identity ("st-" and 13 of a-z, 2-7), O = the store, OU = its role
    issuer    the hub's issuing authority, below the root whose fingerprint the invitation holds

With that certificate it fetches its papers: what it is to be here.
"""

from __future__ import annotations

import base64
import re
from enum import StrEnum

import msgspec

from protocol.errors import BadInput
from protocol.identity import StationId, StoreId

EST_ROOT = "/.well-known/est"
"""RFC 7030 section 3.2.2; below it cacerts, simpleenroll, simplereenroll."""
PAPERS_PATH = "/station/papers"
"""GET, with the station's certificate: `Papers` as JSON."""
ACCEPTANCE_PATH = "/station/acceptance"
"""POST, with the station's certificate: the record of a hand-over check, signed by the station's key."""

SERVICE_TYPE = "_shelfwire._tcp.local."
"""What a hub that enrols is found by where an invitation gives no address (DNS-SD, RFC 6763)."""

_IDENTITY = re.compile(r"st-[a-z2-7]{13}")
IDENTITY_BYTES = 8


def identity_of(random: bytes) -> StationId:
    """Name a new station by 8 random bytes, in lower-case base32 (RFC 4648 section 6) without its padding."""
    if len(random) != IDENTITY_BYTES:
        raise BadInput("bad-identity", "an identity is made of 8 bytes")
    return StationId("st-" + base64.b32encode(random).decode().rstrip("=").lower())


def parse_identity(text: str) -> StationId:
    """Take an identity from a certificate or a list. Raises `BadInput` ("bad-identity")."""
    if not _IDENTITY.fullmatch(text):
        raise BadInput("bad-identity", f"{text[:80]!r} is not st- and 13 of a-z, 2-7")
    return StationId(text)


def hub_name(store: StoreId) -> str:
    """Name a store's hub, and the broker beside it, where neither has an address that stays.

    It stands in certificates and in what mDNS answers; nobody has to resolve it.
    """
    return f"{store}.shelfwire.local"


class Role(StrEnum):
    """What a certificate is for, as the organisational unit of its subject says."""

    STATION = "station"
    HUB = "hub"
    HQ = "hq"
    BROKER = "broker"


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    """What a station is to be: whose, where, and how it reaches the hub. Unknown fields are for newer stations.

    `broker_host` is None where the broker is at the address that the station enrolled at; `broker_name` the name in its
    certificate, where that is not what is dialled. `mode` is one of
    `protocol.cards.Mode`. `position` is where it stands ("till-3"); `replaces` the identity it took that over from.
    """

    store: str
    station: str
    position: str
    place: str
    area: str | None = None
    mode: str = "sale"
    broker_host: str | None = None
    broker_port: int
    replaces: str | None = None
    hub_time_us: int
    broker_name: str | None = None
