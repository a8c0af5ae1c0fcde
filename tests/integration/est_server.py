"""The EST application of a shop's desk on a real TLS socket of this machine, in this event loop."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h11
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from uvicorn.protocols.http.h11_impl import H11Protocol

from protocol.enrolment import Role
from provisioning.est import CLIENT_CERTIFICATE, est_application
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


class _AsAsked(h11.Connection):
    """Answers a request of HTTP/1.0 in HTTP/1.0: libest takes no other."""

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]  # one for all kinds
        data = super().send(event)
        if data and isinstance(event, h11.Response) and self.their_http_version == b"1.0":
            data = b"HTTP/1.0" + data.removeprefix(b"HTTP/1.1")
        return data


class _Shown(H11Protocol):
    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.conn = _AsAsked(h11.SERVER)
        shown = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        self.app_state = {CLIENT_CERTIFICATE: shown}


@asynccontextmanager
async def served(shop: Shop, folder: Path) -> AsyncIterator[Est]:
    key = ec.generate_private_key(ec.SECP256R1())
    ours = shop.authority
    own = ours.certify_own(Role.HUB, ("127.0.0.1", "localhost"), key.public_key(), shop.clock.now_us, bytes(15) + b"h")
    chain, trusted, root = folder / "hub.pem", folder / "trusted.pem", folder / "root.pem"
    chain.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + ours.chain_pem(own))
    trusted.write_bytes(ours.trusted_pem)
    root.write_bytes(ours.root.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(trusted))
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_cert_chain(chain)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        est_application(shop.desk), http=_Shown, ws="none", lifespan="off", log_config=None, access_log=False
    )
    config.load()
    config.ssl = context
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield Est(shop, listening.getsockname()[1], root)
    finally:
        server.should_exit = True
        await serving
        listening.close()
