"""A technician's page in a real browser: an invitation is shown once, and its device appears while he looks."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.identity_words import Certified
from protocol.invitation import read_invitation
from provisioning.authority_folder import make_authority
from tests.browser.chromium import chromium
from tests.unit.hub_web.enrolling import enrolling
from tests.unit.hub_web.shop import NOON_US, Shop, eventually, served

pytestmark = pytest.mark.needs_chromium

DAY_US = 86_400_000_000
INVITE = """(() => {
    const form = document.querySelector("form[action='/stations']");
    Object.entries({position: "till-3", place: "shop", author: "Ada", note: "new till"}).forEach(
        ([name, value]) => { form.elements[name].value = value });
    form.requestSubmit();
})()"""
ROWS = "[...document.querySelectorAll('.rows code')].map((row) => row.textContent).join('')"
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(tmp_path / "hub.db")
    make_authority(tmp_path, shop.outside.store, NOON_US, secrets.token_bytes)
    async with shop.store, enrolling(tmp_path, shop.store, lambda: shop.now_us) as enrolment:
        await eventually(lambda: not enrolment.status.failure)
        shop.enrolling = enrolment
        yield shop


@pytest.mark.parametrize("width", [1280, 390])
async def test_a_device_appears_as_it_enrols(shop: Shop, tmp_path: Path, width: int) -> None:
    async with served(shop.app(), shop.stopping) as address, chromium(tmp_path / "profile") as browser:
        tab = await browser.tab()
        await tab.look(width, 844)
        await tab.open(f"{address}/stations")
        await tab.ask(INVITE)
        await tab.until("document.querySelector('.rows') !== null")
        invitation = read_invitation(await tab.ask(ROWS))
        assert invitation.hub == "127.0.0.1"
        assert await tab.ask("document.querySelector('.qr svg').getBoundingClientRect().width") >= 200
        assert await tab.ask(TOO_WIDE) <= 0
        (standing,) = await shop.store.identities.standings()
        mark = f"document.querySelector('#identity-{standing.identity} .mark').textContent"
        await tab.until(f"{mark}.includes('waiting')")
        await tab.until("document.documentElement.dataset.live === 'on'")
        word = Certified(NOON_US, standing.identity, "a1", "1" * 64, NOON_US - DAY_US, NOON_US + 60 * DAY_US, "Ada", "")
        await shop.store.identities.say(word)
        await tab.until(f"{mark}.includes('enrolled')")
        # The digits stay where they are while the list below them changes.
        assert read_invitation(await tab.ask(ROWS)) == invitation
        assert browser.said == []
