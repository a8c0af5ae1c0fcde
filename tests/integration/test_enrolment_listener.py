"""A hub's address for enrolment: a station enrols and fetches its papers over TLS; whoever is not to, gets nothing.

The store, the authority, the desk and the sockets are real; the stations are httpx and bare sockets.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7

from hub.enrolment import Enrolment
from hub.store.store import HubStore
from hub.web import tls
from hub.web.enrolling import InvitationAsked
from protocol.enrolment import EST_ROOT, PAPERS_PATH, Papers
from protocol.errors import BadInput
from protocol.identity import StationId, StoreId
from protocol.identity_words import End
from protocol.invitation import read_invitation
from provisioning.authority import Authority
from provisioning.authority_folder import make_authority
from provisioning.certificates import DAY_US, Subject
from tests.unit.hub_web.enrolling import enrolling
from tests.unit.hub_web.shop import eventually

STORE = StoreId("oak-street")
_PEM = serialization.Encoding.PEM


def now_us() -> int:
    return time.time_ns() // 1000


def fixed(n: int) -> bytes:
    return bytes(range(1, n + 1))


class Machine:
    """A station as far as HTTPS goes: a key, and what it was given."""

    def __init__(self, authority: Authority, port: int) -> None:
        self.authority = authority
        self.url = f"https://127.0.0.1:{port}"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate: x509.Certificate | None = None

    def terms(self, folder: Path) -> ssl.SSLContext:
        """Trust the store's root alone, and show the certificate if there is one."""
        context = ssl.create_default_context(cadata=self.authority.root.public_bytes(_PEM).decode())
        if self.certificate is not None:
            file = folder / "identity.pem"
            key = self.key.private_bytes(
                _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )  # fmt: skip
            file.write_bytes(key + self.authority.chain_pem(self.certificate))
            context.load_cert_chain(file)
        return context

    @property
    def csr(self) -> bytes:
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(self.key, hashes.SHA256())
        return base64.b64encode(request.public_bytes(serialization.Encoding.DER))

    async def enrol(self, digits: str, folder: Path) -> httpx.Response:
        """Come with an invitation."""
        async with httpx.AsyncClient(verify=self.terms(folder)) as client:
            answer = await client.post(
                f"{self.url}{EST_ROOT}/simpleenroll",
                content=self.csr,
                headers={"content-type": "application/pkcs10"},
                auth=("", read_invitation(digits).token.hex()),
            )
        if answer.status_code == 200:
            (self.certificate,) = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.content))
        return answer

    async def papers(self, folder: Path) -> httpx.Response:
        """Ask what it is to be here."""
        async with httpx.AsyncClient(verify=self.terms(folder)) as client:
            return await client.get(f"{self.url}{PAPERS_PATH}")


class Site:
    """A hub's store with its authority and the address that stations enrol at."""

    def __init__(self, folder: Path, store: HubStore, enrolment: Enrolment, authority: Authority) -> None:
        self.folder = folder
        self.store = store
        self.enrolment = enrolment
        self.authority = authority

    def machine(self) -> Machine:
        return Machine(self.authority, self.enrolment.status.port)

    async def invite(self, position: str = "till-3", replaces: StationId | None = None) -> str:
        asked = InvitationAsked(
            position=position, place="shop", valid_s=900, author="ann", note="new till", replaces=replaces
        )
        return (await self.enrolment.invite(asked)).digits


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    authority = make_authority(tmp_path, STORE, now_us(), fixed)
    async with HubStore(tmp_path / "hub.db", STORE, now_us) as store, enrolling(tmp_path, store, now_us) as enrolment:
        await eventually(lambda: not enrolment.status.failure)
        yield Site(tmp_path, store, enrolment, authority)


async def test_a_station_enrols_stands_in_the_journal_and_fetches_its_papers(site: Site, tmp_path: Path) -> None:
    digits, machine = await site.invite(), site.machine()
    assert (await machine.papers(tmp_path)).status_code == 403
    answer = await machine.enrol(digits, tmp_path)
    assert answer.status_code == 200
    assert (b"Content-Type", b"application/pkcs7-mime; smime-type=certs-only") in answer.headers.raw
    (standing,) = await site.store.identities.standings()
    assert standing.enrolled
    papers = msgspec.json.decode((await machine.papers(tmp_path)).content, type=Papers)
    assert (papers.station, papers.position, papers.broker_port) == (standing.identity, "till-3", 8883)
    assert await site.store.station_at("till-3", now_us()) == standing.identity
    # The same machine may have lost the answer; another one comes too late.
    assert (await machine.enrol(digits, tmp_path)).status_code == 200
    assert (await site.machine().enrol(digits, tmp_path)).status_code == 401
    assert site.enrolment.status.refused["invitation-closed"] == 1


async def test_who_is_revoked_is_refused_at_once_though_tls_would_let_him_in(site: Site, tmp_path: Path) -> None:
    machine = site.machine()
    await machine.enrol(await site.invite(), tmp_path)
    (standing,) = await site.store.identities.standings()
    async with httpx.AsyncClient(verify=machine.terms(tmp_path)) as client:
        assert (await client.get(f"{machine.url}{PAPERS_PATH}")).status_code == 200
        await site.enrolment.end(standing.identity, End.REVOKED, "ann", "stolen", "")
        refused = await client.get(f"{machine.url}{PAPERS_PATH}")
    assert (refused.status_code, refused.text.partition(":")[0]) == (403, "identity-ended")
    with pytest.raises(BadInput, match="identity-ended"):
        await site.enrolment.invite(
            InvitationAsked(
                position="till-3", place="shop", valid_s=900, author="ann", note="", again=standing.identity
            )
        )


async def test_a_spare_takes_over_by_one_invitation(site: Site, tmp_path: Path) -> None:
    dead, spare = site.machine(), site.machine()
    await dead.enrol(await site.invite(), tmp_path)
    (old,) = await site.store.identities.standings()
    assert (await spare.enrol(await site.invite(replaces=old.identity), tmp_path)).status_code == 200
    assert (await spare.papers(tmp_path)).json()["replaces"] == old.identity
    assert (await dead.papers(tmp_path)).status_code == 403
    live = [each.identity for each in await site.store.identities.standings() if each.enrolled]
    assert live == [await site.store.station_at("till-3", now_us())] != [old.identity]


@pytest.mark.parametrize("other", ["expired", "another authority's"])
async def test_a_certificate_that_is_not_good_ends_the_handshake(site: Site, tmp_path: Path, other: str) -> None:
    machine = site.machine()
    await machine.enrol(await site.invite(), tmp_path)
    (standing,) = await site.store.identities.standings()
    by, at_us = site.authority, now_us()
    if other == "expired":
        at_us -= 70 * DAY_US
    else:
        (tmp_path / "elsewhere").mkdir()
        by = make_authority(tmp_path / "elsewhere", STORE, now_us(), fixed)
    subject = Subject(standing.identity, STORE, standing.invitation.role)
    good = by.lasting(at_us)
    machine.certificate = by.certify(subject, machine.key.public_key(), good, standing.certificates[-1].serial)
    terms = machine.terms(tmp_path)
    if other != "expired":
        file = tmp_path / "identity.pem"
        pem = machine.key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(pem + by.chain_pem(machine.certificate))
        terms.load_cert_chain(file)
    async with httpx.AsyncClient(verify=terms) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"{machine.url}{PAPERS_PATH}")
    # It goes on serving others.
    assert (await site.machine().papers(tmp_path)).status_code == 403


async def test_nothing_is_read_without_a_bound(site: Site, tmp_path: Path) -> None:
    machine = site.machine()
    async with httpx.AsyncClient(verify=machine.terms(tmp_path)) as client:
        large = await client.post(f"{machine.url}{EST_ROOT}/simpleenroll", content=b"x" * 200_000)
        assert large.status_code == 413
        with suppress(httpx.TransportError):
            long = await client.get(f"{machine.url}/", headers={"x-long": "x" * 100_000})
            assert long.status_code in (400, 431)
        assert (await client.get(f"{machine.url}/etc/passwd")).status_code == 404
    port = site.enrolment.status.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    # Plain HTTP is no TLS: the connection ends.
    assert b"HTTP" not in await reader.read()
    writer.close()


async def test_one_machine_cannot_take_all_connections(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "MOST_FROM_ONE_ADDRESS", 8)
    port = site.enrolment.status.port
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(12)]
    await eventually(lambda: site.enrolment.status.turned_away >= 4)
    for _, writer in held:
        writer.close()
    async with asyncio.timeout(60):
        while True:
            with suppress(httpx.TransportError):
                assert (await site.machine().papers(tmp_path)).status_code == 403
                break


async def test_who_says_nothing_is_hung_up_on(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "HANDSHAKE_WITHIN_S", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.enrolment.status.port)
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    writer.close()


async def test_without_an_authority_the_hub_says_so_and_enrols_once_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.enrolment._LOOK_AGAIN_S", 0.05)
    async with HubStore(tmp_path / "hub.db", STORE, now_us) as store, enrolling(tmp_path, store, now_us) as enrolment:
        await eventually(lambda: "provision ca" in enrolment.status.failure)
        with pytest.raises(BadInput, match="enrolment-off"):
            await enrolment.invite(InvitationAsked(position="till-3", place="shop", valid_s=900, author="ann", note=""))
        make_authority(tmp_path, STORE, now_us(), fixed)
        await eventually(lambda: not enrolment.status.failure)


async def test_the_hubs_own_certificate_is_renewed_while_it_serves(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> str:
        return ssl.get_server_certificate(("127.0.0.1", site.enrolment.status.port))

    first = await asyncio.to_thread(shown)
    assert await asyncio.to_thread(shown) == first
    own = site.enrolment.own
    assert own is not None
    assert not own.is_due(now_us() + 39 * DAY_US)
    assert own.is_due(now_us() + 41 * DAY_US)
    assert own.is_due(now_us() - DAY_US)
    own.renew(now_us())
    assert await asyncio.to_thread(shown) != first
    assert (await site.machine().papers(tmp_path)).status_code == 403
