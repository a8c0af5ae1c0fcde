"""The browser on a station's screen: started by a screen only, shut in with one page, never in the agent's way."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edge.settings import ApiSettings

pytestmark = pytest.mark.needs_image

STATION = Path("image/root/station")
UNITS = STATION / "usr/lib/systemd/system"
HAS_SCREEN = STATION / "usr/lib/shelfwire/has-screen"
RULES = STATION / "usr/lib/udev/rules.d/71-shelfwire-kiosk.rules"
KIOSK = (UNITS / "shelfwire-kiosk.service").read_text("utf-8")
AGENT = (UNITS / "shelfwire-agent.service").read_text("utf-8")


def said(unit: str, key: str) -> list[str]:
    """Give all that a unit says under a key, in order."""
    return [word for line in re.findall(rf"^{key}=(.*)$", unit, re.MULTILINE) for word in line.split()]


def has_screen(screens: Path, *card: str) -> bool:
    """Ask whether a screen is plugged in, where the kernel tells of `screens`."""
    asked = ["sh", str(HAS_SCREEN), *card]
    done = subprocess.run(asked, env={"SCREENS": str(screens)}, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("", "")
    return done.returncode == 0


def plug(screens: Path, name: str, status: str) -> None:
    """Lay down what the kernel tells of one socket for a screen."""
    (screens / name).mkdir(parents=True, exist_ok=True)
    (screens / name / "status").write_text(f"{status}\n")


def test_a_screen_is_there_when_one_socket_of_any_card_says_so(tmp_path: Path) -> None:
    assert not has_screen(tmp_path), "no graphics card at all"
    (tmp_path / "card0").mkdir()
    plug(tmp_path, "card1-HDMI-A-1", "disconnected")
    plug(tmp_path, "card1-Writeback-1", "unknown")
    assert not has_screen(tmp_path)
    plug(tmp_path, "card1-HDMI-A-2", "connected")
    assert has_screen(tmp_path)
    assert has_screen(tmp_path, "card1")
    assert not has_screen(tmp_path, "card0")
    assert not has_screen(tmp_path, "card"), "another card than that named"


def test_it_is_started_by_a_screen_at_the_start_and_later() -> None:
    assert said(KIOSK, "ExecCondition") == ["/usr/lib/shelfwire/has-screen"]
    assert said(KIOSK, "WantedBy") == ["multi-user.target"]
    rules = RULES.read_text("utf-8")
    assert 'PROGRAM="/usr/lib/shelfwire/has-screen %k"' in rules
    assert 'ENV{SYSTEMD_WANTS}+="shelfwire-kiosk.service"' in rules


def test_what_it_shows_is_the_agents_page_and_nothing_beyond_this_machine_can_be_reached() -> None:
    assert said(KIOSK, "ExecStart")[-1] == f"http://{ApiSettings().host}:{ApiSettings().port}/enrol"
    assert said(KIOSK, "IPAddressDeny") == ["any"]
    assert said(KIOSK, "IPAddressAllow") == ["localhost"]


def test_the_agent_comes_first_and_nothing_waits_for_a_browser() -> None:
    assert said(KIOSK, "After") == ["shelfwire-agent.service"]
    assert not said(KIOSK, "Before")
    for unit in Path("image/root").rglob("*.service"):
        assert "kiosk" not in unit.read_text("utf-8") or unit.name == "shelfwire-kiosk.service", unit
    assert int(said(KIOSK, "OOMScoreAdjust")[0]) > 0 > int(said(AGENT, "OOMScoreAdjust")[0])
    assert said(KIOSK, "OOMPolicy") == ["kill"]
    assert said(KIOSK, "MemoryMax")
    assert said(KIOSK, "Restart") == ["always"]


def test_it_keeps_nothing_and_sees_nothing_of_the_stations_data() -> None:
    assert said(KIOSK, "DynamicUser") == ["yes"]
    assert "-/data" in said(KIOSK, "InaccessiblePaths")
    assert not said(KIOSK, "ReadWritePaths")
    assert not said(KIOSK, "StateDirectory")
