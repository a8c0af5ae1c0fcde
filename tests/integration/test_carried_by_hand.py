"""A shop without network: its log goes to the hub on a stick and counts once, also when the network comes back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration.store.shop import CODES, Shop
from tests.integration.store.station_process import StationProcess

MILK, TEA, COLA = "4006381333931", "4012345678901", "5000112637922"
ITEMS = "item,name,unit,code,price,currency\n" + "".join(
    f"{item},{item.title()},each,{code},1.19,EUR\n" for code, item in CODES.items()
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A till that sells; neither broker nor hub runs."""
    async with Shop(tmp_path, {"till-1": "sale"}) as shop:
        await shop.start(shop.stations["till-1"].process)
        await shop.until("the till to take scans", shop.stations["till-1"].up, 90)
        yield shop


def hub(shop: Shop, *words: object) -> list[str]:
    return ["hub", str(words[0]), "--config", str(shop.folder / "hub.toml"), *map(str, words[1:])]


def buffer(shop: Shop, *words: object) -> list[str]:
    return ["edge", "buffer", str(words[0]), "--config", str(shop.folder / "till-1.toml"), *map(str, words[1:])]


async def run(*words: str) -> tuple[int, str, str]:
    """Run a command as staff would; give its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shelfwire.cli", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def done(*words: str) -> str:
    """Run a command that must succeed."""
    code, out, err = await run(*words)
    assert code == 0, f"{words}: {out}{err}"
    return out


async def told(*words: str) -> Any:
    """Run a command that must succeed, with --json."""
    return json.loads(await done(*words, "--json"))


async def refused(*words: str) -> str:
    """Run a command that must fail; give what it says."""
    code, out, err = await run(*words)
    assert code == 1, f"{words}: {code} {out}{err}"
    return err


async def sell(till: StationProcess, codes: Sequence[str]) -> None:
    for code in codes:
        assert await till.scanner.scan(code) is True


async def until_sold(shop: Shop, **pieces: int) -> None:
    async def is_sold() -> str | None:
        stock = {item: milli for item, milli in (await shop.hub.stock()).items() if milli}
        return None if stock == {item: -1000 * n for item, n in pieces.items()} else f"{stock}"

    await shop.until(f"the hub to have sold {pieces}", is_sold)


async def test_export_carry_import_receipt_and_then_the_network(shop: Shop, tmp_path: Path) -> None:
    till = shop.stations["till-1"]
    stick = tmp_path / "stick"
    stick.mkdir()
    (tmp_path / "items.csv").write_text(ITEMS)
    await done(*hub(shop, "import", tmp_path / "items.csv"))

    # The till sells; staff export while it runs, and import into the stopped hub, twice.
    await sell(till, [MILK, MILK, TEA])
    first = await told(*buffer(shop, "export", "-o", stick / "one.jsonl"))
    assert first["entries"] >= 3
    assert sorted(path.name for path in stick.iterdir()) == ["one.jsonl"]
    took = await told(*hub(shop, "import", "--station-log", stick / "one.jsonl"))
    assert (took["new"], took["known"], took["first_of_station"]) == (first["entries"], 0, True)
    again = await told(*hub(shop, "import", "--station-log", stick / "one.jsonl"))
    assert (again["new"], again["known"]) == (0, first["entries"])

    # The receipt goes back to the running till, which then exports only what is new.
    receipt = stick / "one.jsonl.receipt"
    acked = await told(*buffer(shop, "ack", receipt))
    assert acked["acked"] == first["entries"]
    await sell(till, [COLA])
    second = await told(*buffer(shop, "export", "-o", stick / "two.jsonl.zst"))
    assert 1 <= second["entries"] < first["entries"] + second["entries"]

    # Now the hub runs, and takes the file itself.
    await shop.start(shop.hub.process)
    await shop.until("the hub to answer", shop.hub.up, 90)
    await until_sold(shop, milk=2, tea=1)
    took = await told(*hub(shop, "import", "--station-log", stick / "two.jsonl.zst"))
    assert (took["new"], took["held_back"]) == (second["entries"], 0)
    await until_sold(shop, milk=2, tea=1, cola=1)

    # The network is back: nothing comes twice, and what is new comes.
    await sell(till, [TEA])
    await shop.start(shop.broker)
    await shop.until_caught_up([till])
    await until_sold(shop, milk=2, tea=2, cola=1)
    everything = await told(*buffer(shop, "export", "--all", "-o", stick / "all.jsonl"))
    took = await told(*hub(shop, "import", "--station-log", stick / "all.jsonl"))
    assert took["new"] <= 1  # a mark may have been written in between
    await until_sold(shop, milk=2, tea=2, cola=1)
    assert not (await shop.hub.losses()).rows
    assert not await shop.hub.quarantine()
    assert everything["entries"] >= first["entries"] + second["entries"]


async def test_a_file_that_was_touched_is_refused_and_nothing_of_it_counts(shop: Shop, tmp_path: Path) -> None:
    till = shop.stations["till-1"]
    await sell(till, [MILK, TEA, COLA])
    good = tmp_path / "good.jsonl"
    await done(*buffer(shop, "export", "-o", good))
    lines = good.read_bytes().splitlines(keepends=True)
    bad = tmp_path / "bad.jsonl"
    sold = next(i for i, line in enumerate(lines) if MILK.encode() in line)
    # What else may be done to a file is tried without processes, in tests/unit.
    broken = {
        "cut-off": lines[:-1],
        "chain-broken": [
            line.replace(MILK.encode(), TEA.encode()) if i == sold else line for i, line in enumerate(lines)
        ],
        "wrong-store": [lines[0].replace(b"oak-street", b"elm-street"), *lines[1:]],
    }
    await shop.start(shop.hub.process)
    await shop.until("the hub to answer", shop.hub.up, 90)
    for name, parts in broken.items():
        bad.write_bytes(b"".join(parts))
        assert f" {name}: " in await refused(*hub(shop, "import", "--station-log", bad))
    assert await shop.hub.stations() == {}
    assert not list(shop.hub.data.glob("carried-*"))
    took = await told(*hub(shop, "import", "--station-log", good))
    assert took["new"] == took["entries"] == (await shop.hub.stations())["till-1"].committed


async def test_verify_and_export_of_a_running_till_a_stopped_one_and_a_copy(shop: Shop, tmp_path: Path) -> None:
    till = shop.stations["till-1"]
    await sell(till, [MILK, TEA])
    running = await told(*buffer(shop, "verify"))
    assert (running["sound"], running["running"]) == (True, True)
    await till.process.kill()
    stopped = await told(*buffer(shop, "verify"))
    assert (stopped["sound"], stopped["running"]) == (True, False)
    till.keep_copy(tmp_path / "copy")
    copy = tmp_path / "copy" / "stock.db"
    with sqlite3.connect(copy) as spoilt:
        spoilt.execute("DELETE FROM entry WHERE depth = 1")
    spoilt.close()
    code, out, _ = await run("edge", "buffer", "verify", str(copy), "--json")
    found = json.loads(out)["logs"][0]["faults"]
    assert (code, "missing" in {fault["name"] for fault in found}) == (1, True)

    # A till that is switched off can be exported too; whose file was killed in use is whole.
    exported = await told(*buffer(shop, "export", "-o", tmp_path / "off.jsonl"))
    assert exported["entries"] == stopped["logs"][0]["entries"] >= 2


async def test_an_export_that_is_stopped_leaves_nothing_on_the_stick(shop: Shop, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "log.jsonl").write_text("the last one")
    till = shop.stations["till-1"].process
    assert till.pid is not None
    # A till that does not answer: the export waits in the middle of its work.
    os.killpg(till.pid, signal.SIGSTOP)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shelfwire.cli", *buffer(shop, "export", "-o", stick / "log.jsonl")
        )

        async def has_begun() -> str | None:
            return None if (stick / ".log.jsonl.part").exists() else "nothing there"

        await shop.until("the export to begin", has_begun, 90)
        os.kill(process.pid, signal.SIGINT)
        async with asyncio.timeout(60):
            assert await process.wait() == 130
    finally:
        os.killpg(till.pid, signal.SIGCONT)
    assert [path.name for path in stick.iterdir()] == ["log.jsonl"]
    assert (stick / "log.jsonl").read_text() == "the last one"
    await done(*buffer(shop, "export", "-o", stick / "log.jsonl"))
