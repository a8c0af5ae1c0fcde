"""The pages in a real browser: kept up to date, honest when they are not, fit for a phone, safe with bad codes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hub import tokens
from protocol.catalogue import CodeLink, Item
from tests.browser.chromium import Browser, Tab, chromium
from tests.unit.hub_web.shop import MILK, Shop, served

pytestmark = pytest.mark.needs_chromium

LIVE = "document.documentElement.dataset.live === 'on'"
ON_HAND = (
    "document.querySelector('#stock a[href=\"/items/milk-1l\"]').closest('tr').querySelector('.strong').textContent"
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        await shop.stocked()
        yield shop


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as browser:
        yield browser


@pytest.fixture
async def tab(browser: Browser) -> Tab:
    tab = await browser.tab()
    await tab.look(1280, 900)
    return tab


async def test_a_scan_reaches_the_page_by_itself(shop: Shop, browser: Browser, tab: Tab) -> None:
    async with served(shop.app(), shop.stopping) as address:
        await tab.open(address)
        await tab.until(LIVE)
        await tab.until(f"{ON_HAND} === '62'")
        await tab.ask("document.querySelector('h1, h2').dataset.same = 'document'")

        await shop.arrive("till-1", shop.sale(MILK, 5))
        await shop.fold()
        await tab.until("document.querySelector('#events li').innerText.includes('−5')")  # noqa: RUF001
        await tab.until(f"{ON_HAND} === '57'")
        committed = "document.querySelector('#station-till-1 [data-label=Committed]').textContent"
        await tab.until(f"{committed} === '11'")
        assert await tab.ask("document.querySelector('h1, h2').dataset.same") == "document"
    assert browser.said == []


async def test_a_search_survives_the_updates_and_is_in_the_address(shop: Shop, tab: Tab) -> None:
    async with served(shop.app(), shop.stopping) as address:
        await tab.open(address)
        await tab.until(LIVE)
        await tab.ask("document.getElementById('q').focus()")
        await tab.command("Input.insertText", text="milk")
        await tab.until("document.querySelectorAll('#stock tbody tr').length === 1")
        await tab.until("location.search === '?q=milk'")
        await shop.arrive("till-1", shop.sale(MILK, 5))
        await shop.fold()
        await tab.until(f"{ON_HAND} === '57'")
        assert await tab.ask("document.querySelectorAll('#stock tbody tr').length") == 1
        assert await tab.ask("document.activeElement.id + document.activeElement.value") == "qmilk"


async def test_a_page_that_is_not_kept_up_to_date_says_so_and_recovers(shop: Shop, tab: Tab) -> None:
    app = shop.app()
    async with served(app, shop.stopping) as address:
        await tab.open(address)
        await tab.until(LIVE)
    await tab.until("document.documentElement.dataset.live === 'off'")
    assert "not live" in await tab.ask("document.getElementById('live').textContent")
    shop.stopping.clear()
    async with served(app, shop.stopping, port=int(address.rpartition(":")[2])):
        await tab.until(LIVE, within_s=90)


async def test_a_script_that_comes_late_does_not_leave_the_page_dead(shop: Shop, tab: Tab) -> None:
    app = shop.app()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/static/vendor/hx-sse.min.js":
            await asyncio.sleep(0.3)  # The network's doing: htmx itself has long arrived.
        await app(scope, receive, send)

    late: ASGIApp = slow
    async with served(late, shop.stopping) as address:
        await tab.open(address)
        await tab.until(LIVE)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
async def test_every_page_fits_its_screen(shop: Shop, tab: Tab, tmp_path: Path, width: int, dark: bool) -> None:
    await shop.arrive("till-1", shop.sale("B" * 4096), shop.sale("x" * 100 + " y"), b"\xff" * 300)
    await shop.fold()
    shop.contested["s/till-2/stock"] = (2**64 - 1, 7)
    await tab.look(width, 844, dark=dark)
    async with served(shop.app(), shop.stopping) as address:
        for path in ("/", "/items/milk-1l", "/quarantine", "/contested", "/login"):
            await tab.open(address + path)
            await tab.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
            if path == "/":
                await tab.until(LIVE)
            too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await tab.ask(too_wide) <= 0, path
            ground = await tab.ask("getComputedStyle(document.body).backgroundColor")
            assert (ground == "rgb(18, 21, 23)") == dark
        shot = tmp_path / "page.png"
        await tab.photograph(shot)
        assert shot.stat().st_size > 10_000


async def test_words_are_dark_enough_to_read_in_both_schemes(shop: Shop, tab: Tab) -> None:
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1, for every text on the page."""
    shop.broker = False
    shop.now_us += 10 * 60_000_000
    async with served(shop.app(), shop.stopping) as address:
        for dark in (False, True):
            await tab.look(1280, 900, dark=dark)
            await tab.open(address)
            await tab.until(LIVE)
            assert await tab.ask(FAINT) == []


async def test_hostile_codes_run_nothing(shop: Shop, browser: Browser, tab: Tab) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    await shop.store.apply_catalogue([Item("evil", evil), CodeLink("EVIL", "evil")])
    await shop.arrive("till-1", shop.sale("EVIL"), shop.sale(evil))
    await shop.fold()
    async with served(shop.app(), shop.stopping) as address:
        for path in ("/", "/items/evil", "/quarantine"):
            await tab.open(address + path)
            if path == "/":
                await tab.until(LIVE)
                await shop.arrive("till-1", shop.sale(evil, 9))
                await shop.fold()
                await tab.until("document.querySelector('#events li').innerText.includes('−9')")  # noqa: RUF001
            assert await tab.ask("document.title") != "owned"
            assert await tab.ask("document.querySelectorAll('main img, main script').length") == 0
            assert "onerror" in await tab.ask("document.body.innerText")
    assert browser.said == []


async def test_an_injected_script_would_be_stopped_by_the_policy(shop: Shop, tab: Tab) -> None:
    async with served(shop.app(), shop.stopping) as address:
        await tab.open(address)
        inject = (
            "{const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s)}"
        )
        await tab.ask(inject)
        assert await tab.ask("window.owned === undefined")


async def test_without_scripts_the_page_is_whole_and_a_reload_brings_news(shop: Shop, tab: Tab) -> None:
    await tab.look(1280, 900, scripts=False)
    async with served(shop.app(), shop.stopping) as address:
        await tab.open(address + "/?q=milk")
        assert "Reload" in await tab.ask("document.querySelector('.as-of').innerText")
        assert await tab.ask(ON_HAND) == "62"
        await shop.arrive("till-1", shop.sale(MILK, 5))
        await shop.fold()
        await tab.open(address + "/?q=milk")
        assert await tab.ask(ON_HAND) == "57"


async def test_a_browser_brings_its_token_once(shop: Shop, tab: Tab) -> None:
    token, presented = tokens.make_token("Ada", [tokens.Scope.STOCK_READ], None, shop.now_us, secrets.token_urlsafe)
    shop.tokens = tokens.Tokens([token])
    async with served(shop.app(), shop.stopping) as address:
        await tab.open(f"{address}/items/milk-1l")
        assert await tab.ask("document.activeElement.name") == "token"
        await tab.command("Input.insertText", text=presented)
        await tab.ask("document.querySelector('form').requestSubmit()")
        await tab.until("location.pathname === '/items/milk-1l' && document.querySelector('.figure')")
        await tab.open(address)
        await tab.until(LIVE)
        assert await tab.ask("document.cookie") == ""


FAINT = """
(() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (rgb) => {
        const [r, g, b] = rgb.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = numbers(getComputedStyle(each).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || element.matches("script, noscript, option") || !element.getClientRects().length) continue;
        const [a, b] = [light(numbers(getComputedStyle(element).color)), light(ground(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const text = element.textContent.trim().slice(0, 30);
        if (ratio < 4.5) faint.push(`${element.tagName}.${element.className} ${text} ${ratio.toFixed(2)}`);
    }
    return faint;
})()
"""
