"""A store's desk with a clock and dice of its own, and a machine that makes keys and requests."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from protocol.identity import StationId, StoreId
from protocol.identity_words import Standing
from protocol.invitation import read_invitation
from provisioning.authority import Authority
from provisioning.certificates import Issuer, issuing_certificate, root_certificate
from provisioning.desk import EnrolmentDesk, Issued
from provisioning.memory_book import MemoryBook
from provisioning.orders import Invite, Order
from provisioning.papers import BrokerAddress

STORE = StoreId("oak-street")
NOON_US = 1_795_000_000_000_000
DAY_US = 86_400_000_000


@dataclass
class Clock:
    now_us: int = NOON_US

    def __call__(self) -> int:
        return self.now_us


def authority(store: StoreId = STORE, now_us: int = NOON_US) -> Authority:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = Issuer(root_certificate(root_key, store, now_us, bytes(16)), root_key)
    issuing = issuing_certificate(root, key.public_key(), store, now_us, bytes(range(16)))
    return Authority(store, root.certificate, Issuer(issuing, key))


@dataclass
class Machine:
    """One that has made a key."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def request(self, name: str = "a machine") -> bytes:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


class Shop:
    """A desk on a book in memory; `changed` are all standings it told of."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.book = MemoryBook()
        self.changed: list[Standing] = []
        self._dice = random.Random(7)
        self.renew_authority()

    def renew_authority(self) -> None:
        """Begin anew with an authority of the clock's time."""
        self.authority = authority(now_us=self.clock.now_us)
        self.restart()

    def restart(self) -> None:
        """Have another desk over the same book and authority."""
        broker = BrokerAddress(None, 8883)
        self.desk = EnrolmentDesk(self.book, self.authority, broker, self.clock, self._dice.randbytes, self._note)

    async def invite(self, position: str = "till-3", **more: Any) -> Invite:
        asked: dict[str, Any] = {"position": position, "place": "shop", "port": 8443, "author": "ann"}
        return await self.desk.invite(Order(**(asked | more)))

    async def enrol(self, invite: Invite, machine: Machine, name: str = "a machine") -> Issued:
        return await self.desk.enrol(machine.request(name), token(invite), "10.0.0.9")

    async def enrolled(self, position: str = "till-3", **more: Any) -> tuple[Machine, Issued]:
        machine = Machine()
        return machine, await self.enrol(await self.invite(position, **more), machine)

    async def standing(self, identity: StationId) -> Standing:
        found = await self.book.standing(identity)
        assert found is not None
        return found

    async def _note(self, standing: Standing) -> None:
        self.changed.append(standing)


def token(invite: Invite) -> bytes:
    return read_invitation(invite.digits).token
