"""Releases over REST: what cannot be offered is refused in words, and nothing is offered that does not lie there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hub.web.releases import bundle_path
from tests.unit.hub_web.shop import Shop, called

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
