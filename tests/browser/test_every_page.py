"""Every page the hub has, with goods in it, in a real browser: it fits a phone, can be read, and says no error.

The pages are those of the application itself, so that a new one is looked at without anybody adding it here.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.release_files import bundle_path
from hub.web.app import make_application
from hub.web.lookup import Lookups
from protocol.dated_words import HomeGiven, LeadsGiven, PlaceGiven, PlaceKind, PositionGiven
from protocol.documents import FieldLine, FieldsSet
from protocol.events import BasketLine, BasketOpened, Count, Delta, Presence, Reason, ShelfCounted
from protocol.hq_decisions import FieldWritten, OwnField
from protocol.identity import StationId
from protocol.state import MachineState, SettingDrift, SettingsState, StationState, encode_state
from tests.browser.chromium import Browser, chromium
from tests.browser.test_page import FAINT
from tests.unit.hub_store.identities import NEW, OLD, certified, handed_over, invited
from tests.unit.hub_web.shop import MILK, NOON_US, Shop, addresses, called, served
from tests.unit.hub_web.test_head_office import HeadOffice
from tests.unit.hub_web.test_periods import UNTIL
from tests.unit.hub_web.test_tags import GTIN, change, epc

pytestmark = pytest.mark.needs_chromium

WHO = {"author": "Ada", "note": "as on the delivery note"}
OTHERS = ("/api/", "/static/", "/metrics", "/healthz", "/openapi", "/problems/", "/fragments/", "/events", "/live")
"""What is no page: for programs, or a stream."""
NAMES = {
    "item": "milk-1l",
    "session": "autumn-26",
    "place": "shelf-1",
    "until_us": str(UNTIL),
    "epc": epc(2),
    "document": "TR-1",
    "identity": OLD,
    "position": "till-front",
}
ASKED = {"/prices": "?item=milk-1l&position=till-front"}
"""What a page cannot do without."""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop in which something of everything has happened."""
    shop = Shop(tmp_path / "hub.db")
    async with shop.store:
        shop.releases = tmp_path
        await shop.stocked()
        store = shop.store
        since_us = NOON_US - 3_600_000_000
        for name, kind in (("shelf-1", PlaceKind.SHELF), ("shelf-2", PlaceKind.SHELF), ("exit", PlaceKind.SPOT)):
            await store.decide(PlaceGiven(NOON_US, name, "", "store", kind, since_us, "Ada", "here it is"))
        await store.decide(HomeGiven(NOON_US, "milk-1l", "shelf-1", since_us, None, "Ada", "there it sells"))
        await store.decide(LeadsGiven(NOON_US, "store", Reason.SALE, 60_000_000, 0, since_us, "Ada", "small shop"))
        checked = handed_over(at_us=NOON_US - 7)
        for each in (
            invited(at_us=NOON_US - 9), certified(at_us=NOON_US - 8), checked, invited(NEW, "till-4", at_us=NOON_US),
        ):  # fmt: skip
            await store.identities.say(each)
        await store.decide(PositionGiven(NOON_US, "till-front", "till-1", "store", since_us, "Ada", "mounted"))
        when = shop.when(40)
        await shop.arrive(
            "door",
            shop.anchor(7200),
            *(change(shop, epc(serial), "exit", ago_s=7000 - serial) for serial in (1, 2, 3)),
            change(shop, epc(3), "exit", Presence.DEPARTED, ago_s=5000),
            Delta(shop.when(4900), "scanner", f"(01){GTIN}(21)2", None, -1000, Reason.SALE, "exit"),
            change(shop, epc(2), "exit", ago_s=45),
            Count(when, when.up_us - 1, "hand", MILK, 30_000, "shelf-1", "autumn-26", 3, "]E0", 1, "anna"),
            BasketOpened(shop.when(3600), "basket-1", "shop", "order-1"),
            BasketLine(shop.sale(MILK, 2, 3500), "basket-1"),
            ShelfCounted(when, when.up_us - 2, "hand", "shelf-1", "autumn-26", 1, "anna", 1, 1),
        )
        await shop.fold()
        async with called(shop.app()) as client:
            ends = {"to_store": "high-street", "to_area": "store", "from_store": "oak-street", "from_area": "store"}
            for path, body in (
                ("/counts", {"session": "autumn-26", "items": ["milk-1l"]}),
                ("/periods", {"until_us": UNTIL, "excluded": ["door", "door/basket-1"]}),
                ("/reservations", {"document": "order-1", "item": "milk-1l", "qty_milli": 90_000}),
                ("/safety-stock", {"item": "milk-1l", "qty_milli": 4000}),
                ("/sources", {"place": "exit", "reason": "sale", "source": "till", "from_us": since_us}),
                ("/transfers", {"document": "TR-1", "lines": [{"item": "milk-1l", "qty_milli": 6000}], **ends}),
            ):
                made = await client.post(f"/api/v1{path}", json={**body, **WHO})
                assert made.status_code == 201, made.text
                await shop.fold()
            bundle_path(tmp_path, "a" * 64).write_bytes(b"abc")
            release = {"release": "a" * 64, "version": "1.5.0", "compatible": "shelfwire-station-rpi-arm64", "size": 3}
            for more in (
                {"percent": 10, "stations": ["till-front", "till-3"]},
                {"release": "b" * 64, "offered": False},
            ):
                assert (await client.post("/api/v1/releases", json={**release, **more, **WHO})).status_code == 201
            given = {"mode": "sale", "devices": {"scanner": {"driver": "serial-scanner", "port": "/dev/x" * 40}}}
            for settings in ({}, given):
                asked = {"settings": settings, **WHO}
                assert (await client.post("/api/v1/station-settings/till-front", json=asked)).status_code == 201
        drift = SettingDrift("devices.scanner.port", '"/dev/y"', '"' + "/dev/x" * 15)
        said = SettingsState("till-front", held="2/x", failed="1/x", reason="scanner: absent", drifts=2, drift=(drift,))
        board = MachineState(
            slot="a",
            update=f"1.5.0 in slot b could not be tried: {'the firmware did not take it ' * 7}",
            update_failed="1.4.9 unhealthy: devices that worked before do not: scanner (absent)",
        )
        told = StationState("online", at_us=NOON_US, version="0.1.0+g0123456789", settings=said, machine=board)
        state = encode_state(told)
        await store.record_station_state(StationId("spare-9"), state, NOON_US)
        office = HeadOffice(shop)
        await office.states(1000)
        await office.says(FieldsSet(NOON_US, "PL-1", (FieldLine("milk-1l", "store", OwnField.MIN, 24_000),), "hq"))
        await store.decide(FieldWritten(NOON_US, "milk-1l", "store", OwnField.MIN, 6000, "", "", "Ada", "too many"))
        yield shop


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as browser:
        yield browser


def pages(shop: Shop) -> list[str]:
    """Name one address of each page."""
    application = make_application(shop.store, shop.outside, Lookups(shop.store, shop.outside))
    found = [path for method, path in addresses(application) if method == "GET" and not path.startswith(OTHERS)]
    named = [re.sub(r"{(\w+)(?::path)?}", lambda match: NAMES[match[1]], path) for path in found]
    return [path + ASKED.get(path, "") for path in named]


async def test_every_page_fits_can_be_read_and_says_no_error(shop: Shop, browser: Browser, tmp_path: Path) -> None:
    tab = await browser.tab()
    async with served(shop.app(), shop.stopping) as address:
        for width, dark in ((1280, False), (390, True)):
            await tab.look(width, 844, dark=dark)
            for path in pages(shop):
                await tab.open(address + path)
                await tab.ask("document.querySelectorAll('details').forEach((each) => { each.open = true })")
                told = await tab.ask("document.querySelector('main')?.innerText ?? ''")
                assert len(told) > 40, (path, told)
                assert await tab.ask(TOO_WIDE) <= 0, (path, width)
                assert await tab.ask(FAINT) == [], (path, dark)
                assert await tab.ask("document.querySelectorAll('h1, h2').length") >= 1, path
    assert browser.said == []
