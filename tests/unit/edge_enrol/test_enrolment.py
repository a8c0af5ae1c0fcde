"""From an invitation to an identity, at a real desk over real TLS; and whom a station refuses, or is refused by."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edge.enrol.errors import Refused, Unreachable, Untrusted
from edge.enrol.kept import read_record
from edge.enrol.record import State
from protocol.enrolment import Role
from protocol.identity import StationId
from protocol.identity_words import End
from protocol.invitation import Invitation, read_invitation, write_invitation
from tests.integration.est_server import Est
from tests.unit.edge_enrol.rig import Station, certified, hub, invited, now_us, token_of

DAY_US = 86_400_000_000


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path / "data")


async def test_a_station_becomes_who_its_invitation_says(est: Est, station: Station) -> None:
    enrolment = await station.enrol(await invited(est, place="shop", area="sales-floor"))
    record = enrolment.folder.record
    assert station.steps == ["reaching", "asking", "papers"]
    assert record.papers is not None
    assert record.held is not None
    assert (record.papers.position, record.papers.place, record.papers.area) == ("till-3", "shop", "sales-floor")
    assert record.held.identity == record.papers.station == certified(est)[0].identity
    assert record.state(now_us()) is State.ENROLLED
    assert read_record(station.data_dir) == record


async def test_key_and_folder_are_for_their_owner_alone_and_the_invitation_is_gone(est: Est, station: Station) -> None:
    digits = await invited(est)
    enrolment = await station.enrol(digits)
    folder = enrolment.folder.path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in folder.rglob("*.*") if not each.is_symlink()} == {0o600}
    kept = b"".join(each.read_bytes() for each in folder.rglob("*") if each.is_file())
    assert digits.encode() not in kept
    assert token_of(digits).encode() not in kept
    assert sorted(os.listdir(folder / "in-use")) == ["ca.pem", "cert.pem", "key.pem"]


async def test_a_hub_with_another_root_is_told_nothing(est: Est, station: Station) -> None:
    real = read_invitation(await invited(est))
    forged = write_invitation(Invitation(real.hub, real.port, bytes(16), real.token))
    with pytest.raises(Untrusted, match="fingerprint"):
        await station.enrol(forged)
    assert station.answers == 1  # cacerts, which anybody may ask
    assert read_record(station.data_dir).state(now_us()) is State.NONE
    assert "fingerprint" in read_record(station.data_dir).refused


async def test_a_used_invitation_is_refused_to_another_key_in_words(est: Est, station: Station, tmp_path: Path) -> None:
    digits = await invited(est)
    await station.enrol(digits)
    with pytest.raises(Refused) as caught:
        await Station(tmp_path / "other").enrol(digits)
    assert caught.value.name == "invitation-closed"
    assert read_record(tmp_path / "other").refused.endswith("has been used")


async def test_an_expired_invitation_is_refused_in_words(est: Est, station: Station) -> None:
    digits = await invited(est)
    est.shop.clock.now_us += 16 * 60_000_000
    with pytest.raises(Refused, match="has expired"):
        await station.enrol(digits)


async def test_a_hub_that_is_away_is_asked_again_with_the_same_key(est: Est, station: Station) -> None:
    real = read_invitation(await invited(est))
    enrolment = await asyncio.to_thread(station.start)
    enrolment.folder.begin(write_invitation(Invitation("127.0.0.1", 1, real.fingerprint, real.token)))
    with pytest.raises(Unreachable):
        await asyncio.to_thread(enrolment.ask, station.steps.append)
    assert enrolment.folder.record.state(now_us()) is State.ASKED


@pytest.mark.parametrize("role", [Role.STATION, Role.BROKER])
async def test_nobody_else_of_the_store_does_for_its_hub(
    est: Est, station: Station, tmp_path: Path, role: Role
) -> None:
    """A station's certificate lies in every cupboard; its token is told to a hub alone."""
    keys = (await Station(tmp_path / "thief").enrol(await invited(est))).folder.in_use
    chain = keys.key.read_bytes() + keys.certificate.read_bytes()
    if role is Role.BROKER:
        key = ec.generate_private_key(ec.SECP256R1())
        own = est.shop.authority.certify_own(role, ("127.0.0.1",), key.public_key(), now_us(), bytes(15) + b"b")
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = pem + est.shop.authority.chain_pem(own)
    (tmp_path / "chain.pem").write_bytes(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem")
    told = bytearray()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.extend(await reader.read())
        writer.close()

    enrolment = await asyncio.to_thread(station.start)
    async with await asyncio.start_server(hear, "127.0.0.1", 0, ssl=context) as server:
        real = read_invitation(await invited(est, "till-4"))
        port = server.sockets[0].getsockname()[1]
        enrolment.folder.begin(write_invitation(Invitation(real.hub, port, real.fingerprint, real.token)))
        enrolment.folder.keep("ca.pem", keys.ca.read_bytes())
        with pytest.raises(Untrusted):
            await asyncio.to_thread(enrolment.ask, station.steps.append)
    assert told == b""


async def test_it_renews_with_a_new_key_and_keeps_the_old_until_the_new_has_connected(
    est: Est, station: Station
) -> None:
    enrolment = await station.enrol(await invited(est))
    folder = enrolment.folder
    old = folder.in_use.key.read_bytes()
    await asyncio.to_thread(enrolment.renew)
    assert folder.record.state(now_us()) is State.RENEWING
    assert folder.in_use.key.read_bytes() != old
    folder.use(fresh=False)
    assert folder.in_use.key.read_bytes() == old
    folder.use(fresh=True)
    folder.settle()
    assert folder.record.state(now_us()) is State.ENROLLED
    assert [each.name for each in folder.path.iterdir() if each.name.isdigit()] == ["2"]
    given = certified(est)
    assert folder.record.held is not None
    assert folder.record.held.serial == given[1].serial
    assert given[1].key_sha256 != given[0].key_sha256


async def test_renewal_is_due_at_two_thirds_of_its_life(est: Est, station: Station) -> None:
    held = (await station.enrol(await invited(est))).folder.record.held
    assert held is not None
    life_us = held.not_after_us - held.not_before_us
    assert held.renew_us - held.not_before_us == round(life_us * 2 / 3)


async def test_one_that_was_ended_hears_it_and_stops_and_may_be_somebody_else(est: Est, station: Station) -> None:
    enrolment = await station.enrol(await invited(est))
    first = certified(est)[0].identity
    await est.shop.desk.end(StationId(first), End.RETIRED, "ann", "broken")
    with pytest.raises(Refused) as caught:
        await asyncio.to_thread(enrolment.look)
    assert caught.value.name == "identity-ended"
    again = await asyncio.to_thread(station.start)
    assert again.folder.record.state(now_us()) is State.ENDED
    assert again.folder.record.named is None
    assert "retired" in again.folder.record.ended
    await station.enrol(await invited(est, "till-4"))
    record = read_record(station.data_dir)
    assert record.state(now_us()) is State.ENROLLED
    assert record.held is not None
    assert record.held.identity != first


async def test_one_that_ran_out_asks_for_a_new_invitation_and_is_the_same_again(est: Est, station: Station) -> None:
    enrolment = await station.enrol(await invited(est))
    held = enrolment.folder.record.held
    assert held is not None
    assert enrolment.folder.record.state(held.not_after_us) is State.EXPIRED
    est.shop.clock.now_us += 61 * DAY_US
    with pytest.raises(Refused) as caught:
        await asyncio.to_thread(enrolment.look)
    assert caught.value.name == "certificate-expired"
    est.shop.clock.now_us = now_us()
    await station.enrol(await invited(est, again=StationId(held.identity)))
    record = read_record(station.data_dir)
    assert record.held is not None
    assert (record.held.identity, record.state(now_us())) == (held.identity, State.ENROLLED)
    assert record.held.serial != held.serial


async def test_what_is_forgotten_is_erased(est: Est, station: Station) -> None:
    enrolment = await station.enrol(await invited(est))
    enrolment.folder.forget()
    assert sorted(os.listdir(enrolment.folder.path)) == ["floor", "record.json"]
    assert read_record(station.data_dir).state(now_us()) is State.NONE


@pytest.mark.parametrize("name", ["key.pem", "cert.pem", "ca.pem"])
async def test_files_that_do_not_belong_together_make_it_ask_and_never_brick_it(
    est: Est, station: Station, name: str
) -> None:
    enrolment = await station.enrol(await invited(est))
    (enrolment.folder.path / "1" / name).write_bytes(b"\0" * 100)
    again = await asyncio.to_thread(station.start)
    assert again.folder.record.state(now_us()) is State.NONE
    assert "needs a new invitation" in again.folder.record.refused
    await station.enrol(await invited(est, "till-4"))


async def test_a_record_that_cannot_be_read_makes_it_ask(est: Est, station: Station) -> None:
    enrolment = await station.enrol(await invited(est))
    (enrolment.folder.path / "record.json").write_bytes(b"\0" * 500)
    assert (await asyncio.to_thread(station.start)).folder.record.state(now_us()) is State.NONE
    await station.enrol(await invited(est, "till-4"))
    assert read_record(station.data_dir).state(now_us()) is State.ENROLLED
