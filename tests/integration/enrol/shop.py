"""A store that enrols stations: a desk behind TLS, a mosquitto that lets in whom its authority named, and its hub."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from protocol.enrolment import Role
from provisioning.broker_config import Member
from provisioning.desk import EnrolmentDesk
from provisioning.orders import Invite
from provisioning.papers import BrokerAddress
from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Supervisor
from tests.integration.commands import beside
from tests.integration.est_server import Est, served
from tests.integration.store.hub_process import HubProcess
from tests.integration.store.waiting import until
from tests.integration.tls.mosquitto import SecureBroker
from tests.integration.tls.papers import Paper, PaperMill
from tests.unit.provisioning.shop import STORE, Shop


class _Mill(PaperMill):
    """The files of the store's own authority, as the broker's tests want them."""

    def __init__(self, folder: Path, shop: Shop, crl: bytes) -> None:
        self._folder = folder
        self._shop = shop
        self.ca, self.crl = folder / "ca.pem", folder / "crl.pem"
        self.ca.write_bytes(shop.authority.trusted_pem)
        self.crl.write_bytes(crl)

    def of_role(self, role: Role) -> Paper:
        """Give a certificate to a part of the store itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        serial = role.value.encode().rjust(16, b"\1")
        own = self._shop.authority.certify_own(role, ("127.0.0.1", "localhost"), key.public_key(), now_us(), serial)
        chain, pem = self._folder / f"own-{role.value}.pem", self._folder / f"own-{role.value}.key"
        chain.write_bytes(self._shop.authority.chain_pem(own))
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Paper(own, chain, pem)


@dataclass
class EnrollingShop:
    """Everything of the store but its stations."""

    shop: Shop
    est: Est
    mill: _Mill
    broker: SecureBroker
    members: list[Member]
    hub: HubProcess
    config: Path

    async def invite(self, position: str = "till-3", **more: object) -> Invite:
        """Invite a station, and have the broker let it in once it has a certificate."""
        invite = await self.shop.invite(position, hub="127.0.0.1", port=self.est.port, **more)
        self.members.append(Member(invite.standing.identity, STORE, Role.STATION))
        self.broker.permit(self.members)
        self.broker.reload()
        return invite

    async def list_revoked(self) -> None:
        """Have the broker know who was ended."""
        self.mill.crl.write_bytes(await self.shop.desk.crl())
        self.broker.reload()

    async def booked(self, station: str, movements: int, timeout_s: float = 90.0) -> None:
        """Wait until the hub has so many movements of a station in its books."""

        async def seen() -> str | None:
            try:
                found = (await self.hub.stations()).get(station)
            except httpx.HTTPError as error:
                return repr(error)
            if found is None:
                return "not seen"
            return None if found.movements >= movements else f"{found.movements} of {movements}"

        await until(f"{movements} movements of {station}", seen, timeout_s, self.tell)

    async def hub_command(self, *arguments: str) -> None:
        """Run `shelfwire hub ...` with the store's file."""
        done = await beside("hub", *arguments, "--config", self.config)
        assert done.returncode == 0, done.stderr + done.stdout

    def tell(self) -> str:
        """What the processes said last."""
        return "\n".join(self.broker.log.read_text(errors="replace").splitlines()[-15:]) + self.hub.process.tail()


@asynccontextmanager
async def enrolling_shop(folder: Path) -> AsyncIterator[EnrollingShop]:
    """Open the store: its hub is up, and its broker has it."""
    shop = Shop()
    shop.clock.now_us = now_us()
    files = folder / "hub-files"
    files.mkdir()
    mill = _Mill(files, shop, await shop.desk.crl())
    members = [Member("hub", STORE, Role.HUB)]
    (web_port,) = free_ports(1)
    async with (
        SecureBroker(files / "mosquitto", mill, members, certificate=mill.of_role(Role.BROKER)) as broker,
        Supervisor(folder) as supervisor,
    ):
        shop.desk = EnrolmentDesk(
            shop.book, shop.authority, BrokerAddress(None, broker.port), now_us, secrets.token_bytes
        )
        hub = HubProcess(supervisor, folder, broker.port, None, web_port)
        own = mill.of_role(Role.HUB)
        with (folder / "hub.toml").open("a") as config:
            config.write(f'[broker.tls]\nca = "{mill.ca}"\ncertificate = "{own.chain}"\nkey = "{own.key}"\n')
        await hub.process.start()
        await until("the hub", hub.up, 90.0, hub.process.tail)
        async with served(shop, files) as est:
            try:
                yield EnrollingShop(shop, est, mill, broker, members, hub, folder / "hub.toml")
            finally:
                await hub.aclose()


def now_us() -> int:
    return time.time_ns() // 1000
