"""NFC readers against a real pcscd: cards by their numbers, and pcscd killed, restarted, or without its reader."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.api.events import sse
from edge.codecs.readings import CardTap, Reading, Refused
from edge.drivers.api import Status
from edge.drivers.nfc_reader import NfcReader, NfcReaderSettings
from edge.errors import HardwareAbsent, LinkLost
from edge.runner.supervisor import Peripheral
from edge.station.happenings import Happening, Tapped
from protocol.identity import DeviceId
from shelfwire.simulators.card import Card, SimulatedCard, icode, ntag, with_contacts
from tests.integration.pcscd import OTHER_READER, READER, Pcscd, pcscd_in
from tests.integration.station_rig import StationRig, make_log, until

pytestmark = [pytest.mark.needs_pcscd, pytest.mark.needs_root]

DEADLINE_S = 60


@pytest.fixture
async def pcscd(tmp_path: Path) -> AsyncIterator[Pcscd]:
    with pcscd_in(tmp_path) as pcscd:
        await pcscd.start()
        yield pcscd


@pytest.fixture
async def place(pcscd: Pcscd) -> AsyncIterator[SimulatedCard]:
    async with SimulatedCard(pcscd.port) as place:
        yield place


def reader(name: str = READER) -> NfcReader:
    return NfcReader(NfcReaderSettings(reader=name))


def uid_of(number: int) -> bytes:
    return b"\x04" + number.to_bytes(6, "big")


async def read(readings: AsyncIterator[Reading]) -> Reading:
    async with asyncio.timeout(DEADLINE_S):
        return await anext(readings)


async def tap(place: SimulatedCard, card: Card, readings: AsyncIterator[Reading]) -> Reading:
    reading, _ = await asyncio.gather(read(readings), place.tap(card))
    return reading


async def opened_again(device: NfcReader) -> None:
    """Open as the runner does: again and again, until it can be."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                await device.__aenter__()
                return
            except HardwareAbsent:
                await asyncio.sleep(0.05)


async def test_each_kind_of_card_is_told_by_its_number_and_standard(pcscd: Pcscd, place: SimulatedCard) -> None:
    del pcscd
    async with reader() as device:
        readings = device.readings()
        first = await tap(place, ntag(uid_of(1)), readings)
        assert first == CardTap(uid_of(1), "ISO 14443A", ntag(b"").atr)
        label = await tap(place, icode(bytes.fromhex("E004010012345678")), readings)
        assert label == CardTap(bytes.fromhex("E004010012345678"), "ISO 15693", icode(b"").atr)
        refused = await tap(place, with_contacts(), readings)
        assert isinstance(refused, Refused)
        assert refused.name == "no-uid"


async def test_the_same_card_put_down_twice_is_two_taps_and_one_left_there_is_one(
    pcscd: Pcscd, place: SimulatedCard
) -> None:
    del pcscd
    async with reader() as device:
        readings = device.readings()
        assert await tap(place, ntag(uid_of(1)), readings) == await tap(place, ntag(uid_of(1)), readings)
        await place.lay(ntag(uid_of(2)))
        left = await read(readings)
        assert isinstance(left, CardTap)
        assert left.uid == uid_of(2)
        # pcscd looks at its reader every 0.4 s.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await anext(readings)


async def test_a_card_that_lay_there_when_the_reader_was_opened_was_not_put_there_now(
    pcscd: Pcscd, place: SimulatedCard
) -> None:
    del pcscd
    async with reader() as device:
        await place.lay(ntag(uid_of(1)))
        await read(device.readings())
    async with reader() as device:
        readings = device.readings()
        tapped = await tap(place, ntag(uid_of(2)), readings)
        assert isinstance(tapped, CardTap)
        assert tapped.uid == uid_of(2)


async def test_two_readers_do_not_mix_their_cards(pcscd: Pcscd, place: SimulatedCard) -> None:
    async with SimulatedCard(pcscd.port + 1) as other, reader() as left, reader(OTHER_READER) as right:
        here, there = left.readings(), right.readings()
        for number in range(0, 6, 2):
            taps = await asyncio.gather(
                tap(place, ntag(uid_of(number)), here), tap(other, ntag(uid_of(number + 1)), there)
            )
            assert [one.uid for one in taps if isinstance(one, CardTap)] == [uid_of(number), uid_of(number + 1)]


async def test_a_pcscd_that_dies_is_a_lost_reader_at_once_and_reads_again_once_it_is_back(
    pcscd: Pcscd, place: SimulatedCard
) -> None:
    device = reader()
    for number in range(3):
        await opened_again(device)
        readings = device.readings()
        tapped = await tap(place, ntag(uid_of(number)), readings)
        assert isinstance(tapped, CardTap)
        assert tapped.uid == uid_of(number)
        waiting = asyncio.ensure_future(read(readings))
        await asyncio.sleep(0)
        pcscd.kill()
        async with asyncio.timeout(1):
            with pytest.raises(LinkLost, match="pcscd"):
                await waiting
        assert device.health().status is Status.LOST
        await device.__aexit__(None, None, None)
        with pytest.raises(HardwareAbsent, match="no pcscd here"):
            await device.__aenter__()
        await pcscd.start()


async def test_a_pcscd_that_hangs_is_said_to_and_reads_again_once_it_goes_on(
    pcscd: Pcscd, place: SimulatedCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = reader()
    monkeypatch.setattr("edge.links.pcsc.ANSWER_S", 0.2)
    pcscd.hang()
    for _ in range(2):
        with pytest.raises(HardwareAbsent, match="pcscd does not answer"):
            await device.__aenter__()
    assert device.health().note == "pcscd does not answer"
    monkeypatch.undo()
    pcscd.go_on()
    await opened_again(device)
    tapped = await tap(place, ntag(uid_of(5)), device.readings())
    assert isinstance(tapped, CardTap)
    await device.__aexit__(None, None, None)


async def test_a_reader_that_is_plugged_in_later_is_found(pcscd: Pcscd, place: SimulatedCard) -> None:
    await pcscd.restart(plugged=False)
    device = reader()
    with pytest.raises(HardwareAbsent, match="no readers called"):
        await device.__aenter__()
    await pcscd.restart(plugged=True)
    await opened_again(device)
    assert isinstance(await tap(place, ntag(uid_of(7)), device.readings()), CardTap)
    await device.__aexit__(None, None, None)


async def test_a_name_that_fits_two_readers_or_none_is_absent_and_names_those_there(pcscd: Pcscd) -> None:
    del pcscd
    for name, said in (("Virtual", "2 readers"), ("ACR122", "no readers")):
        with pytest.raises(HardwareAbsent, match=said) as caught:
            await reader(name).__aenter__()
        assert READER in str(caught.value)


async def test_opening_and_closing_a_hundred_times_leaves_no_thread(pcscd: Pcscd) -> None:
    del pcscd
    device = reader()
    for _ in range(100):
        async with device:
            pass
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("pcsc")]
    assert len(threads) <= 2
    for thread in threads:
        thread.join(DEADLINE_S)
        assert not thread.is_alive()


@pytest.mark.torture
async def test_a_hundred_taps_on_two_readers_are_a_hundred_readings(pcscd: Pcscd, place: SimulatedCard) -> None:
    async with SimulatedCard(pcscd.port + 1) as other, reader() as left, reader(OTHER_READER) as right:

        async def fifty(place: SimulatedCard, device: NfcReader, first: int) -> list[bytes]:
            readings = device.readings()
            taps = [await tap(place, ntag(uid_of(first + number)), readings) for number in range(50)]
            return [one.uid for one in taps if isinstance(one, CardTap)]

        uids = await asyncio.gather(fifty(place, left, 0), fifty(other, right, 50))
        assert [*uids[0], *uids[1]] == [uid_of(number) for number in range(100)]


@pytest.mark.alone
async def test_a_card_is_an_event_at_the_station_also_after_pcscd_died_and_within_two_seconds(
    pcscd: Pcscd, place: SimulatedCard, tmp_path: Path
) -> None:
    rig = StationRig(make_log("memory", tmp_path), make_log("memory", tmp_path))
    rig.peripherals = [Peripheral(DeviceId("cards"), "nfc-reader", reader())]
    async with rig.at_work() as runner:
        await until(lambda: runner.status.devices[0].status == "ready")
        with runner.listen() as happenings:
            await place.tap(ntag(uid_of(1)))
            assert await tapped(happenings) == Tapped(
                DeviceId("cards"), CardTap(uid_of(1), "ISO 14443A", ntag(b"").atr)
            )
            pcscd.kill()
            await until(lambda: runner.status.devices[0].status == "absent")
            await pcscd.start()
            async with asyncio.timeout(2):
                await until(lambda: runner.status.devices[0].status == "ready")
            await place.tap(icode(bytes.fromhex("E004010012345678")))
            event = sse(await tapped(happenings))
    assert event == (b'event: tapped\ndata: {"device":"cards","uid":"e004010012345678","standard":"ISO 15693"}\n\n')


async def tapped(happenings: AsyncIterator[Happening]) -> Tapped:
    async with asyncio.timeout(DEADLINE_S):
        async for happening in happenings:
            if isinstance(happening, Tapped):
                return happening
    raise AssertionError("nothing was tapped")
