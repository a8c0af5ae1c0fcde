"""How the second keeping of the hub's file is shown: on the page, in metrics and over REST; and a backup on demand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from hub.settings import WebSettings
from hub.store.kept import BackupStatus
from hub.web.app import make_app
from hub.web.overview import Level, Tile, glance
from protocol.chain import Chapter
from protocol.identity import Epoch
from tests.unit.hub_web.shop import MINUTE_US, NOON_US, Shop, called

HOUR_US = 60 * MINUTE_US
WELL = BackupStatus("/media/stick", 3, NOON_US - 8 * HOUR_US, "oak-street-1.db", 500, archived_us=NOON_US - 5_000_000)


class Keeper:
    """Says what it is told to, and counts what it is asked for."""

    def __init__(self, status: BackupStatus) -> None:
        self.status = status
        self.asked = 0

    def back_up_soon(self) -> None:
        self.asked += 1


async def tile(shop: Shop, status: BackupStatus) -> Tile:
    seen = await glance(shop.store, replace(shop.outside, safekeeping=Keeper(status)))
    return next(each for each in seen.tiles if each.label == "Last backup")


@pytest.mark.parametrize(
    ("status", "level", "says"),
    [
        (WELL, Level.FINE, "all archived 5"),
        (changed(WELL, good_us=NOON_US - 30 * HOUR_US), Level.LOOK, "all archived"),
        (changed(WELL, good_us=NOON_US - 73 * HOUR_US), Level.ALARM, "all archived"),
        (changed(WELL, failure="no room in /media/stick"), Level.LOOK, "failing: no room"),
        (changed(WELL, archive_failure="<b>gone</b>"), Level.LOOK, "failing: <b>gone"),
        (changed(WELL, archived_us=NOON_US - 3 * MINUTE_US), Level.LOOK, "3"),
        (changed(WELL, same_disk=True), Level.LOOK, "own disk"),
        (BackupStatus("/media/stick", running=True), Level.LOOK, "nothing archived"),
        (BackupStatus("/media/stick", failure="no such folder"), Level.ALARM, "no such folder"),
    ],
)
async def test_the_tile_says_how_old_the_last_good_one_is_and_what_is_wrong(
    shop: Shop, status: BackupStatus, level: Level, says: str
) -> None:
    shown = await tile(shop, status)
    assert shown.level is level
    assert says in shown.note


async def test_rest_and_metrics_tell_the_same_and_one_may_be_asked_for(shop: Shop) -> None:
    keeper = Keeper(changed(WELL, failure="disk full"))
    app = make_app(shop.store, WebSettings(), replace(shop.outside, safekeeping=keeper))
    async with called(app) as rest:
        told = (await rest.get("/api/v1/backups")).json()
        assert (told["configured"], told["good_us"], told["failure"]) == (True, WELL.good_us, "disk full")
        answer = await rest.post("/api/v1/backups", json={"author": "ann"})
        assert (answer.status_code, keeper.asked) == (202, 1)
        assert (await rest.post("/api/v1/backups", json={})).status_code == 422
        assert (await rest.post("/api/v1/backups", content="author=ann")).status_code == 415
        assert keeper.asked == 1
        metrics = (await rest.get("/metrics")).text
        page = (await rest.get("/")).text
    assert "shelfwire_backup_good_timestamp_seconds 1.7802864e+09" in metrics
    assert "shelfwire_backup_failing 1.0" in metrics
    assert "shelfwire_archive_failing 0.0" in metrics
    assert "Last backup" in page


async def test_a_hub_that_keeps_nothing_elsewhere_says_so(shop: Shop) -> None:
    async with called(shop.app()) as rest:
        assert (await rest.get("/api/v1/backups")).json()["configured"] is False
        answer = await rest.post("/api/v1/backups", json={"author": "ann"})
        assert (answer.status_code, answer.json()["name"]) == (409, "no-medium")
        assert "shelfwire_backup" not in (await rest.get("/metrics")).text


async def test_a_key_is_known_in_the_epoch_that_a_restored_journal_begins(shop: Shop) -> None:
    wish = {"item": "milk-1l", "area": "store", "qty_milli": 5, "reason": "waste", "author": "Ada", "note": "burst"}
    async with called(shop.app()) as rest:
        for key in ("one", "two"):
            await rest.post("/api/v1/adjustments", json=wish, headers={"Idempotency-Key": key})
    view = shop.store.journal.view
    await shop.store.journal.open_epoch(Chapter(Epoch(2, 9), view.head, view.depth))
    async with called(shop.app()) as rest:
        for key, repeated in (("three", False), ("one", True), ("two", True), ("three", True)):
            answer = await rest.post("/api/v1/adjustments", json=wish, headers={"Idempotency-Key": key})
            assert answer.json()["repeated"] is repeated, key
