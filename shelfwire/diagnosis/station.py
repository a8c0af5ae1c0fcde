"""`shelfwire edge diagnose`: what a supporter needs of a station, whether its agent runs, cannot, or never did."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from edge.buffer.sealing import sealed_logs
from edge.configuring.kept import FILE as GIVEN_FILE
from edge.enrol.kept import CA, CERTIFICATE, FOLDER, read_record
from edge.settings import ApiSettings
from edge.whoever import load_station
from shelfwire.diagnosis.bundle import Bundle
from shelfwire.diagnosis.certificates import told_of_certificates
from shelfwire.diagnosis.machine import add_machine, asked_json, settings_as_told

UNITS: Final = ("shelfwire-agent.service", "shelfwire-kiosk.service", "shelfwire-firstboot.service",
                "shelfwire-health.service", "shelfwire-update.service")  # fmt: skip


def add_station(bundle: Bundle, config: Path, logs: list[Path]) -> None:
    """Gather what there is."""
    bundle.table("settings.json", lambda: settings_as_told(config))
    data_dir, api = _where(config)
    add_machine(bundle, data_dir, UNITS, logs)
    bundle.table("health.json", lambda: asked_json(api.host, api.port, "/v1/health"))
    bundle.table("logs.json", lambda: _logs(config))
    bundle.table("set-aside.json", lambda: list(sealed_logs(data_dir)))
    bundle.table("identity.json", lambda: msgspec.to_builtins(read_record(data_dir)))
    bundle.table("certificates.json", lambda: _certificates(data_dir))
    bundle.table("settings-from-hub.json", lambda: msgspec.json.decode((data_dir / GIVEN_FILE).read_bytes()))


def _where(config: Path) -> tuple[Path, ApiSettings]:
    """Say where the files are and where the agent answers, also by settings that it would not take."""
    try:
        told = settings_as_told(config)
        assert isinstance(told, dict)
        api = msgspec.convert(told.get("api", {}), ApiSettings)
        return config.absolute().parent / str(told.get("data_dir", ".")), api
    except (OSError, ValueError):
        return config.absolute().parent, ApiSettings()


def _logs(config: Path) -> object:
    from shelfwire.buffer_status import buffer_status

    return msgspec.to_builtins(buffer_status(load_station(config)))


def _certificates(data_dir: Path) -> dict[str, object]:
    folders = sorted(each for each in (data_dir / FOLDER).iterdir() if each.is_dir())
    return {
        f"{folder.name}/{name}": told_of_certificates(folder / name) for folder in folders for name in (CERTIFICATE, CA)
    }
