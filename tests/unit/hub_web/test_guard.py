"""Who may call, who may change things, how much is read, and what browsers are told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hub.settings import WebSettings
from hub.web.guard import MAX_BODY_BYTES
from tests.unit.hub_web.asking import ADJUSTMENT, assert_problem
from tests.unit.hub_web.shop import Shop, called


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "192.168.1.7", "hub.shop.example", "localhost."],
)
async def test_the_hub_answers_to_its_names_and_to_addresses(shop: Shop, host: str) -> None:
    async with called(shop.app(WebSettings(hosts=("Hub.Shop.example",))), host=host) as client:
        assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "a" * 300]
)
async def test_a_name_that_is_not_the_hub_s_is_refused_whatever_is_asked(shop: Shop, host: str) -> None:
    async with called(shop.app(), host=host) as client:
        assert_problem(await client.get("/api/v1/stock"), "host-unknown", 421)
        assert_problem(await client.get("/"), "host-unknown", 421)
        assert_problem(await client.get("/events"), "host-unknown", 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(shop: Shop, headers: dict[str, str]) -> None:
    await shop.stocked()
    before = shop.store.journal.view.head
    async with called(shop.app(), **headers) as client:
        assert_problem(await client.post("/api/v1/adjustments", json=ADJUSTMENT), "cross-site", 403)
        assert_problem(await client.post("/contested", data={"log": "s/x/stock"}), "cross-site", 403)
    assert shop.store.journal.view.head == before


async def test_another_site_may_link_here_and_no_more(shop: Shop) -> None:
    async with called(shop.app(), **{"sec-fetch-site": "cross-site"}) as client:
        for mode in ("no-cors", "cors", "same-origin"):
            assert_problem(await client.get("/events", headers={"sec-fetch-mode": mode}), "cross-site", 403)
        assert (await client.get("/", headers={"sec-fetch-mode": "navigate"})).status_code == 200


@pytest.mark.parametrize("headers", [{"origin": "http://localhost", "sec-fetch-site": "same-origin"}, {}])
async def test_our_own_page_and_programs_may(shop: Shop, headers: dict[str, str]) -> None:
    async with called(shop.app(), **headers) as client:
        assert (await client.post("/api/v1/adjustments", json=ADJUSTMENT)).status_code == 201


async def test_a_form_s_content_types_are_no_json(shop: Shop) -> None:
    async with called(shop.app()) as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            answer = await client.post("/api/v1/adjustments", content=b"{}", headers={"content-type": kind})
            assert_problem(answer, "not-json", 415)


async def test_a_body_is_read_up_to_a_bound_whatever_it_says_of_its_length(shop: Shop) -> None:
    async def undeclared() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 1024

    async with called(shop.app(), **{"content-type": "application/json"}) as client:
        declared = await client.post("/api/v1/adjustments", content=b" " * (MAX_BODY_BYTES + 1))
        assert_problem(declared, "body-too-large", 413)
        assert_problem(await client.post("/api/v1/adjustments", content=undeclared()), "body-too-large", 413)


async def test_every_answer_keeps_the_browser_safe(shop: Shop) -> None:
    async with called(shop.app()) as client:
        for path in ("/", "/static/page.css", "/api/v1/stock", "/nothing", "/metrics", "/quarantine"):
            headers = (await client.get(path)).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "same-origin"


async def test_pages_are_not_kept_and_static_files_are_asked_for_anew(shop: Shop) -> None:
    async with called(shop.app()) as client:
        assert (await client.get("/")).headers["cache-control"] == "no-store"
        style = await client.get("/static/page.css")
        assert style.headers["cache-control"] == "no-cache"
        known = await client.get("/static/page.css", headers={"if-none-match": style.headers["etag"]})
        assert known.status_code == 304
        assert (await client.get("/static/../app.py")).status_code == 404
