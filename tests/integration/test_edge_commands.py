"""The station's commands that start no agent: settings are checked whole, and what is wrong is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from shelfwire.cli import main
from tests.integration.agent_process import AgentProcess, scanner_table


def test_settings_are_checked_before_anything_is_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = AgentProcess(tmp_path, {"scanner": {**scanner_table(tmp_path / "x"), "suffx": "lf"}})
    for command in ("check", "run"):
        assert main(["edge", command, "--config", str(agent.config)]) == 2
        assert capsys.readouterr().err == (
            f"shelfwire: {agent.config}: devices.scanner.suffx: serial-scanner has no such setting"
            " (did you mean 'suffix'?)\n"
        )
    assert not agent.data_dir.exists()


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (
            {"a": {"driver": "serial-scaner"}},
            "devices.a.driver: no driver 'serial-scaner' (did you mean 'serial-scanner'?)",
        ),
        ({"a": {"driver": "serial-scanner", "port": "/x", "baud": 1}}, "devices.a.baud: 1 is not a speed"),
        ({"a": {"driver": "serial-scanner", "port": 3}}, "devices.a.port: serial-scanner: Expected `str`, got `int`"),
    ],
)
def test_a_wrong_device_is_said_with_its_place(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    devices: dict[str, dict[str, object]],
    message: str,
) -> None:
    agent = AgentProcess(tmp_path, devices)
    assert main(["edge", "check", "--config", str(agent.config)]) == 2
    assert message in capsys.readouterr().err


def test_good_settings_are_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    agent = AgentProcess(tmp_path, {"scanner": scanner_table(tmp_path / "x")})
    assert main(["edge", "check", "--config", str(agent.config)]) == 0
    assert "station till-3 of oak-street, sale at shop; scanner (serial-scanner)" in capsys.readouterr().out


def test_the_command_tells_its_version_and_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith("shelfwire 0.")
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    told = capsys.readouterr().out
    assert all(command in told for command in ("demo", "edge", "hub"))
    for wrong in ([], ["fly"], ["edge"], ["edge", "fly"]):
        with pytest.raises(SystemExit) as done:
            main(wrong)
        assert done.value.code == 2
