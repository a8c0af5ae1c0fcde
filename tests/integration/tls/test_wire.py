"""Both ends of the wire over TLS, with a real mosquitto: what is said arrives, and what stands in the way is told."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import ModuleType

import aiomqtt
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from paho.mqtt.reasoncodes import ReasonCode

from edge.uplink import broker as edge_broker
from edge.uplink import tls as edge_tls
from hub.wire import broker as hub_broker
from hub.wire import tls as hub_tls
from protocol.enrolment import Role
from protocol.handshake import Trouble
from protocol.identity import StoreId
from provisioning.broker_config import Member
from shelfwire.demo.brokers import broker_command
from shelfwire.demo.ports import free_ports
from tests.integration.tls.mosquitto import SecureBroker
from tests.integration.tls.papers import DAY, Paper, PaperMill

pytestmark = pytest.mark.needs_mosquitto

STORE = StoreId("oak-street")
STATION = "st-aaaaaaaaaaaaa"
ROOT = f"shelfwire/1/{STORE}/s/{STATION}"
MEMBERS = (Member("hub", STORE, Role.HUB), Member(STATION, STORE, Role.STATION))
MANY = 3000

Side = Callable[[int, "Files"], Awaitable[Trouble | None]]


class Files:
    """The identity that a side shows, and who it trusts."""

    def __init__(self, ca: Path, paper: Paper, host: str = "127.0.0.1", name: str | None = None) -> None:
        self.ca, self.paper, self.host, self.name = ca, paper, host, name


async def edge_side(port: int, files: Files) -> Trouble | None:
    """Dial as a station; give what stood in the way."""
    own = edge_tls.TlsFiles(files.ca, files.paper.chain, files.paper.key, files.name)
    will = aiomqtt.Will(f"{ROOT}/state", b"offline", qos=1)
    try:
        broker = edge_broker.Broker(files.host, port, STATION, will, lambda _: None, edge_tls.wire_context(own))
        async with broker:
            return None
    except (edge_broker.NotReached, edge_tls.NoIdentity) as error:
        return error.trouble


async def hub_side(port: int, files: Files) -> Trouble | None:
    """Dial as a hub; give what stood in the way."""
    own = hub_tls.TlsFiles(files.ca, files.paper.chain, files.paper.key, files.name)
    try:
        async with hub_broker.Broker(hub_broker.Address(files.host, port, "hub"), hub_tls.wire_context(own)):
            return None
    except (hub_broker.NotReached, hub_tls.NoIdentity) as error:
        return error.trouble


SIDES = pytest.mark.parametrize("side", [edge_side, hub_side], ids=["edge", "hub"])


@pytest.fixture(scope="module")
def mill(tmp_path_factory: pytest.TempPathFactory) -> PaperMill:
    return PaperMill(tmp_path_factory.mktemp("mill"))


async def test_all_that_one_end_says_the_other_hears(tmp_path: Path, mill: PaperMill) -> None:
    """Many small messages share a TLS record; what was deciphered and not asked for must not wait for the next."""
    hub_paper, station_paper = mill.issue("hub", role="hub"), mill.issue(STATION)
    hub_own = hub_tls.TlsFiles(mill.ca, hub_paper.chain, hub_paper.key)
    own = edge_tls.TlsFiles(mill.ca, station_paper.chain, station_paper.key)
    will = aiomqtt.Will(f"{ROOT}/state", b"offline", qos=1)
    async with SecureBroker(tmp_path, mill, MEMBERS) as server, asyncio.timeout(60):
        address = hub_broker.Address("127.0.0.1", server.port, "any name")
        denied: list[ReasonCode] = []
        async with (
            hub_broker.Broker(address, hub_tls.wire_context(hub_own)) as hub,
            edge_broker.Broker(
                "127.0.0.1", server.port, STATION, will, denied.append, edge_tls.wire_context(own)
            ) as station,
        ):
            await hub.subscribe(f"shelfwire/1/{STORE}/s/+/live", qos=0)
            await station.subscribe(f"{ROOT}/cmd", qos=1)
            for number in range(MANY):
                station.post(f"{ROOT}/live", b"%d" % number, qos=0)
            heard = hub.heard()
            assert [await anext(heard) for _ in range(MANY)] == [(f"{ROOT}/live", b"%d" % n) for n in range(MANY)]
            whole = b"x" * 1_000_000
            hub.post(f"{ROOT}/cmd", whole)
            assert await anext(station.heard()) == (f"{ROOT}/cmd", whole)
    assert denied == []


@SIDES
@pytest.mark.parametrize(
    ("what", "trouble"),
    [
        ("good", None),
        ("another name, as told", None),
        ("foreign authority", Trouble.OWN_UNKNOWN_CA),
        ("self-signed", Trouble.OWN_UNKNOWN_CA),
        ("expired", Trouble.OWN_EXPIRED),
        ("revoked", Trouble.OWN_REVOKED),
        ("not yet valid", Trouble.OWN_REFUSED),
        ("for servers", Trouble.OWN_REFUSED),
        ("a broker of a foreign authority", Trouble.BROKER_UNKNOWN_CA),
        ("another name", Trouble.BROKER_OTHER_NAME),
        ("no key", Trouble.OWN_MISSING),
    ],
)
async def test_what_stands_in_the_way_is_told_by_name(
    side: Side, what: str, trouble: Trouble | None, mill: PaperMill, tmp_path: Path, server: SecureBroker
) -> None:
    foreign = PaperMill(tmp_path / "foreign", "foreign")
    paper = mill.issue(STATION)
    files = Files(mill.ca, paper)
    match what:
        case "foreign authority":
            files = Files(mill.ca, foreign.issue(STATION))
        case "self-signed":
            files = Files(mill.ca, mill.issue(STATION, self_signed=True))
        case "expired":
            files = Files(mill.ca, mill.issue(STATION, starts=-2 * DAY, lasts=DAY))
        case "not yet valid":
            files = Files(mill.ca, mill.issue(STATION, starts=DAY))
        case "revoked":
            mill.list_revoked(paper)
            await server.stop()
            await server.start()
        case "for servers":
            files = Files(mill.ca, mill.issue(STATION, usages=(ExtendedKeyUsageOID.SERVER_AUTH,)))
        case "a broker of a foreign authority":
            files = Files(foreign.ca, paper)
        case "another name":
            files = Files(mill.ca, paper, name="hub.elm-street")
        case "another name, as told":
            files = Files(mill.ca, paper, name="localhost")
        case "no key":
            paper.key.unlink()
    assert await side(server.port, files) == trouble


def close_at_once(listener: socket.socket, mill: PaperMill, *, reset: bool) -> None:
    """Be a broker that refuses one client's certificate, and is gone before the client says more."""
    own = mill.broker("127.0.0.1", "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(mill.ca)
    context.load_cert_chain(own.chain, own.key)
    taken, _ = listener.accept()
    with context.wrap_socket(taken, server_side=True, do_handshake_on_connect=False) as ours:
        with pytest.raises(ssl.SSLError, match="expired"):
            ours.do_handshake()
        if reset:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("tls", [edge_tls, hub_tls], ids=["edge", "hub"])
def test_why_a_broker_closed_is_told_where_writing_fails_before_reading(
    tls: ModuleType, reset: bool, mill: PaperMill
) -> None:
    """On a busy machine the CONNECT goes out when the broker's alert is long there, and the connection gone."""
    expired = mill.issue(STATION, starts=-2 * DAY, lasts=DAY)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        broker = threading.Thread(target=close_at_once, args=(listener, mill), kwargs={"reset": reset})
        broker.start()
        context = tls.wire_context(tls.TlsFiles(mill.ca, expired.chain, expired.key))
        dialled = socket.create_connection(listener.getsockname())
        with context.wrap_socket(dialled, do_handshake_on_connect=False, server_hostname="127.0.0.1") as ours:
            ours.do_handshake()
            broker.join()
            with pytest.raises(OSError, match=r"EOF|reset|pipe"):  # noqa: PT012 - the first may still be taken
                for _ in range(3):
                    ours.send(b"CONNECT")
    assert context.trouble is Trouble.OWN_EXPIRED


@pytest.fixture
async def server(tmp_path: Path, mill: PaperMill) -> AsyncIterator[SecureBroker]:
    async with SecureBroker(tmp_path / "server", mill, MEMBERS) as broker:
        yield broker


@SIDES
@pytest.mark.parametrize(
    ("starts", "lasts", "trouble"),
    [(-2 * DAY, DAY, Trouble.BROKER_EXPIRED), (DAY, DAY, Trouble.BROKER_NOT_YET_VALID)],
)
async def test_a_broker_out_of_its_time_is_told(
    side: Side, starts: dt.timedelta, lasts: dt.timedelta, trouble: Trouble, mill: PaperMill, tmp_path: Path
) -> None:
    own = mill.issue(
        "broker", usages=(ExtendedKeyUsageOID.SERVER_AUTH,), hosts=("127.0.0.1",), starts=starts, lasts=lasts
    )
    async with SecureBroker(tmp_path, mill, MEMBERS, certificate=own) as server:
        assert await side(server.port, Files(mill.ca, mill.issue(STATION))) == trouble


@SIDES
async def test_nobody_there_and_a_broker_in_the_clear_are_told(side: Side, mill: PaperMill, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    files = Files(mill.ca, mill.issue(STATION))
    assert await side(port, files) is Trouble.NOT_REACHED
    config = tmp_path / "plain.conf"
    told = broker_command("mosquitto", port, config)
    config.write_text(told.config)
    plain = await asyncio.create_subprocess_exec(*told.command, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while await side(port, files) is Trouble.NOT_REACHED:  # noqa: ASYNC110  (a process that starts tells nobody)
                await asyncio.sleep(0.02)
        assert await side(port, files) in (Trouble.HANDSHAKE_FAILED, Trouble.BROKER_WITHOUT_TLS)
    finally:
        plain.terminate()
        await plain.wait()


async def test_a_renewed_certificate_is_used_for_the_next_connection(mill: PaperMill, server: SecureBroker) -> None:
    """The files are replaced under a hub that keeps dialling; nothing is started anew."""
    expired = mill.issue("hub", starts=-2 * DAY, lasts=DAY, file="renewed")
    own = hub_tls.TlsFiles(mill.ca, expired.chain, expired.key)
    noted: list[Trouble | None] = []
    connected = asyncio.Event()

    async def converse(broker: hub_broker.Broker) -> None:
        connected.set()
        await asyncio.Event().wait()

    def note(trouble: Trouble | None) -> None:
        noted.append(trouble)
        if noted == [Trouble.OWN_EXPIRED]:
            mill.issue("hub", role="hub", file="renewed")

    address = hub_broker.Address("127.0.0.1", server.port, "hub", own)
    staying = asyncio.create_task(hub_broker.stay_connected(address, converse, note))
    async with asyncio.timeout(60):
        await connected.wait()
    staying.cancel()
    assert noted == [Trouble.OWN_EXPIRED, None]
