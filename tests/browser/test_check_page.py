"""The station's page for the hand-over check, in a real browser: legible on a small screen, live, driven by touch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.acceptance import read_record
from protocol.cards import CheckCard, card_text
from protocol.identity_words import HandedOver
from shelfwire.simulators.scale import SimulatedScale8217
from shelfwire.simulators.scanner import SimulatedScanner
from tests.browser.chromium import Browser, Tab, chromium
from tests.browser.test_page import FAINT
from tests.integration.agent_process import AgentProcess
from tests.unit.edge_enrol.rig import hub, invited

pytestmark = pytest.mark.needs_chromium

CHECK = card_text(CheckCard())
WITHIN_S = 60.0
LOOKS = ((480, 320, False), (800, 480, True))


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as browser:
        yield browser


async def asks(tab: Tab, text: str) -> None:
    await tab.until(f"document.getElementById('ask').textContent === {text!r}", WITHIN_S)


async def pressed(tab: Tab, selector: str) -> None:
    await tab.until(f"document.querySelector({selector!r})?.checkVisibility()", WITHIN_S)
    await tab.ask(f"document.querySelector({selector!r}).click()")


async def looked_at(tab: Tab, folder: Path, name: str) -> None:
    """It fits either screen whole, without scrolling, and can be read in light and in dark."""
    for width, height, dark in LOOKS:
        await tab.look(width, height, dark=dark)
        await tab.photograph(folder / f"check-{name}-{width}.png")
        size = (
            "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"
        )
        over = await tab.ask(size)
        assert over[0] <= 0, (name, width, over)
        assert over[1] <= 0, (name, width, over)
        assert await tab.ask(FAINT) == [], (name, width)


async def test_a_technician_is_walked_through_the_devices(browser: Browser, tmp_path: Path) -> None:
    tab = await browser.tab()
    folder = tmp_path / "station"
    folder.mkdir()
    async with (
        SimulatedScanner(tmp_path / "scanner", ack=True) as scanner,
        SimulatedScale8217(tmp_path / "scale") as scale,
        hub(tmp_path / "hub") as est,
    ):
        devices: dict[str, dict[str, object]] = {
            "scanner": {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell"},
            "scale": {"driver": "scale-8217", "port": str(scale.path)},
            "door": {"driver": "rfid-r200", "port": str(tmp_path / "not-there")},
        }
        async with AgentProcess(folder, devices, named=False) as agent:
            assert await scanner.scan(await invited(est)) is True
            await agent.next_ready()
            await tab.open(f"{agent.ready['api']}/enrol/check")
            await asks(tab, "Scan the CHECK card")
            await looked_at(tab, tmp_path, "scan")
            assert await scanner.scan("4006381333931") is True
            await tab.until("document.getElementById('trouble').textContent === 'that was another code'", WITHIN_S)
            assert await scanner.scan(CHECK) is True
            await asks(tab, "Put something on the scale")
            scale.trouble("over")
            await tab.until("document.getElementById('trouble').textContent === 'too much on it'", WITHIN_S)
            await looked_at(tab, tmp_path, "weigh")
            await tab.ask("document.getElementById('person').value = 'Ann <i>B</i>'")
            await pressed(tab, "#who button")
            await pressed(tab, "#skip")
            await looked_at(tab, tmp_path, "skip")
            await pressed(tab, "[data-skip='to be repaired']")
            # The reader is not there: that fails at once, and what was not passed may be done again.
            await asks(tab, "Not all was passed")
            await looked_at(tab, tmp_path, "review")
            scale.put(0)
            await pressed(tab, "#steps li.skipped button")
            await asks(tab, "Put something on the scale")
            scale.put(1205)
            await asks(tab, "Not all was passed")
            await pressed(tab, "[data-do=finish]")
            await asks(tab, "Accepted, with gaps")
            await tab.until(
                "document.getElementById('more').textContent === 'The hub has the signed record.'", WITHIN_S
            )
            await looked_at(tab, tmp_path, "done")
            await tab.open("about:blank")
        (word,) = (each for each in est.shop.book.words if isinstance(each, HandedOver))
    record = read_record(word.record.encode())
    assert record.person == "Ann <i>B</i>"
    assert [(step.device, step.result.value, step.grams) for step in record.steps] == [
        ("scanner", "passed", None),
        ("scale", "passed", 1205),
        ("door", "failed", None),
    ]
    assert [line for line in browser.said if "net::ERR_" not in line] == []
