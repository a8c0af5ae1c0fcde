"""Readers that tell their reads as JSON, over a real HTTP connection and through a real broker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from edge.codecs.readings import Reading, TagRead
from edge.drivers.api import Status, parse_table
from edge.drivers.rfid_json import RfidJson, RfidJsonSettings
from edge.errors import HardwareAbsent, LinkLost
from edge.runner.supervisor import Peripheral, Supervisor
from protocol.identity import DeviceId
from shelfwire.demo.brokers import broker_command
from shelfwire.demo.ports import free_ports, is_free
from shelfwire.simulators.port import wait_until
from shelfwire.simulators.rfid_json import SimulatedStream, impinj, zebra_fx
from tests.integration.readings import DEADLINE_S, collect

EPC = bytes.fromhex("3034257bf7194e4000001a85")


def listener(url: str, **settings: object) -> RfidJson:
    return RfidJson(parse_table("rfid-json", RfidJsonSettings, {"url": url, **settings}))


def epcs(readings: list[Reading]) -> list[bytes]:
    return [one.epc for one in readings if isinstance(one, TagRead)]


@pytest.fixture
async def stream() -> AsyncIterator[SimulatedStream]:
    async with SimulatedStream() as stream:
        yield stream


async def test_a_stream_is_read_however_it_is_cut(stream: SimulatedStream) -> None:
    async with listener(stream.url) as device:
        assert await wait_until(lambda: stream.listeners == 1, DEADLINE_S)
        line = impinj(EPC)
        await stream.say(line[:50])
        await stream.say(line[50:] + zebra_fx(EPC[::-1]))
        assert epcs(await collect(device, 2)) == [EPC, EPC[::-1]]
    assert await wait_until(lambda: stream.listeners == 0, DEADLINE_S)
    assert stream.requests == ["GET /api/v1/data/stream HTTP/1.1"]


async def test_a_reader_that_wants_a_password_gets_it_from_its_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush\n", "utf-8")
    async with SimulatedStream(user="root", password="hush") as stream:
        with pytest.raises(HardwareAbsent, match="401 Unauthorized"):
            await listener(stream.url).__aenter__()
        async with listener(stream.url, user="root", password_file=str(secret)) as device:
            assert device.health().status is Status.READY
        with pytest.raises(HardwareAbsent, match="password_file"):
            await listener(stream.url, user="root", password_file=str(tmp_path / "gone")).__aenter__()


@pytest.mark.parametrize("status", ["404 Not Found", "503 Service Unavailable", "302 Found"])
async def test_another_answer_than_200_is_absent_and_says_which(stream: SimulatedStream, status: str) -> None:
    stream.status = status
    with pytest.raises(HardwareAbsent, match=status):
        await listener(stream.url).__aenter__()


async def test_a_server_that_cannot_be_verified_is_absent_and_says_why(stream: SimulatedStream) -> None:
    secure = stream.url.replace("http:", "https:")
    with pytest.raises(HardwareAbsent, match=r"ca_file /nowhere\.pem: No such file"):
        await listener(secure, ca_file="/nowhere.pem").__aenter__()
    with pytest.raises(HardwareAbsent, match=r"ca_file /nowhere\.pem: No such file"):
        await listener("mqtts://127.0.0.1", topic="readers", ca_file="/nowhere.pem").__aenter__()
    stream.fall_silent()
    with pytest.raises(HardwareAbsent, match=r"cannot be connected to within 0\.15 s"):
        await listener(secure, connect_ms=300).__aenter__()


async def test_a_reader_that_never_answers_is_absent_in_time(stream: SimulatedStream) -> None:
    stream.fall_silent()
    with pytest.raises(HardwareAbsent, match=r"does not answer within 0\.2 s"):
        await listener(stream.url, connect_ms=200).__aenter__()


async def test_a_stream_that_breaks_is_lost_and_read_again_within_2_s(stream: SimulatedStream) -> None:
    found: list[Reading] = []

    async def take(_: Peripheral, reading: Reading) -> None:
        found.append(reading)

    peripheral = Peripheral(DeviceId("portal"), "rfid-json", listener(stream.url))
    supervisor = Supervisor(peripheral, take, lambda _: None, lambda _: None)
    supervisor.start()
    for turn in (1, 2, 3):
        assert await wait_until(lambda: stream.listeners == 1, DEADLINE_S)
        await stream.say(impinj(EPC))
        assert await wait_until(lambda turns=turn: len(found) == turns, DEADLINE_S)  # type: ignore[misc]
        stream.switch_off()
        assert await wait_until(lambda: stream.listeners == 0, DEADLINE_S)
        await stream.switch_on()
    await supervisor.stop()


@asynccontextmanager
async def running_broker(folder: Path, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    config = folder / "broker.conf"
    run = broker_command("mosquitto", port, config)
    config.write_text(run.config, "utf-8")
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*run.command, stdout=quiet, stderr=quiet)
    try:
        assert await wait_until(lambda: not is_free(port), DEADLINE_S)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[int]:
    """A real broker; its port."""
    (port,) = free_ports(1)
    async with running_broker(tmp_path, port):
        yield port


@pytest.mark.needs_mosquitto
async def test_what_a_reader_publishes_is_read_from_its_topic_alone(broker: int) -> None:
    async with (
        listener(f"mqtt://127.0.0.1:{broker}", topic="readers/door/data") as device,
        aiomqtt.Client("127.0.0.1", broker) as reader,
    ):
        await reader.publish("readers/window/data", zebra_fx(EPC), qos=1)
        pretty = zebra_fx(EPC[::-1]).replace(b", ", b",\n  ").strip()
        await reader.publish("readers/door/data", pretty, qos=1)
        await reader.publish("readers/door/data", b"\xff", qos=1)
        readings = await collect(device, 2)
        assert epcs(readings) == [EPC[::-1]]
        assert device.health().counters["refused.not-json"] == 1


@pytest.mark.needs_mosquitto
async def test_a_topic_that_is_none_and_a_broker_that_goes_are_said(broker: int) -> None:
    with pytest.raises(HardwareAbsent, match="readers/#/data"):
        await listener(f"mqtt://127.0.0.1:{broker}", topic="readers/#/data").__aenter__()
    with pytest.raises(HardwareAbsent, match="refused"):
        await listener(f"mqtt://127.0.0.1:{free_ports(1)[0]}", topic="readers").__aenter__()
    async with (
        listener(f"mqtt://127.0.0.1:{broker}", topic="readers") as device,
        aiomqtt.Client("127.0.0.1", broker, identifier="thief") as thief,
    ):
        await thief.publish("readers", zebra_fx(EPC), qos=1)
        assert epcs(await collect(device, 1)) == [EPC]


@pytest.mark.needs_mosquitto
async def test_a_broker_that_goes_away_is_a_reader_lost(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    async with (
        running_broker(tmp_path, port) as process,
        listener(f"mqtt://127.0.0.1:{port}", topic="readers") as device,
    ):
        process.terminate()
        with pytest.raises(LinkLost):
            await collect(device, 1)
        assert device.health().status is Status.LOST


async def test_a_hundred_connections_leave_nothing_open(stream: SimulatedStream) -> None:
    device, before = listener(stream.url), 0
    for turn in range(100):
        async with device:
            assert await wait_until(lambda: stream.listeners == 1, DEADLINE_S)
        assert await wait_until(lambda: stream.listeners == 0, DEADLINE_S)
        if turn == 10:
            before = len(os.listdir("/proc/self/fd"))
    # The last one may still be closing.
    assert await wait_until(lambda: len(os.listdir("/proc/self/fd")) <= before, DEADLINE_S)
    assert await wait_until(lambda: len(asyncio.all_tasks()) < 10, DEADLINE_S)


def test_a_stream_over_http_does_not_load_mqtt_nor_the_other_way_round() -> None:
    program = "import sys; import edge.drivers.rfid_json; print(*({'httpx', 'aiomqtt', 'paho'} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert loaded.split() == []
