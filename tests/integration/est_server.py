"""The EST application of a shop's desk on the hub's own TLS listener, in this event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hub.web.tls import TlsServer, present, server_context
from protocol.enrolment import Role
from provisioning.est import est_application
from tests.unit.provisioning.shop import Shop


@dataclass(frozen=True, slots=True)
class Est:
    """Where it is served, and the file with the root that it is trusted by."""

    shop: Shop
    port: int
    root: Path

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"


@asynccontextmanager
async def served(shop: Shop, folder: Path) -> AsyncIterator[Est]:
    key = ec.generate_private_key(ec.SECP256R1())
    ours = shop.authority
    own = ours.certify_own(Role.HUB, ("127.0.0.1", "localhost"), key.public_key(), shop.clock.now_us, bytes(15) + b"h")
    context = server_context(ours.trusted_pem)
    present(context, ours.chain_pem(own), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    root = folder / "root.pem"
    root.write_bytes(ours.root.public_bytes(Encoding.PEM))
    async with TlsServer(est_application(shop.desk), "127.0.0.1", 0, context) as server:
        yield Est(shop, server.port, root)
