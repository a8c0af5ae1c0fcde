"""An item looked up over HTTP by a thousand tills at once: the hub, bare Starlette, and Django, all in turns."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import shop
from bench.figures import Better, Figure, Floor, Limit, middle
from bench.power import PEERS, ROOT
from bench.store import until
from bench.workbench import Workbench, utc_us
from hub.app import DATABASE
from hub.bookkeeping import BATCH
from hub.store.reader_logs import LogCommit, station_log
from hub.store.store import HubStore
from hub.web.lookup import PATH
from protocol.catalogue import CodeLink, Item, Price, decode_row
from protocol.codes import read_code
from protocol.events import Count, When, encode_entry
from protocol.identity import Epoch, StationId, StoreId
from protocol.topics import Stream
from shelfwire.demo.ports import free_ports
from shelfwire.demo.processes import Process, Supervisor

CONNECTIONS = 1000
SECONDS = 4.0
_MEAN_MS = 160.0
_SHARE = 0.85
_TIMES_DJANGO = 3
_WORKERS = 2
_PART = "item lookup"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of one round of asking."""

    rate: float
    mean_ms: float
    p99_ms: float


async def measure(bench: Workbench) -> list[Figure]:
    """Serve the same shop three ways, and ask each in turns."""
    folder = bench.fresh("lookups")
    items = bench.size(shop.ITEMS)
    sold = min(items, bench.size(shop.SELLING))
    (folder / "hub").mkdir()
    await _fill(folder / "hub", items, sold)
    _fill_plain(folder / "plain.db", folder / "hub" / DATABASE)
    keys = folder / "codes.txt"
    keys.write_text("\n".join(_key(number) for number in range(sold)))
    hub_port, starlette_port, django_port = free_ports(3)
    async with Supervisor(folder) as servers:
        ours = f"{await _hub(servers, folder, hub_port)}{PATH}"
        bare = f"{await _starlette(servers, folder, starlette_port)}/"
        peer = await _django(servers, folder, django_port) if PEERS.exists() else None
        ask = partial(_ask, bench)
        took: dict[str, list[_Asked]] = {}
        first = await ask(ours, keys, order="once")
        for _ in range(bench.rounds):
            took.setdefault("ours", []).append(await ask(ours, keys))
            took.setdefault("fixed", []).append(await ask(f"{bare}fixed/", keys))
            took.setdefault("query", []).append(await ask(f"{bare}lookup/", keys))
            if peer is not None:
                took.setdefault("django", []).append(await ask(f"{peer}/lookup/", keys))
    return _figures(took, first)


def _figures(took: dict[str, list[_Asked]], first: _Asked) -> list[Figure]:
    rates = {who: [each.rate for each in asked] for who, asked in took.items()}
    fixed, query = middle(rates["fixed"]), middle(rates["query"])
    what = f"lookups, {CONNECTIONS:,} connections"
    means = [each.mean_ms for each in took["ours"]]
    p99s = [each.p99_ms for each in took["ours"]]

    def rate(text: str, values: list[float], floor: Floor | None = None, limit: Limit | None = None) -> Figure:
        return Figure(
            part=_PART,
            what=text,
            unit="requests/s",
            value=middle(values),
            better=Better.MORE,
            rounds=tuple(values),
            floor=floor,
            limit=limit,
        )

    figures = [
        rate(
            what,
            rates["ours"],
            Floor("bare Starlette, the same bytes always", fixed),
            Limit(_SHARE * fixed, "85 % of bare Starlette"),
        ),
        rate(what, rates["ours"], Floor("bare Starlette, the query on SQLite", query)),
        Figure(
            part=_PART,
            what="the same: mean",
            unit="ms",
            value=middle(means),
            rounds=tuple(means),
            limit=Limit(_MEAN_MS, f"{_MEAN_MS:.0f} ms"),
        ),
        Figure(part=_PART, what="the same: 99th percentile", unit="ms", value=middle(p99s), rounds=tuple(p99s)),
        rate(
            "the same, each code for the first time", [first.rate], Floor("bare Starlette, the query on SQLite", query)
        ),
    ]
    if "django" in took:
        django = middle(rates["django"])
        peer = f"Django, REST framework, gunicorn with {_WORKERS} workers"
        figures.append(
            rate(what, rates["ours"], Floor(peer, django), Limit(_TIMES_DJANGO * django, "3 times Django's"))
        )
        means = [each.mean_ms for each in took["django"]]
        figures.append(
            Figure(part=_PART, what=f"{what}, by {peer}: mean", unit="ms", value=middle(means), rounds=tuple(means))
        )
    return figures


async def _ask(bench: Workbench, address: str, codes: Path, *, order: str = "drawn") -> _Asked:
    """Let the tills ask; they have a process of their own."""
    connections = bench.size(CONNECTIONS)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.lookup_load",
        address,
        str(codes),
        str(connections),
        str(0.2 if bench.quick else SECONDS),
        order,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the tills failed at {address}")
    return _Asked(**json.loads(told))


def _key(number: int) -> str:
    """Give the code as all three know it."""
    return read_code(shop.gtin(number), None).lookup


async def _fill(folder: Path, items: int, sold: int) -> None:
    """Make a hub's file: the whole catalogue, and a count of each item that is sold."""
    async with HubStore(folder / DATABASE, StoreId(shop.STORE), utc_us) as store:
        await store.apply_catalogue([decode_row(line) for line in shop.catalogue_lines(items)])
        now_us = utc_us()
        lines = [shop.anchor("b", 1_000_000, now_us - 9_000_000)]
        for number in range(sold):
            when = When("b", 2_000_000 + number, now_us - 8_000_000 + number, True)
            counted = 1000 * (number % 90)
            lines.append(
                encode_entry(Count(when, when.up_us, "scanner", shop.gtin(number), counted, shop.PLACE, "c", 1))
            )
        log = station_log(StationId("till-1"), Stream.STOCK)
        for part, state in shop.frames(Epoch(1, 1), lines):
            await store.commit([LogCommit(log, (part,), state)])
        while (await store.fold_some(BATCH)).lag:
            pass


def _fill_plain(file: Path, hub: Path) -> None:
    """Write the same shop as plain rows: items with their prices, codes, and figures as the hub has them."""
    with closing(sqlite3.connect(file)) as plain:
        plain.executescript(
            """CREATE TABLE item (item TEXT PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL, minor INTEGER NOT NULL,
                                  currency TEXT NOT NULL);
               CREATE TABLE code (code TEXT PRIMARY KEY, item TEXT NOT NULL, factor_milli INTEGER NOT NULL);
               CREATE TABLE stock (id INTEGER PRIMARY KEY, item TEXT NOT NULL, area TEXT NOT NULL,
                                   on_hand_milli INTEGER NOT NULL, lo_milli INTEGER NOT NULL,
                                   hi_milli INTEGER NOT NULL, available_milli INTEGER NOT NULL,
                                   unanchored BOOL NOT NULL, ambiguous INTEGER NOT NULL, counted_us INTEGER);
               CREATE INDEX stock_item ON stock (item);
               PRAGMA journal_mode = WAL"""
        )
        with closing(sqlite3.connect(hub)) as ours:
            said = [decode_row(line) for (line,) in ours.execute("SELECT line FROM live ORDER BY kind")]
            figures = ours.execute(
                "SELECT item, area, on_hand_milli, on_hand_milli + under_milli, on_hand_milli + over_milli,"
                " max(0, on_hand_milli), ambiguous, newest_us FROM scope WHERE item <> ''"
            ).fetchall()
        items: dict[str, tuple[str, str, str]] = {}
        codes: list[tuple[str, str, int]] = []
        prices: dict[str, tuple[int, str]] = {}
        for row in said:
            match row:
                case Item():
                    items[row.item] = (row.item, row.name, row.unit.value)
                case CodeLink():
                    codes.append((row.code, row.item, row.factor_milli))
                case Price():
                    prices[row.item] = (row.minor, row.currency)
        plain.executemany("INSERT INTO item VALUES (?,?,?,?,?)", [(*items[item], *prices[item]) for item in items])
        plain.executemany("INSERT INTO code VALUES (?,?,?)", codes)
        plain.executemany(
            "INSERT INTO stock (item, area, on_hand_milli, lo_milli, hi_milli, available_milli, unanchored, ambiguous,"
            " counted_us) VALUES (?,?,?,?,?,?,0,?,?)",
            figures,
        )
        plain.commit()


async def _hub(servers: Supervisor, folder: Path, port: int) -> str:
    config = folder / "hub.toml"
    # Nobody is at the broker's port: no station has anything to say.
    (broker,) = free_ports(1)
    config.write_text(f'store = "{shop.STORE}"\ndata_dir = "hub"\n[broker]\nport = {broker}\n[web]\nport = {port}\n')
    command = (sys.executable, "-m", "shelfwire.cli", "hub", "run", "--config", str(config))
    return await _started(servers.add("hub", command), port)


async def _starlette(servers: Supervisor, folder: Path, port: int) -> str:
    command = (sys.executable, "-m", "bench.lookup_starlette", str(port), str(folder / "plain.db"))
    return await _started(servers.add("starlette", command), port)


async def _django(servers: Supervisor, folder: Path, port: int) -> str:
    gunicorn = (str(PEERS), "-m", "gunicorn", "--worker-class", "gthread", "--workers", str(_WORKERS))
    tuned = ("--threads", "4", "--worker-connections", "2000", "--keep-alive", "75", "--backlog", "2048")
    where = ("--bind", f"127.0.0.1:{port}", "--chdir", str(ROOT), "--log-level", "error")
    database = f"SHELFWIRE_BENCH_DB={folder / 'plain.db'}"
    command = ("/usr/bin/env", database, *gunicorn, *tuned, *where, "bench.peers.lookup_django")
    return await _started(servers.add("django", command), port)


async def _started(process: Process, port: int) -> str:
    await process.start()

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(f"{process.name} to answer", answers, process)
    return f"http://127.0.0.1:{port}"
