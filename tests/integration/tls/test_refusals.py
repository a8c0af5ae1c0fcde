"""The table of refusals: everything that somebody on the shop's network might try at the broker, and is not let do.

One real mosquitto, on the very configuration that `shelfwire provision broker` writes, with real certificates. A case
is refused when its answer says so or it is thrown out, AND nobody hears of it: not the hub, and not a witness who, here
alone, may hear everything. Both are shown to hear by what is said to them after each attempt.

What is tried is in `attempts`. Beyond 300 lines because all of it is tried at one broker, which is started once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.x509.oid import ExtendedKeyUsageOID

from hub.ingest.ingest import hear_stations
from hub.wire.broker import Address, Broker
from hub.wire.tls import TlsFiles, wire_context
from protocol.enrolment import Role
from protocol.frames import MAX_PAYLOAD_BYTES
from protocol.topics import StoreTopics
from provisioning.broker_config import Member, store_permissions
from tests.integration.tls.attempts import (
    FOR_ALL,
    FOR_ANOTHER,
    LEFT,
    MINE,
    OF_HQ,
    OTHER,
    OWN,
    ROOT,
    SAID_BY_HUB,
    SAID_BY_STATIONS,
    STORE,
    TABLE,
    THEIRS,
    Case,
    Connect,
    Publish,
    Subscribe,
    Will,
)
from tests.integration.tls.mosquitto import SecureBroker
from tests.integration.tls.papers import DAY, Paper, PaperMill
from tests.integration.tls.voices import LONG_S, V5, V311, Heard, NotLetIn, Voice, context

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.asyncio(loop_scope="module")]

MEMBERS = (
    Member("hub-2", STORE, Role.HUB),
    Member("hub", STORE, Role.HUB),
    Member(OWN, STORE, Role.STATION),
    Member(OTHER, STORE, Role.STATION),
    Member("st-hhhhhhhhhhhhh", STORE, Role.HQ),
)
CONNECTIONS = 24
REFUSED = 0x80


@dataclass
class Scene:
    """The broker, everybody's certificates, and who listens while somebody tries something."""

    broker: SecureBroker
    mill: PaperMill
    foreign: PaperMill
    papers: dict[str, Paper]
    hub: Voice
    witness: Voice
    sentinels: Iterator[int] = field(default_factory=itertools.count)

    def voice(self, paper: str | Paper | None, **manners: Any) -> Voice:
        """Somebody with the certificate of one known here, or with another."""
        shown = self.papers[paper] if isinstance(paper, str) else paper
        return Voice(self.broker.port, context(self.mill.ca, shown), **manners)

    def say(self, topic: str, payload: bytes = FOR_ANOTHER, *, retain: bool = False) -> None:
        """Have the witness, who may here, say something."""
        assert self.witness.publish(topic, payload, retain=retain) < REFUSED

    def heard_since(self) -> list[Heard]:
        """Give what hub and witness heard up to now: up to words that both hear, said now by the other station."""
        word = b"sentinel %d" % next(self.sentinels)
        with self.voice(OTHER) as other:
            assert other.publish(f"{THEIRS}/live", word) < REFUSED
        heard: list[Heard] = []
        for listener in (self.hub, self.witness):
            while (one := listener.heard.get(timeout=LONG_S)).payload != word:
                heard.append(one)
        return heard


@pytest.fixture(scope="module")
def scene_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("refusals")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(scene_folder: Path) -> AsyncIterator[Scene]:
    mill = PaperMill(scene_folder / "mill")
    foreign = PaperMill(scene_folder / "foreign", "foreign")
    names = ("hub", "witness", OWN, OTHER, LEFT, "st-hhhhhhhhhhhhh")
    papers = {name: mill.issue(name) for name in names}
    papers["second hub"] = mill.issue("hub-2", role="hub")
    papers["a broker"] = mill.issue("broker", role="broker", file="broker-as-client")
    papers["revoked"] = mill.issue(OWN, file="revoked")
    mill.list_revoked(papers["revoked"])
    seeing = store_permissions(MEMBERS) + "\nuser witness\ntopic readwrite #\ntopic read $SYS/#\n"
    async with SecureBroker(scene_folder, mill, (), permissions=seeing, connections=CONNECTIONS) as broker:
        tls = {name: context(mill.ca, papers[name]) for name in ("hub", "witness")}
        with Voice(broker.port, tls["hub"]) as hub, Voice(broker.port, tls["witness"]) as witness:
            for topics in ("log/+", "live", "state", "want", "reply"):
                assert hub.subscribe(f"{ROOT}/s/+/{topics}") < REFUSED
            for topics in ("#", "$CONTROL/#"):
                assert witness.subscribe(topics) < REFUSED
            yield Scene(broker, mill, foreign, papers, hub, witness)


async def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(TABLE) >= 40
    assert not [what for what, count in Counter(case.what for case in TABLE).items() if count > 1]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.what)
async def test_refused_and_not_heard(case: Case, scene: Scene) -> None:
    match case.attempt:
        case Connect(shows=shows):
            with pytest.raises(NotLetIn), _shown(scene, shows):
                pass
        case Publish() as attempt:
            manners = {"protocol": V311 if attempt.v311 else V5, "client": attempt.called, "user": attempt.user}
            with scene.voice(attempt.by, **manners) as voice:
                answer = voice.publish(attempt.topic, attempt.payload, attempt.qos, retain=attempt.retain)
                # MQTT 3.1.1 has no word for no, and an unacknowledged message no answer: there the silence must do.
                assert answer == -1 or answer >= REFUSED or attempt.v311 or attempt.qos == 0
        case Will() as attempt:
            with contextlib.suppress(NotLetIn), scene.voice(attempt.by, will=attempt.topic) as voice:
                voice.vanish()
        case Subscribe() as attempt:
            await _listens_in_vain(scene, attempt)
    assert scene.heard_since() == []


async def _listens_in_vain(scene: Scene, attempt: Subscribe) -> None:
    """mosquitto grants a subscription to what may not be read, and then delivers nothing."""
    own = f"{ROOT}/s/{attempt.by}/cmd"
    if attempt.retained:
        scene.say(attempt.said, retain=True)
    with scene.voice(attempt.by) as voice:
        voice.subscribe(attempt.topics)
        voice.subscribe(own)
        scene.say(attempt.said)
        scene.say(own, b"yours")
        # The hub's and the witness's come after what it would have been sent.
        told = scene.heard_since()
        heard = []
        while not voice.heard.empty():
            heard.append(voice.heard.get())
    if attempt.retained:
        scene.say(attempt.said, b"", retain=True)
        assert scene.heard_since()
    assert {one.payload for one in told} == {FOR_ANOTHER, b"yours"}
    # Once for each of the two subscriptions that it matches.
    assert set(heard) == (set() if attempt.by == LEFT else {Heard(own, b"yours")})


def _shown(scene: Scene, shows: str) -> Voice:
    mill, foreign = scene.mill, scene.foreign
    match shows:
        case "no certificate":
            return scene.voice(None)
        case "foreign authority":
            return scene.voice(foreign.issue(OWN))
        case "the hub's name, of a foreign authority":
            return scene.voice(foreign.issue("hub", role="hub"))
        case "self-signed":
            return scene.voice(mill.issue(OWN, self_signed=True, file="self-signed"))
        case "expired":
            return scene.voice(mill.issue(OWN, starts=-2 * DAY, lasts=DAY, file="expired"))
        case "not yet valid":
            return scene.voice(mill.issue(OWN, starts=DAY, file="early"))
        case "revoked":
            return scene.voice("revoked")
        case "for servers":
            return scene.voice(mill.issue(OWN, usages=(ExtendedKeyUsageOID.SERVER_AUTH,), file="server"))
        case "no TLS":
            return Voice(scene.broker.port, None)
    raise AssertionError(shows)


async def test_the_hub_speaks_for_no_station(scene: Scene) -> None:
    for tail in SAID_BY_STATIONS:
        assert scene.hub.publish(f"{MINE}/{tail}", b"forged") >= REFUSED
    for tail in OF_HQ:
        assert scene.hub.publish(f"{ROOT}/{tail}", b"forged") >= REFUSED
    assert scene.heard_since() == []


async def test_who_claims_anothers_name_does_not_push_it_out(scene: Scene) -> None:
    with scene.voice(OTHER) as other, scene.voice(OWN, client=OTHER, user=OTHER) as claiming:
        assert claiming.publish(f"{MINE}/live", b"as itself") < REFUSED
        assert other.publish(f"{THEIRS}/live", b"still here") < REFUSED
        assert not other.gone.is_set()
    assert {one.payload for one in scene.heard_since()} == {b"as itself", b"still here"}


async def test_what_a_station_had_retained_among_its_logs_does_not_come_to_a_hub_that_returns(scene: Scene) -> None:
    """mosquitto cannot forbid the flag; the hub asks for what is retained of states alone."""
    files = TlsFiles(scene.mill.ca, scene.papers["second hub"].chain, scene.papers["second hub"].key)
    with scene.voice(OWN) as station:
        for tail in ("log/stock", "live", "want", "state"):
            assert station.publish(f"{MINE}/{tail}", tail.encode(), retain=True) < REFUSED
        async with Broker(Address("127.0.0.1", scene.broker.port, "hub", files), wire_context(files)) as hub:
            await hear_stations(hub, StoreTopics(STORE))
            station.publish(f"{MINE}/live", b"now")
            heard = hub.heard()
            assert [await anext(heard), await anext(heard)] == [(f"{MINE}/state", b"state"), (f"{MINE}/live", b"now")]
        for tail in ("log/stock", "live", "want", "state"):
            station.publish(f"{MINE}/{tail}", b"", retain=True)
    scene.heard_since()


async def test_a_crowd_is_held_off(scene: Scene, tmp_path: Path) -> None:
    """Connections of nobody are turned away beyond the bound, and who is in goes on.

    How many, nobody can say: mosquitto 2.0.11 counts those that it turned away as gone, and has room for as many more.
    """
    async with (
        SecureBroker(tmp_path, scene.mill, MEMBERS, connections=CONNECTIONS) as broker,
        AsyncExitStack() as stack,
    ):
        with Voice(broker.port, context(scene.mill.ca, scene.papers["hub"])) as hub:
            crowd: list[asyncio.StreamReader] = []
            for _ in range(CONNECTIONS + 8):
                reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
                stack.push_async_callback(_close, writer)
                crowd.append(reader)
            ends = [asyncio.ensure_future(_ended(reader)) for reader in crowd]
            done, waiting = await asyncio.wait(ends, timeout=LONG_S, return_when=asyncio.FIRST_COMPLETED)
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            assert done
            assert all(each.result() for each in done)
            assert hub.publish(f"{MINE}/cmd", b"goes on") < REFUSED


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read(1) == b""
    except ConnectionError:
        return True


async def test_what_each_may_say_and_hear_passes(scene: Scene) -> None:
    """A table that refuses everything would prove nothing."""
    with scene.voice(OWN) as station:
        for tail in SAID_BY_STATIONS:
            assert station.publish(f"{MINE}/{tail}", tail.encode(), retain=tail == "state") < REFUSED
            assert scene.hub.heard.get(timeout=LONG_S) == Heard(f"{MINE}/{tail}", tail.encode())
        # As the uplink does, by a filter that is wider than what it may hear.
        for topics in (f"{MINE}/cursor/+", f"{MINE}/cat", f"{MINE}/cmd", f"{ROOT}/cat/+"):
            assert station.subscribe(topics) < REFUSED
        for topic in (*(f"{MINE}/{tail}" for tail in SAID_BY_HUB), *(f"{ROOT}/{tail}" for tail in FOR_ALL)):
            assert scene.hub.publish(topic, b"of the hub") < REFUSED
            assert station.heard.get(timeout=LONG_S) == Heard(topic, b"of the hub")
        largest = bytes(MAX_PAYLOAD_BYTES)
        assert station.publish(f"{MINE}/log/stock", largest) < REFUSED
        assert scene.hub.heard.get(timeout=LONG_S).payload == largest
    with scene.voice(OWN, will=f"{MINE}/state") as station:
        station.vanish()
    assert scene.hub.heard.get(timeout=LONG_S) == Heard(f"{MINE}/state", b"last words")
    with scene.voice("hub") as newcomer:
        # Under its one name: who comes later takes over. It is told what is retained, as the hub is when it returns.
        assert scene.hub.gone.wait(LONG_S)
        newcomer.subscribe(f"{ROOT}/s/+/state")
        assert newcomer.heard.get(timeout=LONG_S) == Heard(f"{MINE}/state", b"last words", True)


async def test_revoked_while_it_is_connected(scene_folder: Path, tmp_path: Path) -> None:
    """Read again, the lists silence it at once, and let it in no more; its connection goes when mosquitto restarts.

    Neither does a TLS session from before help it: mosquitto takes up none.
    """
    mill = PaperMill(tmp_path / "mill")
    left, other = mill.issue(LEFT), mill.issue(OTHER)
    stays = (Member("hub", STORE, Role.HUB), Member(OTHER, STORE, Role.STATION))
    members = (*stays, Member(LEFT, STORE, Role.STATION))
    async with SecureBroker(tmp_path, mill, members) as broker:
        tls = context(mill.ca, left)
        log = f"{ROOT}/s/{LEFT}/log/stock"
        with (
            Voice(broker.port, tls) as live,
            Voice(broker.port, context(mill.ca, mill.issue("hub"))) as hub,
            Voice(broker.port, context(mill.ca, other)) as witness,
        ):
            hub.subscribe(f"{ROOT}/s/+/log/+")
            live.subscribe(f"{ROOT}/s/{LEFT}/cmd")
            assert live.publish(log, b"before") < REFUSED
            assert hub.heard.get(timeout=LONG_S).payload == b"before"
            session = _session(broker.port, tls)
            assert session is not None
            mill.list_revoked(left)
            broker.permit(stays)
            broker.reload()
            async with asyncio.timeout(LONG_S):
                while live.publish(log, b"after") < REFUSED:  # noqa: ASYNC110  (a signal is answered by none)
                    await asyncio.sleep(0.01)
            while not hub.heard.empty():
                hub.heard.get()
            assert live.publish(log, b"and on") >= REFUSED
            hub.publish(f"{ROOT}/s/{LEFT}/cmd", b"secret")
            assert witness.publish(f"{THEIRS}/log/stock", b"others go on") < REFUSED
            assert hub.heard.get(timeout=LONG_S).payload == b"others go on"
            assert live.heard.empty()
            with pytest.raises(NotLetIn), Voice(broker.port, tls):
                pass
            with pytest.raises((NotLetIn, ssl.SSLError)):
                _session(broker.port, tls, session)
            await broker.stop()
            await broker.start()
            assert live.gone.wait(LONG_S)
            with pytest.raises(NotLetIn), Voice(broker.port, tls):
                pass
            with Voice(broker.port, context(mill.ca, other)) as back:
                assert back.publish(f"{THEIRS}/log/stock", b"back again") < REFUSED


def _session(port: int, tls: ssl.SSLContext, known: ssl.SSLSession | None = None) -> ssl.SSLSession | None:
    """Shake hands, with the ticket of a session from before, if any, and wait for the server's own word on it."""
    with (
        socket.create_connection(("127.0.0.1", port)) as raw,
        tls.wrap_socket(raw, server_hostname="127.0.0.1", session=known) as sock,
    ):
        # Nobody has said who he is, so mosquitto waits; only tickets come, or that it wants no more of us.
        sock.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            assert sock.recv(1) == b""
            raise NotLetIn("closed")
        return sock.session
