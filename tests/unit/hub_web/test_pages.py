"""The pages: what a person reads, without a script, and what cannot be smuggled into them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest

from hub.web.pages import item_path
from protocol.catalogue import CodeLink, Item
from protocol.events import Delta, Reason
from protocol.replication.ports import Loss
from protocol.state import DeviceState, StationState
from tests.unit.hub_web.shop import MILK, Shop, called

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</td></table><form action=//evil.example>",
    "<hx-partial hx-target='#tiles'>owned</hx-partial>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "'; DROP TABLE scope; --",
    "../../../etc/passwd",
    "\u202egnp.exe",
    "data: x\r\n\r\nevent: stock-moved\r\n",
    "A" * 4096,
)


class Read(HTMLParser):
    """A page taken apart: its text, elements, and what they would load or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._silent = 0
        self.feed(html)
        self.close()
        self.text = re.sub(r"[ \t\n]+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def stock_of(html: str) -> str:
    """The table of stock, without the events beside it."""
    return html[html.index('<div id="stock"') : html.index('id="events-title"')]


@pytest.fixture
async def page(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    await shop.stocked()
    async with called(shop.app(), accept="text/html") as client:
        yield client


async def test_the_first_page_says_how_the_shop_stands(page: httpx.AsyncClient) -> None:
    text = Read((await page.get("/")).text).text
    for words in (
        "2 of 3 ok",
        "1 degraded · 0 silent",
        "132 at 1 station",
        "1 quarantined",
        "up to date",
        "1 of 3 behind",
        "scanner-1 absent",
        "no such file: /dev/ttyACM0",
        "Whole milk 1 l",
        "17.250\u202fkg",
        "2.99\u202fEUR",
        "never counted",
        "below zero",
        "too near the count to tell",
        "As of 12:00:00 UTC",
    ):
        assert words in text, words


async def test_a_device_that_works_is_shown_with_what_there_is_to_say_of_it(
    shop: Shop, page: httpx.AsyncClient
) -> None:
    scale = DeviceState("scale-1", "scale-nci", "ready", "experimental")
    await shop.say("till-1", StationState("online", devices=(scale,)))
    read = Read((await page.get("/")).text)
    assert "scale-1 ready: experimental" in " ".join(read.text.split())


async def test_the_first_page_works_without_a_script(page: httpx.AsyncClient) -> None:
    html = (await page.get("/", params={"q": "milk"})).text
    assert "Whole milk" in stock_of(html)
    assert "Elstar" not in stock_of(html)
    assert {("action", "/"), ("method", "get"), ("name", "q"), ("value", "milk")} <= set(Read(html).attributes)


async def test_no_page_holds_a_script_or_a_style_of_its_own(page: httpx.AsyncClient, shop: Shop) -> None:
    shop.contested["s/till-1/stock"] = (1, 2)
    for path in ("/", "/items/milk-1l", "/quarantine", "/contested", "/items/nothing"):
        html = (await page.get(path)).text
        assert not re.search(r"<script(?![^>]* src=\"/static/)[^>]*>", html), path
        assert not re.search(r"<script[^>]*>[^<]", html), path
        names = {name for name, _ in Read(html).attributes}
        assert not {name for name in names if name.startswith(("on", "hx-on")) or name == "style"}, path
        assert "<style" not in html


async def test_long_stock_is_paged_by_links(page: httpx.AsyncClient, shop: Shop) -> None:
    for n in range(60):
        await shop.store.apply_catalogue([Item(f"x-{n:03d}", f"Thing {n}"), CodeLink(f"X{n:03d}", f"x-{n:03d}")])
    await shop.arrive("till-1", *(shop.sale(f"X{n:03d}") for n in range(60)))
    await shop.fold()
    first = stock_of((await page.get("/", params={"q": "Thing"})).text)
    assert "Thing 49" in first
    assert "Thing 50" not in first
    href = re.search(r'<a href="([^"]+)" rel="next">', first)
    assert href is not None
    second = stock_of((await page.get(href[1].replace("&amp;", "&"))).text)
    assert "Thing 50" in second
    assert 'rel="next"' not in second


async def test_the_fragment_of_stock_keeps_the_address_honest(page: httpx.AsyncClient) -> None:
    fragment = await page.get("/fragments/stock", params={"q": "br&ead"})
    assert fragment.headers["hx-replace-url"] == "/?q=br%26ead"
    assert fragment.text.lstrip().startswith('<div id="stock" hx-get="/fragments/stock?q=br%26ead"')
    assert "<html" not in fragment.text


async def test_an_item_s_page_tells_its_story(page: httpx.AsyncClient) -> None:
    text = Read((await page.get("/items/milk-1l")).text).text
    for words in ("Whole milk 1 l", "sold by the piece", "04006381333931", "62", "taken back by", "delivery-118", "±"):
        assert words in text, words
    assert "+40" in text  # the first count's variance


async def test_what_is_held_back_is_shown_with_its_bytes(page: httpx.AsyncClient, shop: Shop) -> None:
    await shop.arrive("till-1", b'["d",\x1b[2J<b>\x00\xff', losses=(Loss(shop.pen("till-1").epoch, 3, None),))
    await shop.fold()
    read = Read((await page.get("/quarantine")).text)
    assert "5b 22 64 22 2c 1b 5b 32 4a 3c 62 3e 00 ff" in read.text
    assert '["d",.[2J<b>..' in read.text
    assert "b" not in read.tags
    assert "wherever it ended" in read.text


async def test_a_person_chooses_between_two_copies(page: httpx.AsyncClient, shop: Shop) -> None:
    shop.contested["s/till-2/stock"] = (0xFEED, 7)
    assert "Two copies of s/till-2/stock are alive" in Read((await page.get("/")).text).text
    assert "000000000000feed" in (await page.get("/contested")).text
    form = {"log": "s/till-2/stock", "incarnation": "feed", "author": "Ada", "note": "the old card"}
    for wrong in ({"author": " "}, {"incarnation": "zz"}, {"incarnation": "8"}, {"log": "s/x/stock"}):
        assert (await page.post("/contested", data=form | wrong)).status_code in (409, 422)
    assert (await page.post("/contested", data=form)).status_code == 303
    assert shop.chosen == [("s/till-2/stock", 0xFEED)]


async def test_a_person_who_asks_for_nothing_gets_a_page_and_a_program_a_problem(page: httpx.AsyncClient) -> None:
    for path, status in (("/items/nothing", 404), ("/nowhere", 404), ("/?after=forged", 400)):
        answer = await page.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
        plain = await page.get(path, headers={"accept": "*/*"})
        assert (plain.status_code, plain.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_inert_wherever_it_can_get(shop: Shop, text: str) -> None:
    """A scanned code, an item's name, a document, a device, a place: all are only ever text."""
    name = text[:64]
    await shop.store.apply_catalogue([Item(name, text[:500]), CodeLink("04006381333931", name)])
    sale = Delta(shop.when(), "scanner-1", MILK, "]E0", -1000, Reason.SALE, "shop", text[:256], 3)
    unknown = Delta(shop.when(), "scanner-1", text, None, -1000, Reason.SALE, "shop", None, 3)
    # A stored line never holds a line feed: it could not have come in a frame.
    await shop.arrive("till-1", sale, unknown, text.replace("\n", " ").encode())
    await shop.fold()
    device = DeviceState(text, text, text, text)
    await shop.say("till-1", StationState("online", place=text, standing=text, version=text, devices=(device,)))
    async with called(shop.app()) as client:
        listed = {row["item"] for row in (await client.get("/api/v1/stock")).json()["rows"]}
        assert listed == {name}
        for path in ("/", f"/?q={httpx.QueryParams({'': text[:100]})!s}", "/quarantine", "/fragments/stock"):
            assert_inert((await client.get(path)).text)
        figures = await shop.store.stock()
        assert_inert((await client.get(item_path(figures.rows[0].item))).text)
        assert (await client.get("/metrics")).status_code == 200


def assert_inert(html: str) -> None:
    """Nothing but the templates' own elements, and no line longer than a person can read."""
    read = Read(html)
    assert set(read.tags) <= {
        "html", "head", "meta", "title", "link", "script", "body", "header", "nav", "main", "footer", "section", "div",
        "p", "a", "span", "time", "noscript", "h1", "h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "ol", "li",
        "form", "label", "input", "button", "bdi", "code", "details", "summary", "pre", "strong",
        "select", "option",
    }  # fmt: skip
    actions = {value for key, value in read.attributes if key == "action"}
    assert actions <= {"/", "/contested", "/quarantine", "/fields"}
    assert all(
        (value or "").startswith(("/", "#", "?")) or value == "" for key, value in read.attributes if key == "href"
    )
    assert not [key for key, _ in read.attributes if key.startswith("on")]
    assert "A" * 400 not in html


async def test_a_broker_out_of_reach_is_said_first(shop: Shop) -> None:
    shop.broker = False
    async with called(shop.app()) as client:
        assert "broker cannot be reached" in (await client.get("/")).text
