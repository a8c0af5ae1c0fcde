"""Settings given to positions: versions in the journal, one row of the catalogue, and nobody else's to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.errors import BadInput
from hub.store.reader_logs import HQ_CATALOGUE, LogCommit
from hub.store.store import HubStore
from protocol.catalogue import STORE, Gone, Item, RowKind, Setting, decode_row, encode_row
from protocol.chain import Chapter, Position, extend
from protocol.configured import StationConfigured, write_document
from protocol.errors import BadInput as BadBytes
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState, Record, Slice
from protocol.station_settings import KEY, check_settings, position_scope, version_of
from tests.unit.hub_store.shop import BOTH_ENGINES, NOON_US, fold_all, store_at

pytestmark = BOTH_ENGINES

COUNTING: dict[str, Any] = {"mode": "count", "devices": {"scanner": {"driver": "serial-scanner", "port": "/dev/x"}}}
SELLING: dict[str, Any] = {"mode": "sale"}


def asked(settings: dict[str, Any], *, restores: int = 0, key: str = "", at_us: int = NOON_US) -> StationConfigured:
    return StationConfigured(at_us, "till-3", 0, write_document(settings), restores, "ann", "a new scanner", key)


async def on_its_way(store: HubStore) -> list[tuple[int, dict[str, Any]]]:
    rows = [decode_row(line) async for line in store.catalogue_snapshot()]
    mine = [row for row in rows if isinstance(row, Setting) and (row.scope, row.key) == (position_scope("till-3"), KEY)]
    return [(version.n, version.settings) for version in (version_of(row.value) for row in mine)]


async def test_each_word_is_a_version_and_the_last_one_goes_out(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        settings = store.station_settings
        made = [await settings.give(asked(each, at_us=NOON_US + n)) for n, each in enumerate((SELLING, COUNTING))]
        assert [one.number for one in made] == [1, 2]
        assert await on_its_way(store) == [(2, COUNTING)]
        again = await settings.give(asked(SELLING, restores=1, at_us=NOON_US + 9), replaces=2)
        assert await on_its_way(store) == [(3, SELLING)]
        told = await settings.history("till-3")
        assert [(row.word.number, row.word.restores) for row in told] == [(3, 1), (2, 0), (1, 0)]
        assert told[0].entry == again.entry
        assert [row.word.number for row in await settings.newest()] == [3]
        assert await settings.history("till-4") == ()


async def test_a_key_makes_one_version_and_a_page_that_is_behind_makes_none(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        settings = store.station_settings
        first = await settings.give(asked(SELLING, key="k1"))
        repeated = await settings.give(asked(SELLING, key="k1", at_us=NOON_US + 5))
        assert (first.repeated, repeated.repeated) == (False, True)
        assert (repeated.entry, repeated.number) == (first.entry, first.number)
        head = store.journal.view.head
        for wrong, replaces, name in (
            (asked(COUNTING, key="k1"), None, "key-reused"),
            (asked(COUNTING), 0, "settings-changed"),
            (asked(COUNTING, restores=7), None, "version-unknown"),
        ):
            with pytest.raises(BadInput) as refused:
                await settings.give(wrong, replaces)
            assert refused.value.name == name
        assert store.journal.view.head == head
        assert await on_its_way(store) == [(1, SELLING)]


async def test_what_no_station_could_read_is_not_given(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        word = StationConfigured(NOON_US, "till-3", 0, '{"hub":{"host":"evil"}}', 0, "ann", "why")
        with pytest.raises(BadInput) as refused:
            await store.station_settings.give(word)
        assert refused.value.name == "bad-settings"
        assert await store.station_settings.history("till-3") == ()
        assert await on_its_way(store) == []


async def test_books_made_anew_and_a_journal_carried_on_know_the_same(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        settings = store.station_settings
        for n, each in enumerate((SELLING, COUNTING, SELLING)):
            await settings.give(asked(each, at_us=NOON_US + n))
        await fold_all(store)
        before = [row.word for row in await settings.history("till-3")]
        await store.keeping.unfold()
        view = store.journal.view
        await store.journal.open_epoch(Chapter(Epoch(view.head.epoch.generation + 1, 9), view.lineage[0].origin(), 0))
        await fold_all(store)
        assert [row.word for row in await settings.history("till-3")] == before
        assert await store.rebuild() == ()


async def test_head_office_neither_writes_nor_ends_what_is_the_hubs(tmp_path: Path) -> None:
    async with store_at(tmp_path / "hub.db") as store:
        await store.station_settings.give(asked(SELLING))
        epoch = Epoch(1, 3)
        origin = Chapter(epoch).origin().digest
        lines = (
            encode_row(Setting(position_scope("till-3"), KEY, "{}")),
            encode_row(Gone(RowKind.SETTING, position_scope("till-3"), KEY)),
            encode_row(Setting(STORE, "greeting", "hello")),
        )
        at = Position(epoch, 3, extend(origin, lines))
        state = ReaderState(at=at, records=(Record(at, 0),), generation=1)
        await store.commit([LogCommit(HQ_CATALOGUE, (Slice(epoch, 1, origin, lines),), state)])
        await fold_all(store)
        held = (await store.quarantine()).rows
        assert [row.reason for row in held] == ["hubs-own", "hubs-own"]
        assert await on_its_way(store) == [(1, SELLING)]
        whole = LogCommit(HQ_CATALOGUE, (), state, snapshot=(encode_row(Item("milk", "Milk")),))
        await store.commit([whole])
        assert await on_its_way(store) == [(1, SELLING)]
        assert len([line async for line in store.catalogue_snapshot()]) == 2


def test_a_document_is_written_and_read_as_it_is() -> None:
    word = asked(check_settings(COUNTING))
    assert word.version.settings == COUNTING
    with pytest.raises(BadBytes):
        _ = asked({"mode": "sell"}).version
