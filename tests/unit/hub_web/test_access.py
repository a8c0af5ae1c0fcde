"""Who may do what: tokens, scopes, the hub's own machine, and browsers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from msgspec.structs import replace

from hub.tokens import Scope, Tokens, make_token
from hub.web.access import COOKIE, Access
from hub.web.app import make_application
from hub.web.lookup import Lookups
from tests.unit.hub_web.asking import ADJUSTMENT, assert_problem
from tests.unit.hub_web.shop import MILK, SECOND_US, Shop, addresses, called

FAR = "192.168.1.50"
LOOKUP = f"/api/v1/lookup/{MILK}"
EVERYTHING = tuple(Scope)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        await shop.stocked()
        yield shop


def token(shop: Shop, *scopes: Scope, until_us: int | None = None) -> dict[str, str]:
    """Make a token and give the header that bears it."""
    number = len(shop.tokens.all)
    made, secret = make_token("a till", scopes, until_us, shop.now_us, lambda n: "x" * 43 if n == 32 else str(number))
    shop.tokens = Tokens([*shop.tokens.all, made])
    return {"authorization": f"Bearer {secret}"}


# Before the first token is made


async def test_the_hub_s_own_machine_needs_no_token_while_none_is_made(shop: Shop) -> None:
    async with called(shop.app()) as near:
        for path in ("/", "/api/v1/stock", LOOKUP, LOOKUP, "/metrics"):
            assert (await near.get(path)).status_code == 200
        assert (await near.post("/api/v1/adjustments", json=ADJUSTMENT)).status_code == 201


async def test_from_elsewhere_a_token_is_always_needed(shop: Shop) -> None:
    app = shop.app()
    async with called(app) as near, called(app, FAR) as far:
        await near.get(LOOKUP)
        for path in ("/api/v1/stock", LOOKUP, "/metrics", "/api/v1/stations", "/events"):
            answer = await far.get(path)
            assert_problem(answer, "token-missing", 401)
            assert answer.headers["www-authenticate"] == 'Bearer realm="shelfwire"'
        assert_problem(await far.post("/api/v1/adjustments", json=ADJUSTMENT), "token-missing", 401)
        assert (await far.get("/healthz")).status_code == 200


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-real-ip"])
async def test_what_a_proxy_on_this_machine_forwards_comes_from_elsewhere(shop: Shop, header: str) -> None:
    async with called(shop.app(), **{header: "10.0.0.9"}) as proxied:
        assert_problem(await proxied.get("/api/v1/stock"), "token-missing", 401)
        assert_problem(await proxied.get(LOOKUP), "token-missing", 401)


# Tokens


async def test_a_token_allows_what_its_scopes_say_from_anywhere(shop: Shop) -> None:
    headers = token(shop, Scope.STOCK_READ)
    for caller in ("127.0.0.1", FAR):
        async with called(shop.app(), caller, **headers) as till:
            for path in ("/api/v1/stock", "/api/v1/items", "/api/v1/items/milk-1l", LOOKUP, LOOKUP):
                assert (await till.get(path)).status_code == 200
            for path in ("/metrics", "/api/v1/stations", "/api/v1/backups", "/api/v1/quarantine"):
                answer = await till.get(path)
                assert_problem(answer, "scope-missing", 403)
                assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
            assert_problem(await till.post("/api/v1/adjustments", json=ADJUSTMENT), "scope-missing", 403)


async def test_once_a_token_is_made_the_hub_s_own_machine_needs_one_too(shop: Shop) -> None:
    app = shop.app()
    async with called(app) as near:
        assert (await near.get(LOOKUP)).status_code == 200
        token(shop, Scope.STOCK_READ)
        for path in ("/api/v1/stock", LOOKUP, LOOKUP):
            assert_problem(await near.get(path), "token-missing", 401)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer shelfwire_0000000000_" + "x" * 43,
        "Bearer nonsense",
        "Bearer \xff",
        "Bearer",
        "Basic c2hlbGY6d2lyZQ==",
        "",
    ],
)
async def test_what_is_no_token_opens_nothing(shop: Shop, authorization: str) -> None:
    token(shop, Scope.STOCK_READ)
    async with called(shop.app()) as caller:
        for path in ("/api/v1/stock", LOOKUP, LOOKUP, "/events"):
            answer = await caller.get(path, headers=[(b"authorization", authorization.encode("latin-1"))])
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer ")


async def test_a_wrong_secret_under_a_right_name_opens_nothing(shop: Shop) -> None:
    header = token(shop, Scope.STOCK_READ)["authorization"]
    async with called(shop.app()) as caller:
        for wrong in (header[:-1] + "y", header + "x", header[:-1]):
            assert_problem(await caller.get(LOOKUP, headers={"authorization": wrong}), "token-invalid", 401)


async def test_a_token_ends_at_its_time_and_when_it_is_revoked(shop: Shop) -> None:
    headers = token(shop, Scope.STOCK_READ, until_us=shop.now_us + SECOND_US)
    async with called(shop.app(), **headers) as till:
        assert (await till.get(LOOKUP)).status_code == 200
        shop.now_us += SECOND_US
        assert_problem(await till.get(LOOKUP), "token-invalid", 401)
        assert_problem(await till.get("/api/v1/stock"), "token-invalid", 401)
    headers = token(shop, Scope.STOCK_READ)
    async with called(shop.app(), **headers) as till:
        assert (await till.get(LOOKUP)).status_code == 200
        shop.tokens = Tokens([replace(each, revoked_us=shop.now_us) for each in shop.tokens.all])
        assert_problem(await till.get(LOOKUP), "token-invalid", 401)


async def test_every_route_of_rest_wants_a_scope(shop: Shop) -> None:
    application = make_application(shop.store, shop.outside, Lookups(shop.store, shop.outside))
    token(shop)
    open_to_all = {"/healthz", "/problems/{name}", "/openapi.json", "/login", "/logout"}
    only_here = {"/api/v1/station-logs"}
    closed = [each for each in addresses(application) if each[1] not in open_to_all | only_here]
    assert ("GET", "/api/v1/stock") in closed
    async with called(shop.app()) as caller:
        for method, path in closed:
            filled = re.sub(r"{\w+(:path)?}", "x", path)
            answer = await caller.request(method, filled, headers={"content-type": "application/json"}, content=b"{}")
            assert answer.status_code == 401, (method, path)


async def test_a_router_may_want_one_scope_to_look_and_another_to_change(shop: Shop) -> None:
    application = make_application(shop.store, shop.outside, Lookups(shop.store, shop.outside))
    router = APIRouter(
        dependencies=[Access(shop.outside.tokens, lambda: shop.now_us).of(Scope.STOCK_READ, Scope.COUNTS)]
    )

    async def here() -> str:
        return "here"

    for path in ("/api/v1/parts", "/parts"):
        router.add_api_route(path, here, methods=["GET"])
        router.add_api_route(path, here, methods=["POST"])
    application.include_router(router)
    looks, counts = token(shop, Scope.STOCK_READ), token(shop, Scope.COUNTS)
    async with called(application) as caller:
        for path in ("/api/v1/parts", "/parts"):
            assert [(await caller.request(method, path, headers=looks)).status_code for method in ("GET", "POST")] == [
                200,
                403,
            ]
            assert [(await caller.request(method, path, headers=counts)).status_code for method in ("GET", "POST")] == [
                403,
                200,
            ]
            assert (await caller.get(path)).status_code == 401
        caller.cookies.set(COOKIE, looks["authorization"].removeprefix("Bearer "))
        assert (await caller.get("/parts")).status_code == 200
        assert (await caller.get("/api/v1/parts")).status_code == 401
        document = (await caller.get("/openapi.json")).json()["paths"]["/api/v1/parts"]
    assert document["get"]["security"] == [{"token": ["stock:read"]}]
    assert document["post"]["security"] == [{"token": ["counts"]}]


# Browsers


async def test_a_page_asks_for_a_token_once_and_goes_on_to_where_it_was_asked(shop: Shop) -> None:
    secret = token(shop, Scope.STOCK_READ)["authorization"].removeprefix("Bearer ")
    async with called(shop.app(), FAR, accept="text/html") as browser:
        asked = await browser.get("/items/milk-1l?after=x")
        assert asked.status_code == 401
        assert 'name="there" value="/items/milk-1l?after=x"' in asked.text
        wrong = await browser.post("/login", data={"token": "wrong", "there": "/items/milk-1l"})
        assert (wrong.status_code, "unknown, revoked" in wrong.text) == (401, True)
        taken = await browser.post("/login", data={"token": f" {secret}\n", "there": "/items/milk-1l"})
        assert (taken.status_code, taken.headers["location"]) == (303, "/items/milk-1l")
        cookie = taken.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "Whole milk" in (await browser.get("/items/milk-1l")).text
        assert (await browser.get("/fragments/stock")).status_code == 200
        # A page's cookie is no key to REST, which other sites' pages might have a browser call.
        assert_problem(await browser.get("/api/v1/stock"), "token-missing", 401)
        shop.contested["s/till-2/stock"] = (1, 7)
        form = {"log": "s/till-2/stock", "incarnation": "7", "author": "Ada", "note": "old card"}
        assert (await browser.post("/contested", data=form)).status_code == 403
        await browser.post("/logout")
        assert COOKIE not in browser.cookies
        assert (await browser.get("/")).status_code == 401


@pytest.mark.parametrize("there", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/\nx"])
async def test_a_login_leads_to_our_own_pages_only(shop: Shop, there: str) -> None:
    secret = token(shop, *EVERYTHING)["authorization"].removeprefix("Bearer ")
    async with called(shop.app(), FAR) as browser:
        taken = await browser.post("/login", data={"token": secret, "there": there})
        assert (taken.status_code, taken.headers["location"]) == (303, "/")


async def test_another_site_logs_nobody_in_or_out(shop: Shop) -> None:
    async with called(shop.app(), origin="https://evil.example") as browser:
        assert_problem(await browser.post("/login", data={"token": "x"}), "cross-site", 403)
        assert_problem(await browser.post("/logout"), "cross-site", 403)


async def test_the_page_of_tokens_says_who_is_let_in(shop: Shop) -> None:
    async with called(shop.app()) as near, called(shop.app(), FAR) as far:
        assert "No token has been made yet" in (await near.get("/login")).text
        assert 'name="token"' in (await far.get("/login")).text


async def test_openapi_says_which_scope_is_wanted(shop: Shop) -> None:
    async with called(shop.app()) as client:
        document: dict[str, dict[str, dict[str, dict[str, object]]]] = (await client.get("/openapi.json")).json()
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["paths"]["/api/v1/stock"]["get"]["security"] == [{"token": ["stock:read"]}]
    assert document["paths"][LOOKUP.replace(MILK, "{code}")]["get"]["security"] == [{"token": ["stock:read"]}]
    assert document["paths"]["/api/v1/adjustments"]["post"]["security"] == [{"token": ["stock:decide"]}]
