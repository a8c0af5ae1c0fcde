"""Settings of positions over REST and as pages: versions, what stations say of them, and nothing typed ever runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from protocol.identity import StationId
from protocol.state import SettingDrift, SettingsState, StationState, encode_state
from protocol.station_settings import Version, as_toml
from tests.unit.hub_web.shop import NOON_US, Shop, called

WHO = {"author": "Ada", "note": "a new scanner"}
COUNTING: dict[str, Any] = {"mode": "count", "devices": {"scanner": {"driver": "serial-scanner", "port": "/dev/x"}}}
SELLING: dict[str, Any] = {"mode": "sale"}
REST = "/api/v1/station-settings"
EVIL = '<script>alert("1")</script>'


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    async with called(shop.app()) as client:
        yield client


async def give(rest: httpx.AsyncClient, settings: dict[str, Any], **more: Any) -> httpx.Response:
    return await rest.post(f"{REST}/till-3", json={"settings": settings, **WHO, **more})


async def says(shop: Shop, said: SettingsState, station: str = "till-3") -> None:
    state = StationState("online", at_us=NOON_US, settings=said)
    await shop.store.record_station_state(StationId(station), encode_state(state), NOON_US)


def named(n: int, settings: dict[str, Any]) -> str:
    return Version(n=n, at_us=0, settings=settings).name


async def test_versions_are_given_restored_and_told(shop: Shop, rest: httpx.AsyncClient) -> None:
    made = [await give(rest, each) for each in (SELLING, COUNTING)]
    assert [(one.status_code, one.json()["number"]) for one in made] == [(201, 1), (201, 2)]
    again = await rest.post(f"{REST}/till-3", json={"restores": 1, "replaces": 2, **WHO})
    assert again.json()["number"] == 3
    told = (await rest.get(f"{REST}/till-3")).json()
    assert (told["holds"]["number"], told["holds"]["settings"], told["holds"]["restores"]) == (3, SELLING, 1)
    assert [each["number"] for each in told["history"]] == [3, 2, 1]
    assert told["holds"]["name"] == named(3, SELLING)
    assert [row["position"] for row in (await rest.get(REST)).json()["positions"]] == ["till-3"]


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("till-3", {"settings": {"hub": {"host": "evil"}}}, 400, "bad-settings"),
        ("till-3", {"settings": {"devices": {"r": {"driver": "x", "password": "hunter2"}}}}, 400, "bad-settings"),
        ("till-3", {"settings": SELLING, "replaces": 7}, 409, "settings-changed"),
        ("till-3", {"restores": 7}, 404, "version-unknown"),
        ("till-3", {}, 422, "bad-request"),
        ("till-3", {"settings": SELLING, "restores": 1}, 422, "bad-request"),
        ("till-3", {"settings": SELLING, "unheard": 1}, 422, "bad-request"),
        ("..", {"settings": SELLING}, 404, "not-found"),
        ("Till%203", {"settings": SELLING}, 400, "bad-place"),
    ],
)
async def test_what_cannot_be_given_is_a_problem_and_tells_no_secret(
    shop: Shop, rest: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, name: str
) -> None:
    refused = await rest.post(f"{REST}/{path}", json={**body, **WHO})
    assert (refused.status_code, refused.json()["name"]) == (status, name), refused.text
    assert "hunter2" not in refused.text
    assert (await rest.get(f"{REST}/till-3")).status_code == 404
    assert shop.store.journal.view.head.seq == 0


async def test_what_stations_run_is_held_beside_what_was_given(shop: Shop, rest: httpx.AsyncClient) -> None:
    await give(rest, SELLING)
    await give(rest, COUNTING)
    old, new = named(1, SELLING), named(2, COUNTING)
    drift = (SettingDrift("mode", '"sale"', '"count"'),)
    for said, verdict in (
        (SettingsState("till-3", held=old, applied=old), "behind"),
        (SettingsState("till-3", held=new, applied=old, doing="waiting"), "waiting"),
        (SettingsState("till-3", held=new, applied=new, doing="trying"), "trying"),
        (SettingsState("till-3", held=new, applied=old, failed=new, reason="scanner absent"), "failed"),
        (SettingsState("till-3", held=new, applied=new, drifts=1, drift=drift), "current"),
    ):
        await says(shop, said)
        (runs,) = (await rest.get(f"{REST}/till-3")).json()["stations"]
        assert (runs["station"], runs["verdict"]) == ("till-3", verdict)
    assert runs["drift"] == [{"what": "mode", "local": '"sale"', "hub": '"count"'}]
    page = (await rest.get("/station-settings/till-3")).text
    assert "Set at the station" in page
    assert "&#34;sale&#34;" in page


async def test_a_failed_version_makes_its_station_one_to_look_at(shop: Shop, rest: httpx.AsyncClient) -> None:
    await shop.stocked()
    await says(shop, SettingsState("till-1", held="2/x", failed="2/x", reason="scanner: absent"), "till-1")
    (station,) = [row for row in (await rest.get("/api/v1/stations")).json()["stations"] if row["station"] == "till-1"]
    assert "new settings failed: scanner: absent" in station["reasons"]


async def test_people_give_settings_on_the_page_and_give_earlier_ones_again(rest: httpx.AsyncClient) -> None:
    form = {"position": "till-3", "toml": as_toml(COUNTING), **WHO}
    made = await rest.post("/station-settings", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/station-settings/till-3"), made.text
    form = {"toml": as_toml(SELLING).replace("\n", "\r\n"), "replaces": "1", **WHO, "note": EVIL}
    assert (await rest.post("/station-settings/till-3", data=form)).status_code == 303
    again = await rest.post("/station-settings/till-3", data={"restores": "1", "replaces": "2", **WHO})
    assert again.status_code == 303
    page = (await rest.get("/station-settings/till-3")).text
    assert "[devices.scanner]" in page
    assert "Give version 1 again" in page
    assert EVIL not in page
    assert "till-3" in (await rest.get("/station-settings")).text
    behind = await rest.post("/station-settings/till-3", data={"toml": "", "replaces": "1", **WHO})
    assert (behind.status_code, behind.json()["name"]) == (409, "settings-changed")
    wrong = await rest.post("/station-settings/till-3", data={"toml": "mode = ", **WHO})
    assert (wrong.status_code, wrong.json()["name"]) == (422, "bad-request")


async def test_an_empty_document_takes_back_all_that_was_given(rest: httpx.AsyncClient) -> None:
    await give(rest, COUNTING)
    assert (await rest.post("/station-settings/till-3", data={"toml": "", "replaces": "1", **WHO})).status_code == 303
    assert (await rest.get(f"{REST}/till-3")).json()["holds"]["settings"] == {}
