"""What tests of REST ask for, and what they hold its answers against."""

from __future__ import annotations

import httpx

from hub.web.problems import MEDIA_TYPE

ADJUSTMENT = {
    "item": "milk-1l",
    "area": "store",
    "qty_milli": -2000,
    "reason": "waste",
    "author": "Ada",
    "note": "two cartons burst",
}


def assert_problem(response: httpx.Response, name: str, status: int) -> None:
    """Every error has the same shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    problem = response.json()
    assert (problem["type"], problem["name"], problem["status"]) == (f"/problems/{name}", name, status)
    assert problem["title"]
    assert set(problem) == {"type", "title", "status", "name", "detail"}


async def on_hand(rest: httpx.AsyncClient, item: str) -> int:
    stock: int = (await rest.get(f"/api/v1/items/{item}")).json()["stock"][0]["on_hand_milli"]
    return stock
