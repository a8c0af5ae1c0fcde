"""Head office's broker, on what `shelfwire provision broker --hq` writes: each hub speaks for its own store."""

from __future__ import annotations

import asyncio
import getpass
import time
from pathlib import Path

import pytest

from shelfwire.cli import main
from shelfwire.demo.brokers import find_mosquitto
from shelfwire.demo.ports import free_ports
from tests.integration.tls.papers import PaperMill
from tests.integration.tls.voices import LONG_S, Heard, Voice, context

pytestmark = pytest.mark.needs_mosquitto


async def test_hubs_and_head_office_and_nobody_else(tmp_path: Path) -> None:
    mill = PaperMill(tmp_path / "mill")
    broker = mill.broker()
    (port,) = free_ports(1)
    folder = tmp_path / "hq"
    folder.mkdir()
    asked = ["provision", "broker", "--hq", str(folder), "--port", str(port), "--listen", "127.0.0.1"]
    assert main(asked) == 2
    asked += ["--user", getpass.getuser(), "--ca", str(mill.ca), "--certificate", str(broker.chain)]
    asked += ["--key", str(broker.key), "--crl", str(mill.crl), "--hub", "hub-oak=oak", "--hub", "hub-elm=elm"]
    assert main(asked) == 0
    program = find_mosquitto()
    assert program is not None
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(folder / "mosquitto.conf"), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        give_up_s = time.monotonic() + LONG_S
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert time.monotonic() < give_up_s
                await asyncio.sleep(0.02)
            else:
                writer.close()
                break
        tls = {name: context(mill.ca, mill.issue(name)) for name in ("hq", "hub-oak", "hub-elm", "st-a")}
        with (
            Voice(port, tls["hq"]) as hq, Voice(port, tls["hub-oak"]) as oak, Voice(port, tls["hub-elm"]) as elm,
            Voice(port, tls["st-a"]) as station,
        ):  # fmt: skip
            for listener in (hq, oak, elm, station):
                listener.subscribe("#")
            for topic in ("feed/log", "journal/log", "hq/cursor/cat", "hq/cursor/doc"):
                assert elm.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert station.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert oak.publish(f"shelfwire/1/oak/{topic}", b"of oak") < 0x80
                assert hq.heard.get(timeout=LONG_S) == Heard(f"shelfwire/1/oak/{topic}", b"of oak")
            for topic in ("feed/cursor", "journal/cursor", "hq/cat", "hq/doc"):
                assert elm.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert oak.publish(f"shelfwire/1/oak/{topic}", b"its own") >= 0x80
                assert hq.publish(f"shelfwire/1/oak/{topic}", b"of hq") < 0x80
                assert oak.heard.get(timeout=LONG_S) == Heard(f"shelfwire/1/oak/{topic}", b"of hq")
            assert hq.publish("shelfwire/1/elm/hq/doc", b"last") < 0x80
            assert elm.heard.get(timeout=LONG_S) == Heard("shelfwire/1/elm/hq/doc", b"last")
            assert station.heard.empty()
    finally:
        process.terminate()
        await process.wait()
