"""`shelfwire hub diagnose`: what a supporter needs of a hub, whether it runs, cannot, or has lost its disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from hub.errors import BadInput
from hub.settings import WebSettings
from hub.tokens import TokenFile
from provisioning.authority_folder import FOLDER, ISSUING, ROOT
from provisioning.broker_config import REVOKED
from provisioning.broker_place import IDENTITY
from provisioning.own_certificates import OWN_FILE, TRUSTED_FILE
from shelfwire.diagnosis.bundle import Bundle
from shelfwire.diagnosis.certificates import told_of_certificates, told_of_revocations
from shelfwire.diagnosis.machine import add_machine, asked, asked_json, settings_as_told

UNITS: Final = ("shelfwire-hub.service", "mosquitto.service", "shelfwire-health.service", "shelfwire-update.service")
DATABASE: Final = "hub.db"
_LOGS: Final = "SELECT name, committed, folded, movements, bytes, last_us FROM log ORDER BY name LIMIT 500"
_HELD: Final = "SELECT reason, count(*) FROM quarantine WHERE released_us IS NULL GROUP BY reason LIMIT 100"


def add_hub(bundle: Bundle, config: Path, logs: list[Path], token_file: Path | None = None) -> None:
    """Gather what there is."""
    bundle.table("settings.json", lambda: settings_as_told(config))
    told = _told(config)
    data_dir = config.absolute().parent / str(told.get("data_dir", "."))
    add_machine(bundle, data_dir, UNITS, logs)
    bundle.table("health.json", lambda: asked_json(*_web(told), "/healthz"))
    bundle.text("metrics.txt", lambda: asked(*_web(told), "/metrics", _token(token_file)).decode("utf-8", "replace"))
    bundle.table("logs.json", lambda: _logs(data_dir))
    bundle.table("tokens.json", lambda: _tokens(data_dir))
    bundle.table("certificates.json", lambda: _certificates(data_dir, config.absolute().parent, told))


def _told(config: Path) -> dict[str, object]:
    try:
        told = settings_as_told(config)
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _web(told: dict[str, object]) -> tuple[str, int]:
    web = msgspec.convert(told.get("web", {}), WebSettings)
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host), web.port  # noqa: S104 - where it listens


def _token(file: Path | None) -> str | None:
    return None if file is None else file.read_text("utf-8").strip()


def _logs(data_dir: Path) -> dict[str, object]:
    """Read how far each log is, in a file that is left as it is, whatever release made it, sound or not."""
    file = data_dir / DATABASE
    if not file.exists():
        raise BadInput("no-file", f"there is no {file}: it was never begun, or the books are in a database")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=2.0)) as books:
            names = ("log", "committed", "folded", "movements", "bytes", "last_us")
            logs = [dict(zip(names, row, strict=True)) for row in books.execute(_LOGS)]
            return {"logs": logs, "held_back": dict(books.execute(_HELD).fetchall())}
    except sqlite3.Error as error:
        raise BadInput("damaged", f"{file}: {error}") from error


def _tokens(data_dir: Path) -> list[dict[str, object]]:
    """Say which tokens there are: never what they are, nor their hashes."""
    return [
        {"id": each.id, "name": each.name, "scopes": [scope.value for scope in each.scopes], "until_us": each.until_us}
        for each in TokenFile(data_dir).load().all
    ]


def _certificates(data_dir: Path, beside: Path, told: dict[str, object]) -> dict[str, object]:
    authority, identity = data_dir / FOLDER, data_dir / IDENTITY
    found: dict[str, object] = {
        f"{folder.name}/{name}": told_of_certificates(folder / name)
        for folder, names in ((authority, (ROOT, ISSUING)), (identity, (OWN_FILE, TRUSTED_FILE)))
        for name in names
    }
    mosquitto = told.get("mosquitto")
    if isinstance(mosquitto, dict):
        broker = beside / str(mosquitto.get("folder", ""))
        found |= {f"broker/{name}": told_of_certificates(broker / name) for name in (OWN_FILE, TRUSTED_FILE)}
        found[f"broker/{REVOKED}"] = told_of_revocations(broker / REVOKED)
    hq = told.get("hq")
    tls = hq.get("tls") if isinstance(hq, dict) else None
    if isinstance(tls, dict):
        for name in ("ca", "certificate"):
            found[f"hq/{name}"] = told_of_certificates(beside / str(tls.get(name, "")))
    return found
