"""`shelfwire hub backup|restore|rebuild` on the command line, beside a hub that runs and without one."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from hub.store.store import HubStore
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.identity import StoreId
from provisioning.authority_folder import load_authority, make_authority
from tests.integration.commands import shelfwire

SHELFWIRE = (sys.executable, "-m", "shelfwire.cli")
DEADLINE_S = 60


class Shop:
    """A hub in a folder, its commands and, while it runs, its address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "hub.toml"
        self.file = folder / "data" / "hub.db"
        self.config.write_text(
            'store = "oak"\ndata_dir = "data"\n[broker]\nport = 1\n[web]\nport = 0\n'
            '[backup]\nfolder = "medium"\narchive_every_s = 0.2\n'
        )
        (folder / "medium").mkdir()
        (folder / "items.csv").write_text("item,name,unit,code,price,currency\ntea,Tea,each,4006381333931,1.99,EUR\n")
        assert self.hub("import", str(folder / "items.csv")).returncode == 0

    def hub(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return shelfwire("hub", *arguments, "--config", self.config)

    def json(self, *arguments: str) -> dict[str, object]:
        """Run a command that ends well; give what it says."""
        done = self.hub(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        said: dict[str, object] = json.loads(done.stdout)
        return said

    @contextmanager
    def running(self) -> Iterator[httpx.Client]:
        """Have the hub run."""
        with subprocess.Popen(
            [*SHELFWIRE, "hub", "run", "--config", str(self.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as hub:
            assert hub.stdout is not None
            url = json.loads(hub.stdout.readline())["web"]
            with httpx.Client(base_url=f"{url}/api/v1", timeout=DEADLINE_S, trust_env=False) as web:
                yield web
            hub.terminate()
            assert hub.wait(DEADLINE_S) == 0


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def adjust(web: httpx.Client, qty_milli: int) -> None:
    wish = {"item": "tea", "area": "store", "qty_milli": qty_milli, "reason": "receipt", "author": "ann", "note": ""}
    web.post("adjustments", json={**wish, "note": "first goods"}).raise_for_status()


def until_archived(web: httpx.Client) -> None:
    """Wait until the archive was written to twice: the first time may have begun before this."""
    for _ in range(2):
        before, give_up = archived_us(web), time.monotonic() + DEADLINE_S
        while archived_us(web) == before:
            assert time.monotonic() < give_up, "nothing is archived"
            time.sleep(0.02)


def archived_us(web: httpx.Client) -> int | None:
    told: int | None = web.get("backups").raise_for_status().json()["archived_us"]
    return told


def on_hand(shop: Shop) -> int:
    """What the stopped hub holds."""

    async def tea() -> int:
        async with store_of(shop) as store:
            return sum(row.on_hand_milli for row in (await store.stock()).rows)

    return asyncio.run(tea())


def received(shop: Shop, qty_milli: int) -> None:
    """Have goods in the stopped hub's books."""

    async def receive() -> None:
        async with store_of(shop) as store:
            entry = Adjustment(1_790_000_000_000_000, "tea", "store", qty_milli, Reason.RECEIPT, None, "ann", "")
            await store.journal.append([encode_entry(entry)])
            while (await store.fold_some(1000)).lag:
                pass

    asyncio.run(receive())


def store_of(shop: Shop) -> HubStore:
    return HubStore(shop.file, StoreId("oak"), lambda: time.time_ns() // 1000)


def test_a_backup_beside_a_running_hub_is_restored_when_it_is_stopped(shop: Shop) -> None:
    to = shop.folder / "mine.db"
    with shop.running() as web:
        adjust(web, 5000)
        # The archive begins a moment after the web does; a backup made in between is not one it goes on from.
        until_archived(web)
        said = shop.json("backup", str(to))
        assert said["file"] == str(to)
        folder = shop.hub("backup", str(shop.folder))
        assert folder.returncode == 0
        assert "sha256" in folder.stdout
        again = shop.hub("backup", str(to))
        assert (again.returncode, "there already" in again.stderr) == (1, True)
        refused = shop.hub("restore", str(to))
        assert (refused.returncode, "in use" in refused.stderr) == (1, True)
        adjust(web, 2000)
        until_archived(web)
        assert shop.hub("rebuild", "--compare").stdout == "The books are what the logs say.\n"
    assert len(list(shop.folder.glob("oak-*Z.db"))) == 1
    shop.file.unlink()
    told = shop.hub("restore", str(to))
    assert told.returncode == 0, told.stderr
    assert "1 entries archived after it" in told.stdout
    assert on_hand(shop) == 7000


def test_without_a_time_that_can_be_and_without_a_backup_nothing_happens(shop: Shop) -> None:
    assert shop.hub("backup", str(shop.folder / "b.db")).returncode == 0
    before = shop.file.read_bytes()
    wrong = shop.hub("restore", str(shop.folder / "b.db"), "--until", "yesterday")
    assert (wrong.returncode, "no time such as" in wrong.stderr) == (2, True)
    early = shop.hub("restore", str(shop.folder / "b.db"), "--until", "2020-01-01T00:00", "--json")
    assert (early.returncode, "older" in json.loads(early.stdout)["error"]) == (1, True)
    assert shop.hub("restore", str(shop.folder / "none.db")).returncode == 1
    assert shop.file.read_bytes() == before


def test_a_fault_in_the_books_is_named_with_exit_code_1_and_mended(shop: Shop) -> None:
    received(shop, 5000)
    books = sqlite3.connect(shop.file)
    books.execute("UPDATE scope SET on_hand_milli = 9000, moved_milli = 9000")
    books.commit()
    books.close()
    with shop.running():
        beside = shop.hub("rebuild", "--compare", "--json")
        assert beside.returncode == 1
        (difference,) = json.loads(beside.stdout)["differences"]
        assert (difference["what"], difference["key"]) == ("scope", "tea/store")
        refused = shop.hub("rebuild")
        assert (refused.returncode, "in use" in refused.stderr) == (1, True)
    found = shop.hub("rebuild", "--compare")
    assert (found.returncode, found.stdout.splitlines()[-1]) == (1, "differences: 1")
    assert found.stdout.startswith("scope tea/store: kept moved_milli 9000, should be moved_milli 5000\n")
    mended = shop.hub("rebuild")
    assert mended.returncode == 0, mended.stderr
    assert "set aside: " in mended.stdout
    assert shop.hub("rebuild").stdout == "The books are what the logs say; nothing was changed.\n"
    assert on_hand(shop) == 5000


def test_a_hub_that_lost_everything_has_its_authority_back_with_its_file(shop: Shop) -> None:
    now_us = time.time_ns() // 1000
    made = make_authority(shop.folder / "data", StoreId("oak"), now_us, secrets.token_bytes)
    medium = shop.folder / "medium"
    with shop.running() as hub:
        kept = medium / "oak-authority" / "issuing.key"
        deadline_s = time.monotonic() + DEADLINE_S
        while not (kept.exists() and hub.get("backups").json()["backups"]):
            assert time.monotonic() < deadline_s, sorted(medium.iterdir())
            time.sleep(0.05)
    (backup,) = medium.glob("oak-*T*Z.db")
    shutil.rmtree(shop.folder / "data")
    (shop.folder / "data").mkdir()
    assert shop.json("restore", str(backup))["authority"] == str(shop.folder / "data" / "authority")
    assert load_authority(shop.folder / "data", StoreId("oak")).fingerprint == made.fingerprint
    assert shop.json("restore", str(backup))["authority"] is None
