"""What is told of any machine: versions, disk, what is plugged in, the last lines of the log. Read, never changed."""

from __future__ import annotations

import http.client
import importlib.metadata
import json
import os
import platform
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from shelfwire.cli import installed_version
from shelfwire.diagnosis.bundle import Bundle

MOST_FILES: Final = 500
LOG_LINES: Final = 2000
LOG_BYTES: Final = 2 * 1024 * 1024
ANSWER_BYTES: Final = 2 * 1024 * 1024
WAIT_S: Final = 10.0
_PLUGGED: Final = ("/dev/serial/by-id", "/dev/serial/by-path", "/dev/input/by-id", "/dev/input/by-path")
_NUMBERED: Final = ("hidraw", "ttyUSB", "ttyACM", "gpiochip")


def add_machine(bundle: Bundle, data_dir: Path, units: Sequence[str], logs: Iterable[Path]) -> None:
    """Add what does not depend on whether this is a station or a hub."""
    bundle.table("versions.json", lambda: _versions(bundle))
    bundle.text("os-release.txt", lambda: Path("/etc/os-release").read_text("utf-8", "replace"))
    bundle.table("disk.json", lambda: _disk(data_dir))
    bundle.table("files.json", lambda: _files(data_dir))
    bundle.table("plugged.json", _plugged)
    bundle.text("journal.txt", lambda: _journal(units))
    for number, log in enumerate(logs, 1):
        bundle.text(f"log-{number}.txt", lambda log=log: _end_of_file(log))  # type: ignore[misc]


def settings_as_told(path: Path) -> object:
    """Read a file of settings for its text, unjudged: what is wrong with it may be the fault. Raises `ValueError`."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        # Not the text itself: what is secret in it cannot be told from the rest.
        raise ValueError(f"{path} is no TOML: {error}") from None


def asked(host: str, port: int, path: str, token: str | None = None) -> bytes:
    """Ask a program of this machine. Raises `OSError`, `ValueError`."""
    if port == 0:
        raise ValueError("it has no fixed port to be asked at")
    connection = http.client.HTTPConnection(host, port, timeout=WAIT_S)
    try:
        connection.request("GET", path, headers={} if token is None else {"authorization": f"Bearer {token}"})
        response = connection.getresponse()
        body = response.read(ANSWER_BYTES)
    except http.client.HTTPException as error:
        raise ValueError(f"no answer that can be read: {error}") from error
    finally:
        connection.close()
    if response.status >= http.client.BAD_REQUEST and not (path == "/healthz" and body):
        raise ValueError(f"it answers {response.status}: {body[:200].decode(errors='replace')}")
    return body


def asked_json(host: str, port: int, path: str, token: str | None = None) -> object:
    """Ask for JSON; raises as `asked`."""
    return json.loads(asked(host, port, path, token))


def _versions(bundle: Bundle) -> dict[str, object]:
    ours = importlib.metadata.distributions()
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {
        "made": bundle.now.isoformat(timespec="seconds"),
        "shelfwire": installed_version(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "model": _line(Path("/proc/device-tree/model")),
        "boot": _line(boot),
        "up_s": _line(Path("/proc/uptime")).partition(" ")[0],
        "load": _line(Path("/proc/loadavg")),
        "packages": dict(sorted((str(each.metadata["Name"]), each.version) for each in ours)[:300]),
    }


def _line(path: Path) -> str:
    try:
        return path.read_bytes()[:200].decode("utf-8", "replace").strip("\0\n ")
    except OSError:
        return ""


def _disk(data_dir: Path) -> dict[str, object]:
    told = shutil.disk_usage(data_dir)
    nodes = os.statvfs(data_dir)
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if line.startswith("/")][:50]
    return {
        "total_bytes": told.total,
        "free_bytes": told.free,
        "files_free": nodes.f_favail,
        "read_only": bool(nodes.f_flag & os.ST_RDONLY),
        "mounts": mounts,
        "memory": Path("/proc/meminfo").read_text().splitlines()[:5],
    }


def _files(data_dir: Path) -> list[dict[str, object]]:
    """List the files of a data folder: names, sizes, times and modes, and nothing that is in them."""
    found: list[dict[str, object]] = []
    for folder, folders, names in os.walk(data_dir):
        folders.sort()
        for name in sorted(names):
            if len(found) == MOST_FILES:
                return found
            path = Path(folder) / name
            told = path.lstat()
            found.append(
                {
                    "name": str(path.relative_to(data_dir)),
                    "bytes": told.st_size,
                    "changed_s": int(told.st_mtime),
                    "mode": stat.filemode(told.st_mode),
                    "owner": told.st_uid,
                }
            )
    return found


def _plugged() -> dict[str, object]:
    by_name = {
        folder: {name: os.readlink(f"{folder}/{name}") for name in sorted(os.listdir(folder))[:50]}
        for folder in _PLUGGED
        if os.path.isdir(folder)
    }
    numbered = [name for name in sorted(os.listdir("/dev")) if name.startswith(_NUMBERED)][:50]
    return {"by_name": by_name, "numbered": numbered}


def _journal(units: Sequence[str]) -> str:
    command = ["journalctl", "--no-pager", "--output=short-iso", f"--lines={LOG_LINES}"]
    command += [f"--unit={unit}" for unit in units]
    done = subprocess.run(command, capture_output=True, timeout=2 * WAIT_S, check=False)
    said = done.stdout or done.stderr
    return said[-LOG_BYTES:].decode("utf-8", "replace")


def _end_of_file(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path} is no plain file")
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES))
        return file.read(LOG_BYTES).decode("utf-8", "replace")
