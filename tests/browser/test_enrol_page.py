"""The station's page for enrolling, in a real browser: typed on a number pad, checked row by row, followed live."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from protocol.invitation import rows
from shelfwire.simulators.scanner import SimulatedScanner
from tests.browser.chromium import Browser, chromium
from tests.browser.test_page import FAINT
from tests.integration.agent_process import AgentProcess
from tests.integration.enrol.station import new_station
from tests.unit.edge_enrol.rig import hub, invited

pytestmark = pytest.mark.needs_chromium

GO = "document.getElementById('go')"


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[AgentProcess]:
    async with (
        SimulatedScanner(tmp_path / "scanner", ack=True) as scanner,
        new_station(tmp_path / "station", scanner) as one,
    ):
        yield one


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[Browser]:
    async with chromium(tmp_path / "profile") as browser:
        yield browser


async def test_an_invitation_is_typed_checked_and_followed(
    agent: AgentProcess, browser: Browser, tmp_path: Path
) -> None:
    tab = await browser.tab()
    await tab.look(1024, 600)

    async def type_digits(digits: str) -> None:
        for digit in digits:
            await tab.command("Input.insertText", text=digit)

    async def said(row: int) -> str:
        return str(await tab.ask(f"document.getElementById('row{row}').nextElementSibling.textContent"))

    async with hub(tmp_path / "hub") as est:
        four = rows(await invited(est))
        await tab.open(f"{agent.ready['api']}/enrol")
        await tab.until("document.getElementById('title').textContent === 'This station is not enrolled'")
        await tab.photograph(tmp_path / "none.png")
        await tab.until("document.activeElement.id === 'row1'")
        # A digit is wrong: the row says so at once, and the others wait.
        await type_digits(four[0][:-1] + str((int(four[0][-1]) + 1) % 10))
        assert await said(1) == "mistyped"
        assert await tab.ask(f"{GO}.disabled") is True
        # The pad on the screen, for who has no keys: away with the last digit, and the right one.
        await tab.ask("document.querySelector('[aria-label=delete]').click()")
        assert await said(1) == "1 more"
        await tab.ask(
            f"[...document.querySelectorAll('#pad button')].find(b => b.textContent === '{four[0][-1]}').click()"
        )
        assert await said(1) == "right"
        # A whole row takes the cursor on to the next.
        for number, row in enumerate(four[1:], 2):
            await tab.until(f"document.activeElement.id === 'row{number}'")
            await type_digits(row)
            assert await said(number) == "right"
        assert await tab.ask(f"{GO}.disabled") is False
        await tab.photograph(tmp_path / "typed.png")
        assert await tab.ask(FAINT) == []
        await tab.ask(f"{GO}.click()")
        # Enrolled, the page goes on to the hand-over check by itself.
        await tab.until("location.pathname === '/enrol/check' && document.readyState === 'complete'", 60.0)
        await tab.until("document.getElementById('ask').textContent === 'Scan the CHECK card'", 60.0)
        await tab.photograph(tmp_path / "check.png")
        assert await tab.ask(FAINT) == []
        # Left there, the first page tells who it is, and leads back.
        await tab.ask("document.querySelector('[data-do=leave]').click()")
        await tab.until("document.getElementById('ask').textContent === 'The check was left'", 60.0)
        await tab.open(f"{agent.ready['api']}/enrol")
        await tab.until("document.getElementById('title').textContent === 'Enrolled'")
        words = await tab.ask("document.getElementById('words').textContent")
        assert words.startswith("till-3 of oak-street, as st-")
        assert await tab.ask("document.getElementById('form').hidden") is True
        assert await tab.ask("document.querySelectorAll('#steps li.done').length") == 4
        assert await tab.ask("[...document.querySelectorAll('input')].every(i => i.value === '')") is True
        await tab.until("!document.getElementById('check').hidden")
        await tab.photograph(tmp_path / "enrolled.png")
        assert await tab.ask(FAINT) == []
    # While the station begins anew, it does not answer for a moment.
    assert [line for line in browser.said if "net::ERR_" not in line] == []


async def test_a_key_that_is_held_types_one_digit(agent: AgentProcess, browser: Browser) -> None:
    tab = await browser.tab()
    await tab.open(f"{agent.ready['api']}/enrol")
    await tab.until("document.activeElement.id === 'row1'")
    four = {"key": "4", "code": "Digit4", "windowsVirtualKeyCode": 52}
    for _ in range(2):
        await tab.command("Input.dispatchKeyEvent", type="keyDown", text="4", **four)
        for _ in range(3):
            await tab.command("Input.dispatchKeyEvent", type="keyDown", text="4", autoRepeat=True, **four)
        await tab.command("Input.dispatchKeyEvent", type="keyUp", **four)
    assert await tab.ask("document.getElementById('row1').value") == "44"


async def test_it_fits_a_small_screen_in_the_dark(agent: AgentProcess, browser: Browser, tmp_path: Path) -> None:
    tab = await browser.tab()
    await tab.look(480, 800, dark=True)
    await tab.open(f"{agent.ready['api']}/enrol")
    await tab.until("!document.getElementById('form').hidden")
    assert await tab.ask("document.documentElement.scrollWidth <= innerWidth") is True
    await tab.ask("document.getElementById('row1').value = '12345678901234567890'")
    assert await tab.ask("(i => i.scrollWidth <= i.clientWidth)(document.getElementById('row1'))") is True
    assert await tab.ask(FAINT) == []
    await tab.photograph(tmp_path / "small.png")
