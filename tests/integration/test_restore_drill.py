"""The restore drill: a hub's file is lost, and every figure of every table of the books is as it was.

What there is: last night's backup, the archive of journal and logs on a second medium, which was pulled out some hours
before, and the stations, whose logs still have what came after. `test_hub_restored` does the same with real processes
and compares what the hub says; this one looks into the file.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from hub.store import chunks, pages, tables
from hub.store.archive import Archive
from hub.store.backing_up import take_backup
from hub.store.entry_rows import DELTA
from hub.store.restoring import Place, restore
from hub.store.seats import FileSeat
from hub.store.sqlite_file import on_sqlite
from hub.store.store import HubStore
from protocol.decisions import Adjustment, BasketEnded, BasketFate, Void
from protocol.events import Reason, encode_entry
from protocol.frames import encode_frame
from protocol.identity import EntryId, Epoch, PlaceId
from protocol.variable_measure import PLAIN
from tests.shop.codes import catalogue, code_of, item_of
from tests.shop.day import Day, live_through
from tests.shop.habits import HOUR_US, MINUTE_US, Habits, Weather
from tests.shop.hub import STORE, HubClock, Listener
from tests.shop.living import stock
from tests.shop.network import Delivery
from tests.shop.station import DAY_US
from tests.unit.hub_store.identities import NEW, OLD, certified, ended, invited, said
from tests.unit.hub_store.kept import tell_all
from tests.unit.hub_store.shop import fold_all, told_stock
from tests.unit.hub_store.test_baskets import Till

AREA = PlaceId("store")
BACKUP_H, PULLED_H, LOST_H = 9, 15, 19

_ELSEWHERE = {
    "chunk": "how lines are cut into chunks follows from when they came; the lines are compared",
    "meta": "whose file it is, and how far the fold has passed its own chunks",
    "epoch": "the hub's own logs go on in new epochs, as is right; entries are compared by their epochs' names",
    "log": "cursors name chunks and incarnations; how much was read and booked is compared",
    "page": "an entry stands there or in `entry`, by the company it came in; it is compared as if it stood in `entry`",
    "run": "where in the pages a scope's entries are",
    "sort": "what entries in pages share",
    "sqlite_sequence": "SQLite's own",
}
"""Tables that are not compared row by row, and why."""
_ARRIVAL = {
    *("id", "fit", "told", "revision", "version"),  # how often and in what company it was read or told
    *("newest_us", "reach_us", "before_us", "after_us"),  # bounds that spare questions; no figure rests on them
    *("plain", "tail"),  # which of a scope's entries stand in pages
    *("at_us", "released_us", "last_seen_us"),  # the hub's clock at the time
}
"""Columns that depend on when things came, by name; no figure of the books is among them."""
_OF_ANY_DELTA = {"kind": DELTA, "closed": 0, "stands": 1}
"""What the row of every delta says, for which a page has no column: the last two are said of counts alone."""
_WANTED = {column.name for column in tables.entry.columns if not column.nullable} - _ARRIVAL
"""What a row in `entry` always says; of an entry in a page as much is to be compared."""
_STANDING = {"quarantine": "WHERE released_us IS NULL"}
"""Of these what stands: whether an entry waited a while for its item depends on when the catalogue came."""


def figures(path: Path) -> dict[str, Any]:
    """Give all that a hub's file says, rows of other tables by name instead of by number."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        logs = {row["id"]: row["name"] for row in connection.execute("SELECT id, name FROM log")}
        epochs = {
            row["id"]: f"{logs[row['log']]} {row['name']}"
            for row in connection.execute("SELECT id, log, name FROM epoch")
        }
        names: dict[str, dict[Any, str]] = {
            "log": logs,
            "epoch": epochs,
            "anchor_epoch": epochs,
            "opened_epoch": epochs,
            "scope": {r["id"]: f"{r['item']} in {r['area']}" for r in connection.execute("SELECT * FROM scope")},
            "boot": {r["id"]: f"{logs[r['log']]} {r['name']}" for r in connection.execute("SELECT * FROM boot")},
        }
        found: dict[str, Any] = {}
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if table in _ELSEWHERE:
                continue
            cursor = connection.execute(f"SELECT * FROM {table} {_STANDING.get(table, '')}")
            columns = [column[0] for column in cursor.description if column[0] not in _ARRIVAL]
            rows = [dict(row) for row in cursor]
            if table == "entry":
                rows += _plain(connection)
            found[table] = sorted(
                repr({name: names.get(name, {}).get(row.get(name), row.get(name)) for name in columns}) for row in rows
            )
        found["lines"] = _lines(connection, epochs)
        found["read"] = {
            row["name"]: (row["committed"], row["folded"], row["movements"])
            for row in connection.execute("SELECT * FROM log WHERE name LIKE 's/%'")
        }
    return found


def _plain(connection: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Give the entries that stand in pages as if they stood in `entry`."""
    sorts = {row["id"]: dict(row) for row in connection.execute("SELECT * FROM sort")}
    for page in pages.oldest_first(on_sqlite(connection)):
        for place in range(page.n):
            if sort := page.sort(place):
                t_us, err_us = page.time(place)
                times = {"key_us": t_us, "t_us": t_us, "err_us": err_us}
                where = {"epoch": page.epoch, "seq": page.first + place}
                row = {**sorts[sort], **_OF_ANY_DELTA, **where, **times, "qty_milli": page.qty_milli(place)}
                assert row.keys() >= _WANTED, f"{_WANTED - row.keys()} of an entry in a page is not compared"
                yield row


def _lines(connection: sqlite3.Connection, epochs: dict[int, str]) -> dict[str, list[bytes]]:
    """Give the lines of all logs but the feed, which is told again in an epoch of its own, by epoch and in order."""
    lines: dict[str, list[bytes]] = defaultdict(list)
    for row in connection.execute("SELECT epoch, n, body FROM chunk ORDER BY epoch, first"):
        if not epochs[row["epoch"]].startswith("feed"):
            lines[epochs[row["epoch"]]] += chunks.unpack(row["body"], row["n"])
    return dict(lines)


class Drill:
    """A hub with a second medium, told a simulated day piece by piece."""

    def __init__(self, folder: Path, day: Day) -> None:
        self.path, self.medium = folder / "data" / "hub.db", folder / "medium"
        self.path.parent.mkdir()
        self.medium.mkdir()
        self.day, self.clock = day, HubClock()
        self.place = Place(FileSeat(self.path), STORE, PLAIN, self.clock)
        self._to_come = list(day.deliveries)

    async def listener(self, store: HubStore) -> Listener:
        """Read on where the file says."""
        listener = Listener(store, self.clock)
        for station in self.day.stations.values():
            await listener.meet(station)
        return listener

    async def hear(self, listener: Listener, until_h: float) -> None:
        """Let come what comes until an hour of the day."""
        now = [each for each in self._to_come if each.t_us < until_h * HOUR_US]
        self._to_come = self._to_come[len(now) :]
        assert now, "something comes"
        for _, together in itertools.groupby(now, key=lambda delivery: delivery.t_us):
            await listener.take(list(together))

    async def tell_again(self, listener: Listener, read_to: dict[str, int]) -> int:
        """Have each station send what the hub has not got, up to where it had been read before; count the entries."""
        sent = 0
        for station in self.day.stations.values():
            after = listener.read_to(station.name)
            if missing := read_to[station.name] - after:
                frame = station.frame(after, missing)
                await listener.take([Delivery(0, station.name, encode_frame(frame))])
                sent += missing
            assert listener.read_to(station.name) == read_to[station.name]
        return sent


async def decide(store: HubStore, number: int, voided: EntryId | None = None) -> None:
    """Adjust an item, void an entry if one is named, and book it."""
    at_us = DAY_US + 8 * HOUR_US + number * MINUTE_US
    entry = Adjustment(at_us, item_of(number), AREA, 1000 * number, Reason.ADJUSTMENT, f"doc-{number}", "ann", "drill")
    lines = [encode_entry(entry)]
    if voided is not None:
        lines.append(encode_entry(Void(at_us, str(voided), "ann", "drill")))
    await store.journal.append(lines)
    await fold_all(store)


async def test_a_lost_file_comes_back_with_every_figure_of_every_table(tmp_path: Path) -> None:
    drill = Drill(tmp_path, live_through(7, Habits(items=40), Weather(flush_us=30 * MINUTE_US)))
    till = drill.day.stations["till-1"]
    # A till burns out with a basket open, before the medium is pulled out; another's basket is only open.
    burnt, open_still = Till("till-8", Epoch(1, 78), booted_us=DAY_US), Till("till-9", Epoch(1, 79), booted_us=DAY_US)
    for each in (burnt, open_still):
        each.anchor()
        each.open()
        for number in (1, 2, 3):
            each.put_in(code_of(number))
        each.take_out()
    async with HubStore(drill.path, STORE, drill.clock) as store:
        await store.apply_catalogue(catalogue(38))
        archive, listener = Archive(store, STORE, drill.medium), await drill.listener(store)
        await drill.hear(listener, BACKUP_H)
        await decide(store, 1)
        await burnt.tell(store, 3)
        await said(store, invited(), certified())
        await fold_all(store)
        await tell_all(archive)
        backup = drill.medium / "night.db"
        take_backup(FileSeat(drill.path), backup, STORE, drill.clock, archive.segment)
        # After the backup: half a day, decisions, goods that the catalogue learns of late. All of it is archived.
        await drill.hear(listener, PULLED_H)
        await decide(store, 2, EntryId(till.name, till.epoch, 12))
        for each in (burnt, open_still):
            await each.tell(store)
        await fold_all(store)
        await store.decide(BasketEnded(DAY_US + 9 * HOUR_US, str(burnt.id(2)), BasketFate.UNKNOWN, "ann", "drill"))
        await said(store, invited(NEW, replaces=OLD), certified(NEW, "b1"), ended(NEW))
        await store.apply_catalogue(catalogue(40)[76:])
        await fold_all(store)
        await tell_all(archive)
        await archive.close()
        # The medium is pulled out; what comes now has only the stations behind it.
        await drill.hear(listener, LOST_H)
        await fold_all(store)
        assert await store.rebuild() == ()
        read_to = {name: listener.read_to(station.name) for name, station in drill.day.stations.items()}
        stock_before, hq_before = await stock(store), await told_stock(store)
    before = figures(drill.path)
    assert len(before["count_figure"]) > 40
    assert len(before["identity_word"]) == 6
    assert before["position_given"]
    assert [len(before[name]) for name in ("basket", "basket_line", "basket_word")] == [2, 6, 1]
    assert not before["reread"]
    assert not before["relink"]

    for path in drill.path.parent.iterdir():
        path.unlink()
    restored = await restore(drill.place, backup, drill.medium, None, lambda _: None)
    assert restored.entries > 0
    assert restored.gap == ""
    async with HubStore(drill.path, STORE, drill.clock) as store:
        listener = await drill.listener(store)
        assert await drill.tell_again(listener, read_to) > 0
        await fold_all(store)
        assert await stock(store) == stock_before
        assert await told_stock(store) == hq_before
        assert await store.rebuild() == ()
    after = figures(drill.path)
    assert after.keys() == before.keys()
    for table in before:
        assert after[table] == before[table], f"{table} is not as it was"


async def test_what_the_drill_compares_would_show_a_figure_that_is_off_by_one(tmp_path: Path) -> None:
    drill = Drill(tmp_path, live_through(7, Habits(items=40), Weather(flush_us=30 * MINUTE_US)))
    async with HubStore(drill.path, STORE, drill.clock) as store:
        await store.apply_catalogue(catalogue(40))
        await drill.hear(await drill.listener(store), BACKUP_H)
    before = figures(drill.path)
    with closing(sqlite3.connect(drill.path, isolation_level=None)) as connection:
        changed = connection.execute(
            """UPDATE count_figure SET expected_milli = expected_milli + 1
               WHERE seq = (SELECT seq FROM count_figure LIMIT 1)"""
        )
        assert changed.rowcount
    after = figures(drill.path)
    assert [table for table in before if after[table] != before[table]] == ["count_figure"]
