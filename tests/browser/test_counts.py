"""The pages of counts in a real browser: planned by a form, followed, ruled on; fit for a phone and readable."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.dated_words import HomeGiven, PlaceGiven, PlaceKind
from protocol.events import Count, ShelfCounted
from tests.browser.chromium import Browser, Tab, chromium
from tests.browser.test_page import FAINT
from tests.unit.hub_web.shop import BREAD, MILK, Shop, eventually, served

pytestmark = pytest.mark.needs_chromium


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """Milk stands on two shelves from now on, bread on one."""
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        await shop.stocked()
        for name in ("shelf-1", "shelf-2"):
            shelf = PlaceGiven(shop.now_us, name, "", "store", PlaceKind.SHELF, shop.now_us - 1, "Ada", "here it is")
            await shop.store.decide(shelf)
        for item, name in (("milk-1l", "shelf-1"), ("milk-1l", "shelf-2"), ("bread", "shelf-1")):
            home = HomeGiven(shop.now_us, item, name, shop.now_us - 1, None, "Ada", "there it sells")
            await shop.store.decide(home)
        await shop.fold()
        yield shop


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as browser:
        yield browser


async def decide(shop: Shop, tab: Tab, form: str, **fields: str) -> None:
    """Type into a form's fields, send it, and have what it decides booked."""
    head = shop.store.journal.view.head
    for name, text in fields.items():
        await tab.ask(f"document.querySelector('form[action=\"{form}\"] [name={name}]').value = {text!r}")
    await tab.ask(f"document.querySelector('form[action=\"{form}\"]').requestSubmit()")
    await eventually(lambda: shop.store.journal.view.head != head)
    await shop.fold()


async def test_a_count_is_planned_followed_and_ruled_on(shop: Shop, browser: Browser) -> None:
    tab = await browser.tab()
    await tab.look(1280, 900)
    async with served(shop.app(), shop.stopping) as address:
        await tab.open(f"{address}/")
        await tab.ask("document.querySelector('main a[href=\"/counts\"]').click()")
        await tab.until("location.pathname === '/counts' && document.querySelector('form.choice')")
        await tab.ask("document.querySelector('[name=two_passes]').checked = true")
        plan = {"session": "autumn-26", "items": "milk-1l\nbread", "author": "Ada", "note": "the year ends"}
        await decide(shop, tab, "/counts", **plan)
        when = shop.when(0)
        await shop.arrive(
            "hand",
            shop.anchor(5),
            Count(when, when.up_us - 1, "hand", MILK, 40_000, "shelf-1", "autumn-26", 3, "]E0", 1, "anna"),
            Count(when, when.up_us - 1, "hand", BREAD, 9_000, "shelf-1", "autumn-26", 3, "]E0", 1, "anna"),
            ShelfCounted(when, when.up_us - 2, "hand", "shelf-1", "autumn-26", 1, "anna", 2, 2),
        )
        await shop.fold()
        await tab.open(f"{address}/counts/autumn-26")
        text = "document.querySelector('main').innerText"
        assert "by two people" in await tab.ask(text)
        assert await tab.ask("document.querySelector('table.waiting').innerText.includes('shelf-2')")
        assert "have another person count" in await tab.ask("document.querySelector('table.found').innerText")
        ruling = {"verdict": "accept", "item": "bread", "author": "Ben", "note": "I looked at it"}
        await decide(shop, tab, "/counts/autumn-26/rulings", **ruling)
        await tab.open(f"{address}/counts/autumn-26")
        assert "accepted" in await tab.ask("document.querySelector('table.found').innerText")
        for width, dark in ((390, False), (390, True), (1280, True)):
            await tab.look(width, 844, dark=dark)
            for path in ("/counts", "/counts/autumn-26", "/counts/autumn-26/expected"):
                await tab.open(address + path)
                await tab.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
                too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                assert await tab.ask(too_wide) <= 0, path
                assert await tab.ask(FAINT) == [], path
        await tab.open(f"{address}/counts/autumn-26")
        await tab.ask("document.querySelector('a[href^=\"/cards?\"]').click()")
        await tab.until("document.querySelectorAll('svg').length === 3")
    assert browser.said == []
