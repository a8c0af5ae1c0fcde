"""Transfers over REST and as pages, on the real store; and the bars of a printed card."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from protocol.code128 import code128
from protocol.errors import BadInput
from protocol.events import Delta, Reason
from tests.unit.hub_store.shop import give_place
from tests.unit.hub_web.shop import MILK, Shop, called

LINES = [{"item": "milk-1l", "qty_milli": 12_000}]
DRAFT = {
    "document": "TR-1",
    "from_area": "stockroom",
    "to_area": "floor",
    "lines": LINES,
    "author": "Ada",
    "note": "the shelf is empty",
}
WHO = {"author": "Ben", "note": "as agreed"}


@pytest.fixture
async def rest(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    await give_place(shop.store, "back-door", "stockroom")
    await give_place(shop.store, "shelves", "floor")
    async with called(shop.app()) as client:
        yield client


def move(shop: Shop, pieces: int, place: str) -> Delta:
    return Delta(shop.when(1), "scanner", MILK, "]E0", 1000 * pieces, Reason.TRANSFER, place, "TR-1")


async def said(shop: Shop, rest: httpx.AsyncClient, path: str, body: object, status: int = 201) -> dict[str, object]:
    response = await rest.post(f"/api/v1/transfers{path}", json=body)
    assert response.status_code == status, response.text
    await shop.fold()
    told: dict[str, object] = response.json()
    return told


async def test_a_transfer_from_draft_to_close_over_rest(shop: Shop, rest: httpx.AsyncClient) -> None:
    assert str((await said(shop, rest, "", DRAFT))["entry"]).startswith("hub/")
    drafted = (await rest.get("/api/v1/transfers/TR-1")).json()
    assert (drafted["phase"], drafted["from_store"], drafted["card"]) == ("draft", "oak-street", None)
    await said(shop, rest, "/TR-1/approve", WHO)
    approved = (await rest.get("/api/v1/transfers/TR-1")).json()
    assert approved["approved"]["author"] == "Ben"
    assert approved["card"].startswith("SW1:SHIPMENT:TR-1:OAK-STREET/STOCKROOM:OAK-STREET/FLOOR:")
    await shop.arrive("door", shop.anchor(5), move(shop, -12, "back-door"))
    await shop.arrive("floor", shop.anchor(5), move(shop, 11, "shelves"))
    await shop.fold()
    (under_way,) = (await rest.get("/api/v1/transfers")).json()["transfers"]
    assert (under_way["phase"], under_way["items"][0]["transit_milli"]) == ("receiving", 1000)
    await said(shop, rest, "/TR-1/close", WHO)
    closed = (await rest.get("/api/v1/transfers/TR-1")).json()
    assert closed["phase"] == "closed"
    assert closed["items"] == [
        {
            "item": "milk-1l",
            "planned_milli": 12_000,
            "shipped_milli": 12_000,
            "received_milli": 11_000,
            "settled_milli": 1_000,
            "transit_milli": 0,
            "discrepancy_milli": 1_000,
        }
    ]


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        ("", {**DRAFT, "document": "tr 1"}, 422, "bad-request"),
        ("", {**DRAFT, "lines": []}, 422, "bad-request"),
        ("", {**DRAFT, "to_area": "stockroom"}, 422, "bad-request"),
        ("", {**DRAFT, "lines": [*LINES, *LINES]}, 422, "bad-request"),
        ("", {**DRAFT, "from_store": "a", "to_store": "b"}, 400, "not-ours"),
        ("/TR-9/approve", WHO, 404, "transfer-unknown"),
        ("/TR-9/close", WHO, 404, "transfer-unknown"),
    ],
)
async def test_what_cannot_be_is_refused(
    shop: Shop, rest: httpx.AsyncClient, path: str, body: object, status: int, name: str
) -> None:
    assert (await said(shop, rest, path, body, status))["name"] == name


async def test_head_office_approves_what_goes_to_another_store(shop: Shop, rest: httpx.AsyncClient) -> None:
    await said(shop, rest, "", {**DRAFT, "to_store": "high-street"})
    assert (await said(shop, rest, "/TR-1/approve", WHO, 400))["name"] == "not-ours"


async def test_people_draft_and_approve_on_pages_and_print_the_card(shop: Shop, rest: httpx.AsyncClient) -> None:
    assert "Nothing was ever transferred" in (await rest.get("/transfers")).text
    form = {**{k: v for k, v in DRAFT.items() if k != "lines"}, "lines": "milk-1l 12\r\napples 2.5\r\n"}
    drafted = await rest.post("/transfers", data=form)
    assert (drafted.status_code, drafted.headers["location"]) == (303, "/transfers")
    await shop.fold()
    assert 'href="/transfers/TR-1"' in (await rest.get("/transfers")).text
    page = (await rest.get("/transfers/TR-1")).text
    assert "Whole milk 1 l" in page
    assert "<svg" not in page
    approved = await rest.post("/transfers/TR-1/approve", data=WHO)
    assert (approved.status_code, approved.headers["location"]) == (303, "/transfers/TR-1")
    await shop.fold()
    page = (await rest.get("/transfers/TR-1")).text
    assert "SW1:SHIPMENT:TR-1:OAK-STREET/STOCKROOM:OAK-STREET/FLOOR:" in page
    assert page.count("<svg") == 1
    assert "Close: what is missing is written off" in page
    html = {"accept": "text/html"}
    for data in ({**form, "lines": "milk"}, {**form, "document": ""}, {"author": "x"}):
        assert (await rest.post("/transfers", data=data, headers=html)).status_code == 422
    assert (await rest.get("/transfers/TR-9", headers=html)).status_code == 404


def modules(text: str) -> str:
    """The bars (1) and spaces (0) of a symbol, as a scanner's line crosses them."""
    symbol = code128(text)
    line = ["0"] * symbol.width
    for at, width in symbol.bars:
        line[at : at + width] = "1" * width
    return "".join(line)


def test_a_code_128_as_the_standard_draws_it() -> None:
    # ISO/IEC 15417: start B, "A" (33), check (104 + 33) mod 103 = 34, stop.
    quiet = "0" * 10
    assert modules("A") == quiet + "11010010000" + "10100011000" + "10001011000" + "1100011101011" + quiet
    assert code128("SW1:END").width == 20 + 11 * (7 + 2) + 13


@pytest.mark.parametrize("text", ["", "ä", "a\n"])
def test_what_code_set_b_does_not_hold_is_not_drawn(text: str) -> None:
    with pytest.raises(BadInput, match="not-printable"):
        code128(text)
