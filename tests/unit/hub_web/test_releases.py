"""Releases over REST: what cannot be offered is refused in words, and nothing is offered that does not lie there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.release_files import bundle_path
from hub.tokens import Scope
from hub.web.release_pages import PAGE
from protocol.state import MachineState, StationState
from tests.unit.hub_web.shop import Shop, called
from tests.unit.hub_web.test_access import token

WHO = {"author": "Ada", "note": "as planned"}
REST = "/api/v1/releases"
SAID: dict[str, Any] = {
    "release": "a" * 64,
    "version": "1.5",
    "compatible": "till",
    "size": 3,
    "author": "Ada",
    "note": "why",
}


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, 201),
        ({"size": 4}, 422),
        ({"release": "b" * 64}, 422),
        ({"release": "../hub.db"}, 422),
        ({"version": "1 5"}, 400),
        ({"percent": 101}, 422),
        ({"surprise": 1}, 422),
    ],
)
async def test_only_what_lies_there_is_offered(shop: Shop, tmp_path: Path, more: dict[str, Any], status: int) -> None:
    bundle_path(tmp_path, "a" * 64).write_bytes(b"abc")
    shop.releases = tmp_path
    async with called(shop.app()) as client:
        answer = await client.post(REST, json=SAID | more)
        assert answer.status_code == status, answer.text
        told = (await client.get(REST)).json()["releases"]
        assert [each["version"] for each in told] == (["1.5"] if status == 201 else [])


async def test_the_page_says_who_gets_what_and_why_it_fell_back(shop: Shop, tmp_path: Path) -> None:
    bundle_path(tmp_path, "a" * 64).write_bytes(b"abc")
    shop.releases = tmp_path
    board = MachineState(slot="a", update_failed="1.4 unhealthy: scanner (absent)")
    await shop.say("till-1", StationState("online", version="1.5", machine=board))
    async with called(shop.app()) as client:
        assert "No release was added yet" in (await client.get(PAGE)).text
        await client.post(REST, json=SAID | {"percent": 10, "stations": ["till-front"]})
        page = (await client.get(PAGE)).text
    for told in (
        "till-front: 10 in a hundred",
        "while the shop is closed",
        "1.4 unhealthy: scanner (absent)",
        "till-1",
    ):
        assert told in page, told
    assert '<td data-label="Run it" class="n">1</td>' in page.replace("\n", "")


async def test_a_program_reads_what_each_station_runs(shop: Shop) -> None:
    await shop.say("till-1", StationState("online", version="1.5"))
    await shop.say("till-2", StationState("online"))
    async with called(shop.app()) as client:
        told = (await client.get("/api/v1/stations")).json()["stations"]
    assert {each["station"]: each["version"] for each in told} == {"till-1": "1.5", "till-2": ""}


async def test_on_the_page_a_release_is_offered_to_all_and_withdrawn(shop: Shop, tmp_path: Path) -> None:
    bundle_path(tmp_path, "a" * 64).write_bytes(b"abc")
    shop.releases = tmp_path
    form = {"release": "a" * 64, "what": "offer", "stations": "till-3, till-4", "percent": "50", "anytime": "yes"}
    async with called(shop.app()) as client:
        await client.post(REST, json=SAID | {"percent": 10})
        assert (await client.post(PAGE, data=form | WHO)).status_code == 303
        (told,) = (await client.get(REST)).json()["releases"]
        assert (told["stations"], told["percent"], told["anytime"]) == (["till-3", "till-4"], 50, True)
        gone = {"release": "a" * 64, "what": "withdraw"}
        assert (await client.post(PAGE, data=gone | WHO)).status_code == 303
        (told,) = (await client.get(REST)).json()["releases"]
        assert (told["offered"], told["stations"], told["version"]) == (False, ["till-3", "till-4"], "1.5")


@pytest.mark.parametrize(
    "wrong",
    [
        {"release": "b" * 64, "what": "offer", **WHO},
        {"release": "a" * 64, "what": "burn", **WHO},
        {"release": "a" * 64, "what": "offer", "percent": "200", **WHO},
        {"release": "a" * 64, "what": "withdraw"},
    ],
)
async def test_a_form_that_says_no_word_says_nothing(shop: Shop, tmp_path: Path, wrong: dict[str, str]) -> None:
    bundle_path(tmp_path, "a" * 64).write_bytes(b"abc")
    shop.releases = tmp_path
    async with called(shop.app()) as client:
        await client.post(REST, json=SAID)
        assert (await client.post(PAGE, data=wrong)).status_code == 422
        (told,) = (await client.get(REST)).json()["releases"]
    assert (told["offered"], told["percent"]) == (True, 100)


async def test_a_token_without_the_right_to_provision_sees_and_says_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.releases = tmp_path
    reads = token(shop, Scope.STOCK_READ)
    async with called(shop.app()) as client:
        assert (await client.get(PAGE, headers=reads)).status_code == 403
        assert (await client.post(PAGE, data=WHO, headers=reads)).status_code == 403
