"""Head office's broker, on what `shelfwire provision broker --hq` writes: each hub speaks for its own store."""

from __future__ import annotations

import asyncio
import getpass
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509

from shelfwire.cli import main
from shelfwire.demo.brokers import find_mosquitto
from shelfwire.demo.ports import free_ports
from tests.integration.tls.papers import Paper, PaperMill
from tests.integration.tls.voices import LONG_S, Heard, NotLetIn, Voice, context

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
    async with _mosquitto(folder / "mosquitto.conf", port):
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


async def test_by_head_offices_own_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it by `provision hq`: given, let in to what is its own, refused all else, taken back."""
    folder, (port,) = tmp_path / "hq", free_ports(1)

    def hq(command: str, *words: object) -> str:
        assert main(["provision", "hq", command, "--folder", str(folder), *map(str, words)]) == 0
        return capsys.readouterr().out

    def as_(name: str) -> ssl.SSLContext:
        own = tmp_path / name / "own.pem"
        assert own.stat().st_mode & 0o777 == 0o600
        return context(tmp_path / name / "ca.pem", Paper(x509.load_pem_x509_certificate(own.read_bytes()), own, own))

    hq("init")
    who = ("--author", "ann", "--note", "a new store")
    hq("issue", "--office", "-o", tmp_path / "office", *who)
    for store in ("oak", "elm"):
        hq("issue", "--hub", store, "-o", tmp_path / store, *who)
    broker = ("--host", "127.0.0.1", "--port", port, "--listen", "127.0.0.1", "--user", getpass.getuser())
    assert "mosquitto.conf" in hq("broker", *broker)
    # Nobody of a store's own authority is let in here, whatever he is called.
    mill = PaperMill(tmp_path / "mill")
    strangers = [mill.issue(name, role=role) for name, role in (("hub-oak", "hub"), ("hq", "hq"), ("st-a", "station"))]
    async with _mosquitto(folder / "broker" / "mosquitto.conf", port):
        with Voice(port, as_("office")) as office, Voice(port, as_("oak")) as oak, Voice(port, as_("elm")) as elm:
            for listener in (office, oak, elm):
                listener.subscribe("#")
            for topic in ("feed/log", "journal/log", "hq/cursor/cat", "hq/cursor/doc"):
                assert elm.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert office.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert oak.publish(f"shelfwire/1/oak/{topic}", b"of oak") < 0x80
                assert office.heard.get(timeout=LONG_S) == Heard(f"shelfwire/1/oak/{topic}", b"of oak")
            for topic in ("feed/cursor", "journal/cursor", "hq/cat", "hq/doc"):
                assert oak.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert office.publish(f"shelfwire/1/oak/{topic}", b"of hq") < 0x80
                assert oak.heard.get(timeout=LONG_S) == Heard(f"shelfwire/1/oak/{topic}", b"of hq")
            for topic in ("s/st-a/cmd", "s/st-a/log/stock", "cat/log"):
                assert office.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
                assert oak.publish(f"shelfwire/1/oak/{topic}", b"forged") >= 0x80
            assert elm.heard.empty()
        for stranger in strangers:
            with pytest.raises(NotLetIn), Voice(port, context(tmp_path / "oak" / "ca.pem", stranger)):
                pass
    assert "taken back" in hq("revoke", "hub-oak", "--author", "bob", "--note", "its disk was sold")
    hq("broker", *broker)
    lost = as_("oak")
    hq("issue", "--hub", "oak", "-o", tmp_path / "oak", "--author", "bob", "--note", "a new disk")
    hq("broker", *broker)
    async with _mosquitto(folder / "broker" / "mosquitto.conf", port):
        with pytest.raises(NotLetIn), Voice(port, lost):
            pass
        with Voice(port, as_("oak")) as oak:
            assert oak.publish("shelfwire/1/oak/feed/log", b"of oak") < 0x80
    told = hq("list")
    assert "by ann: a new store; taken back" in told
    assert told.count("hub-oak") == 2
    assert main(["provision", "hq", "revoke", "hub-ash", "--folder", str(folder), *who]) == 2


@asynccontextmanager
async def _mosquitto(config: Path, port: int) -> AsyncIterator[None]:
    program = find_mosquitto()
    assert program is not None
    process = await asyncio.create_subprocess_exec(program, "-c", str(config), stderr=asyncio.subprocess.DEVNULL)
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
        yield
    finally:
        process.terminate()
        await process.wait()
