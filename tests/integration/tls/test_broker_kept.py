"""A hub that looks after its broker: who enrols may speak, who is revoked is thrown out, and nobody else suffers.

Hub and mosquitto are real, the test stands in for systemd: it watches the files that the hub touches.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from hub.app import Hub, Ready, broker_place
from hub.settings import parse_settings
from protocol.identity import StationId
from protocol.identity_words import End
from provisioning.authority import Authority
from provisioning.authority_folder import make_authority
from provisioning.broker_config import CONFIG
from provisioning.desk import EnrolmentDesk
from provisioning.orders import Order
from provisioning.papers import BrokerAddress
from shelfwire.cli import main
from shelfwire.demo.brokers import find_mosquitto
from shelfwire.demo.ports import free_ports
from tests.integration.tls.mosquitto import SecureBroker
from tests.integration.tls.papers import DAY, Paper, PaperMill
from tests.integration.tls.voices import NotLetIn, Voice, context
from tests.unit.provisioning.shop import Machine, token

pytestmark = pytest.mark.needs_mosquitto

REVOKED_WITHIN_S = 60.0
REFUSED = 0x80
SOON_S = 90.0


def now_us() -> int:
    return time.time_ns() // 1000


@dataclass
class Systemd:
    """Starts mosquitto, and does what units that watch the hub's two files would do. `done` is what it did."""

    folder: Path
    done: list[str] = field(default_factory=list)
    deaf: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        process = await self._start()
        watching = asyncio.create_task(self._watch(process))
        try:
            yield
        finally:
            watching.cancel()
            process = (await asyncio.gather(watching, return_exceptions=True), self._process)[1]
            process.terminate()
            await process.wait()

    async def _start(self) -> asyncio.subprocess.Process:
        program = find_mosquitto()
        assert program is not None
        with (self.folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program, "-c", str(self.folder / CONFIG), stdout=log, stderr=log
            )
        return self._process

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        seen = {name: self._changed(name) for name in ("reload", "restart")}
        while True:
            for name, before in seen.items():
                seen[name] = self._changed(name)
                if seen[name] == before or self.deaf:
                    continue
                self.done.append(name)
                if name == "reload":
                    process.send_signal(1)
                else:
                    process.terminate()
                    await process.wait()
                    process = await self._start()
            await asyncio.sleep(0.05)

    def _changed(self, name: str) -> int | None:
        path = self.folder / name
        return path.stat().st_mtime_ns if path.exists() else None


class Kept:
    """A store's folder with authority and broker, and hubs that live in it one after the other."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.folder = folder
        self.broker = folder / "broker"
        self.broker.mkdir()
        (folder / "hub").mkdir()
        self.config = folder / "hub.toml"
        self.config.write_text(
            f'store = "oak-street"\ndata_dir = "hub"\n[broker]\nport = {self.port}\n'
            f'[mosquitto]\nfolder = "broker"\nlisten = "127.0.0.1"\nuser = "root"\n[web]\nport = 0\n'
        )
        self.settings = parse_settings(self.config.read_text(), folder)
        self.authority: Authority = make_authority(
            self.settings.data_dir, self.settings.store, now_us(), secrets.token_bytes
        )
        self.systemd = Systemd(self.broker)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Hub]:
        ready = asyncio.Event()

        def tell(_: Ready) -> None:
            ready.set()

        hub = Hub(self.settings, tell)
        running = asyncio.create_task(hub.run())
        try:
            async with asyncio.timeout(SOON_S):
                await ready.wait()
            yield hub
        finally:
            hub.stop()
            await running

    def desk(self, hub: Hub) -> EnrolmentDesk:
        return EnrolmentDesk(
            hub._store.identities, self.authority, BrokerAddress(None, self.port), now_us, secrets.token_bytes
        )

    async def enrol(self, desk: EnrolmentDesk, position: str) -> tuple[StationId, Paper]:
        """Enrol a station as it would by EST, and write its files."""
        machine = Machine()
        invite = await desk.invite(Order(position=position, place="shop", port=8443, author="ann"))
        issued = await desk.enrol(machine.request(), token(invite))
        certificate = x509.load_der_x509_certificate(issued.certificate)
        stem = self.folder / issued.standing.identity
        chain, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        chain.write_bytes(self.authority.chain_pem(certificate))
        key.write_bytes(
            machine.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return issued.standing.identity, Paper(certificate, chain, key)

    @asynccontextmanager
    async def agent(self, station: StationId, paper: Paper, ca: Path | None = None) -> AsyncIterator[None]:
        """A station's agent, as it is run in a shop."""
        config, trusted = self.folder / "edge.toml", ca or self.broker / "ca.pem"
        config.write_text(
            f'store = "oak-street"\nstation = "{station}"\nplace = "shop"\ndata_dir = "edge"\n[api]\nport = 0\n'
            f"[hub]\nport = {self.port}\n[hub.tls]\n"
            f'ca = "{trusted}"\ncertificate = "{paper.chain}"\nkey = "{paper.key}"\n'
        )
        with (self.folder / "edge.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "shelfwire", "edge", "run", "--config", str(config), stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()

    async def until_heard(self, hub: Hub, station: StationId, since_us: int) -> None:
        """Wait until the hub has heard a state that the station said after a moment."""
        async with asyncio.timeout(SOON_S):
            while True:
                rows = {row.station: row for row in await hub._store.stations()}
                if station in rows and (rows[station].state_us or 0) > since_us:
                    return
                await asyncio.sleep(0.1)

    def voice(self, paper: Paper) -> Voice:
        return Voice(self.port, context(self.broker / "ca.pem", paper))


async def until(what: str, asked: Callable[[], bool], within_s: float = SOON_S) -> None:
    give_up_s = time.monotonic() + within_s
    while not asked():
        assert time.monotonic() < give_up_s, what
        await asyncio.sleep(0.02)


async def test_from_enrolment_to_revocation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = Kept(tmp_path)
    assert main(["provision", "broker", "--config", str(kept.config)]) == 0
    assert f"mosquitto -c {kept.broker / CONFIG}" in capsys.readouterr().out
    for name in ("mosquitto.conf", "acl", "crl.pem", "own.pem"):
        assert (kept.broker / name).stat().st_mode & 0o777 == 0o640
    assert (kept.settings.data_dir / "identity" / "own.pem").stat().st_mode & 0o777 == 0o600
    async with kept.systemd.running(), kept.hub() as hub, AsyncExitStack() as stack:
        keeper = hub._broker_keeper
        assert keeper is not None
        await until("the broker to have taken the first lists", keeper.is_current)
        desk = kept.desk(hub)
        left, left_paper = await kept.enrol(desk, "till-1")
        stays, stays_paper = await kept.enrol(desk, "till-2")
        enrolled_s = time.monotonic()
        root = "shelfwire/1/oak-street/s"
        async with kept.agent(stays, stays_paper):
            with kept.voice(left_paper) as leaving:
                await until("the new to be let speak", lambda: leaving.publish(f"{root}/{left}/live", b"-") < REFUSED)
                print(f"from enrolment to speaking: {time.monotonic() - enrolled_s:.1f} s")
            await kept.until_heard(hub, stays, 0)
            print(f"from enrolment to an agent's state at the hub: {time.monotonic() - enrolled_s:.1f} s")
            leaving = stack.enter_context(kept.voice(left_paper))
            await until("all to be taken", keeper.is_current)
            before = list(kept.systemd.done)
            assert leaving.publish(f"{root}/{stays}/live", b"forged") >= REFUSED
            revoked_s = time.monotonic()
            await desk.end(left, End.REVOKED, "ann", "stolen")
            await until("the revoked to be thrown out", leaving.gone.is_set, REVOKED_WITHIN_S)
            gone_us = now_us()
            print(f"from revocation to its connection gone: {time.monotonic() - revoked_s:.1f} s")
            with pytest.raises(NotLetIn), kept.voice(left_paper):
                pass
            await until("the broker to have taken it", keeper.is_current)
            print(f"to the hub knowing it: {time.monotonic() - revoked_s:.1f} s")
            # First a reload where the last restart was only just.
            assert kept.systemd.done[len(before) :] in (["restart"], ["reload", "restart"])
            await kept.until_heard(hub, stays, gone_us)
            print(f"to the other station being heard again: {time.monotonic() - revoked_s:.1f} s")
        done = list(kept.systemd.done)
    async with kept.systemd.running(), kept.hub() as hub:
        keeper = hub._broker_keeper
        assert keeper is not None
        await until("a hub that comes back to find all in order", keeper.is_current)
        assert kept.systemd.done == done


async def test_a_hub_killed_before_mosquitto_was_told_sees_to_it_when_it_comes_back(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    place = broker_place(kept.settings)
    assert place is not None
    place.prepare(kept.authority, now_us())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(kept.systemd.running())
        async with kept.hub() as hub:
            keeper = hub._broker_keeper
            assert keeper is not None
            await until("the broker to have taken the first lists", keeper.is_current)
            desk = kept.desk(hub)
            left, paper = await kept.enrol(desk, "till-1")
            live = stack.enter_context(kept.voice(paper))
            own = f"shelfwire/1/oak-street/s/{left}/live"
            await until("it to be let speak", lambda: live.publish(own, b"-") < REFUSED)
            await until("all to be taken", keeper.is_current)
            kept.systemd.deaf = True
            await desk.end(left, End.RETIRED, "ann", "replaced")
            await until("the lists to be written", lambda: b"st-" not in (kept.broker / "acl").read_bytes())
            await until("the hub to own up to it", lambda: not keeper.is_current())
        assert not live.gone.is_set()
        kept.systemd.deaf = False
        async with kept.hub():
            await until("the retired to be thrown out", live.gone.is_set)


async def test_a_station_says_what_keeps_it_apart(tmp_path: Path) -> None:
    """Its certificate has run out: told where a technician looks, and it sells on."""
    mill = PaperMill(tmp_path / "mill")
    station = StationId("st-aaaaaaaaaaaaa")
    expired = mill.issue(station, starts=-2 * DAY, lasts=DAY)
    kept = Kept(tmp_path)
    async with SecureBroker(tmp_path / "mosquitto", mill, ()) as broker:
        kept.port = broker.port
        async with kept.agent(station, expired, mill.ca):
            log = tmp_path / "edge.log"
            await until("the agent to be ready", lambda: '"event":"ready","station"' in log.read_text())
            ready = next(line for line in log.read_text().splitlines() if line.startswith('{"event":"ready"'))
            async with httpx.AsyncClient(base_url=json.loads(ready)["api"], trust_env=False) as api:
                async with asyncio.timeout(SOON_S):
                    while (told := (await api.get("/v1/health")).json()["hub"])["trouble"] is None:  # noqa: ASYNC110  (it tells nobody)
                        await asyncio.sleep(0.05)
    assert told == {"connected": False, "standing": "apart", "trouble": "own-expired"}
