"""A real PostgreSQL of the tests' own, in a temporary folder, that listens on a socket there and nowhere else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg import errors, sql

from hub.store.postgres import Postgres

HERE = "SHELFWIRE_TESTS_POSTGRES"
"""Tells a process that a test starts where the server's socket is."""
_USER = "shelfwire"
_START_S = 60.0
# What it writes has to outlive a killed hub here, never a power cut.
_SETTINGS = {"fsync": "off", "listen_addresses": "", "max_connections": "40", "full_page_writes": "off"}


def is_installed() -> bool:
    """Whether its programs are on this machine."""
    return os.path.isabs(_program("initdb"))


@dataclass(frozen=True)
class Server:
    """One that runs, its socket in `folder`."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def url_of(self, path: Path) -> str:
        """Give the address of the database that stands for a file."""
        return self.url(_name(path))

    def at(self, path: Path) -> Postgres:
        """Give the database that stands for a file."""
        return Postgres(self.url_at(path))

    def url_at(self, path: Path) -> str:
        """Say where it is: always the same for the same path, empty at first."""
        name = _name(path)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except errors.DuplicateDatabase:
                pass
        return self.url(name)


def _program(name: str) -> str:
    """Find a program of the newest release; Debian does not put them where programs are looked for."""
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders])) or name


def _name(path: Path) -> str:
    return f"s{sha256(str(path).encode()).hexdigest()[:20]}"


@contextmanager
def serving(**settings: str) -> Iterator[Server]:
    """Start a server and stop it. Root starts it as the user that Debian's package makes: it refuses to be root."""
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="shelfwire-pg-"))
    data = folder / "data"
    try:
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        subprocess.run(
            [_program("initdb"), "--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--no-sync", "-D", data],
            check=True,
            capture_output=True,
            cwd=folder,
            user=user,
        )
        options = [part for name, value in (_SETTINGS | settings).items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [_program("postgres"), "-D", data, "-k", folder, *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                user=user,
            )
        try:
            server = Server(folder)
            _await(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_START_S)
    finally:
        shutil.rmtree(folder)


def _await(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _START_S
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline_s:
                raise AssertionError(f"PostgreSQL does not start: {(server.folder / 'log').read_text()}") from None
            time.sleep(0.02)
        else:
            return
