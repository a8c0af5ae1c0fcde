"""An invitation that is laid in a file, or given by hand; and a process that is killed while it follows one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.enrol.kept import read_record
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.commands import beside
from tests.integration.enrol.station import edge_command, health, new_station
from tests.integration.est_server import Est
from tests.unit.edge_enrol.rig import certified, hub, invited


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    async with hub(tmp_path / "hub") as served:
        yield served


async def test_killed_while_it_enrols_it_goes_on(est: Est, scanner: SimulatedScanner, tmp_path: Path) -> None:
    """What it said yes to once is followed, however often the person scans it again."""
    agent = new_station(tmp_path / "station", scanner)
    digits = await invited(est)
    for wait_s in (0.0, 0.02, 0.05):
        async with agent:
            if agent.ready["enrolled"]:
                break
            said = await scanner.scan(digits, timeout_s=60)
            assert said is True or wait_s
            await asyncio.sleep(wait_s)
            await agent.kill()
    async with agent:
        if not agent.ready["enrolled"]:
            await agent.next_ready()
        assert agent.ready["station"] == certified(est)[0].identity
    assert len(certified(est)) == 1


async def test_an_invitation_in_a_file_is_read_once_and_gone(
    est: Est, scanner: SimulatedScanner, tmp_path: Path
) -> None:
    laid = tmp_path / "invitation.txt"
    laid.write_text(await invited(est))
    agent = new_station(tmp_path / "station", scanner, f'[enrol]\nfile = "{laid}"\n')
    async with agent:
        if not agent.ready["enrolled"]:
            await agent.next_ready()
        assert agent.ready["station"] == certified(est)[0].identity
        assert not laid.exists()
        assert (await health(agent))["enrolment"]["state"] == "enrolled"
    # One that is enrolled takes no other, and leaves none lying about.
    laid.write_text(await invited(est, "till-4"))
    async with agent:
        assert agent.ready["station"] == certified(est)[0].identity
        assert not laid.exists()


async def test_by_hand_from_a_file_and_forgotten_by_hand(est: Est, scanner: SimulatedScanner, tmp_path: Path) -> None:
    agent = new_station(tmp_path / "station", scanner)
    file = tmp_path / "given.toml"
    digits = await invited(est)
    given = ("provision", "enrol", "--invitation-file", str(file), "--data-dir", str(agent.data_dir))
    file.write_text(f'invitation = "{digits[:-1]}"\n')
    assert (await beside(*given)).returncode == 2
    file.write_text(f'invitation = "{digits}"\n')
    done = await beside(*given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("till-3, sale at shop of oak-street, as st-")
    assert not file.exists()
    assert digits not in done.stdout + done.stderr
    async with agent:
        assert agent.ready["enrolled"] is True
        # While the agent works, nobody takes its identity from under it.
        asked = await beside("edge", "forget", "--yes", "--config", str(agent.config))
        assert asked.returncode == 1
        assert await scanner.scan("4006381333931") is True
        await agent.stop()
    assert "is erased; the logs are kept" in await edge_command(agent, "forget", "--yes")
    assert "not enrolled" in await edge_command(agent, "check")
    assert not list(agent.data_dir.glob("identity/*/key.pem"))
    assert read_record(agent.data_dir).held is None
    assert len(await agent.stock()) >= 1
