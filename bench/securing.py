"""What TLS costs the uplink: the same backlog drained in the clear and over mTLS, by the same mosquitto, in turns.

Agent, mosquitto and hub are processes as in a shop. In a round over TLS both the agent and the hub show certificates,
so that everything is deciphered twice on its way; in a round in the clear neither does.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench import shop
from bench.figures import Better, Figure, Floor, Limit, middle
from bench.store import Station, Store, reaches, until
from bench.workbench import Workbench, station_log, utc_us
from edge.agent import STOCK_FILE
from protocol.enrolment import Role
from protocol.identity import StoreId
from protocol.topics import Channel
from provisioning.authority import Authority
from provisioning.authority_folder import make_authority
from provisioning.certificates import SERIAL_BYTES, Subject, serial_text
from shelfwire.demo.ports import free_ports

EVENTS = 200_000
COST = 0.20
_GIVE_UP_S = 300.0
_PART = "TLS"


async def measure(bench: Workbench) -> list[Figure]:
    """Drain a backlog over and over, in the clear and over TLS."""
    events = bench.size(EVENTS)
    lines = list(shop.backlog(events))
    rates: dict[bool, list[float]] = {False: [], True: []}
    async with SecuredStore(bench.fresh("tls")) as store:
        for number in range(bench.rounds):
            for secured in (False, True):
                took_s = await store.drain(f"till-{number}-{'tls' if secured else 'plain'}", lines, secured=secured)
                rates[secured].append(events / took_s)
    plain = middle(rates[False])
    return [
        Figure(
            part=_PART,
            what=f"{events:,} events sent over mTLS, committed at the hub, acknowledged",
            unit="events/s",
            value=middle(rates[True]),
            better=Better.MORE,
            rounds=tuple(rates[True]),
            floor=Floor("the same in the clear, through the same mosquitto", plain),
            limit=Limit(plain * (1 - COST), f"at most {COST:.0%} less than in the clear"),
        ),
    ]


class SecuredStore(Store):
    """A store whose broker also listens for certificates."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (self.secure_port,) = free_ports(1)
        self._authority: Authority = make_authority(folder, StoreId(shop.STORE), utc_us(), secrets.token_bytes)
        self._ca = folder / "ca.pem"
        self._ca.write_bytes(self._authority.trusted_pem)
        own = self._certificate("broker", Role.BROKER)
        config = folder / "broker.conf"
        config.write_text(
            f"{config.read_text()}\nlistener {self.secure_port} 127.0.0.1\ntls_version tlsv1.2\ncafile {self._ca}\n"
            f"certfile {own}\nkeyfile {own}\nrequire_certificate true\nuse_identity_as_username true\n"
        )
        self._hub_pem = self._certificate("hub", Role.HUB)

    async def drain(self, name: str, lines: list[bytes], *, secured: bool) -> float:
        """Have a new station send its backlog; give the seconds from its first answer to the last acknowledgement."""
        self._reach("hub.toml", "[broker]", self._hub_pem if secured else None)
        await self._begin_hub()
        station = self.station(name)
        if secured:
            own = self._certificate(name, Role.STATION)
            self._reach(f"{name}/edge.toml", "[hub]", own)
        async with station_log(station.data / STOCK_FILE) as log:
            for start in range(0, len(lines), shop.FRAME_ENTRIES):
                await log.append(lines[start : start + shop.FRAME_ENTRIES])
        try:
            return await self._drained(station, len(lines))
        finally:
            await station.process.stop()
            await self.hub.stop()
            # The next one begins with as little: what the hub has yet to fold would be in its way.
            shutil.rmtree(self.hub_data)

    async def _begin_hub(self) -> None:
        """Start the hub again, and wait until it has reached both brokers once more."""

        def reached() -> int:
            return self.hub.log.read_text().count('"broker connected"') if self.hub.log.exists() else 0

        before = reached()
        await self.hub.start()

        async def again() -> bool:
            return reached() == before + 2

        await until("the hub to connect", again, self.hub)

    async def _drained(self, station: Station, events: int) -> float:
        connected: float | None = None
        topic = self.topic(station.name, Channel.CURSOR)
        async with asyncio.timeout(_GIVE_UP_S), self.listening(topic) as bystander:
            await station.start()
            while True:
                heard = await bystander.hear()
                connected = connected or heard.at
                if reaches(heard.payload, events):
                    return heard.at - connected

    def _reach(self, file: str, table: str, own: Path | None) -> None:
        """Write into a file of settings how its process reaches the broker."""
        path = self.folder / file
        before, _, rest = path.read_text().partition(f"{table}\n")
        _, bracket, after = rest.partition("\n[")
        name = table.strip("[]")
        while bracket and after.startswith(f"{name}.tls]"):
            _, bracket, after = after.partition("\n[")
        port = self.port if own is None else self.secure_port
        tls = "" if own is None else f'[{name}.tls]\nca = "{self._ca}"\ncertificate = "{own}"\nkey = "{own}"\n'
        path.write_text(f'{before}{table}\nhost = "127.0.0.1"\nport = {port}\n{tls}{bracket.strip()}{after}')

    def _certificate(self, name: str, role: Role) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        authority, now_us = self._authority, utc_us()
        if role is Role.STATION:
            serial = serial_text(int.from_bytes(secrets.token_bytes(SERIAL_BYTES)) >> 1)
            given = authority.certify(
                Subject(name, authority.store, role), key.public_key(), authority.lasting(now_us), serial
            )
        else:
            given = authority.certify_own(
                role, ("127.0.0.1",), key.public_key(), now_us, secrets.token_bytes(SERIAL_BYTES)
            )
        path = self.folder / f"{name}.pem"
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        path.write_bytes(authority.chain_pem(given) + key.private_bytes(pem, form, serialization.NoEncryption()))
        return path
