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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from hub.store.postgres import Postgres
from hub.store.schema import BOOKS, books_look
from hub.store.tables import KEPT, MADE, alembic_version, meta

HERE = "SHELFWIRE_TESTS_POSTGRES"
"""Tells a process that a test starts where its database is."""
_USER = "shelfwire"
_START_S = 60.0
# What it writes has to outlive a killed hub here, never a power cut.
_SETTINGS = {"fsync": "off", "listen_addresses": "", "max_connections": "40", "full_page_writes": "off"}

_ITS_OWN = {alembic_version.name, meta.name}
_HAS_ROWS = sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})")


def is_installed() -> bool:
    """Whether its programs are on this machine."""
    return os.path.isabs(_program("initdb"))


@dataclass(frozen=True)
class Server:
    """One that runs, its socket in `folder`. Databases that were let go are emptied and given again."""

    folder: Path
    _given: dict[Path, str] = field(default_factory=dict)
    _free: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def url_of(self, path: Path) -> str:
        """Give the address of the database that stands for a file."""
        name = self._given.get(path)
        if name is None:
            name = self._given[path] = self._free.pop() if self._free else self._create()
        return self.url(name)

    def copy(self, path: Path, to: Path) -> None:
        """Have the database of `to`, which was never asked for, be as that of `path`, which nobody has open."""
        self._given[to] = self._create(self._given[path])

    def at(self, path: Path) -> Postgres:
        """Give the database that stands for a file: always the same for the same path, empty at first."""
        return Postgres(self.url_of(path))

    def let_go(self) -> None:
        """Be done with all that was given."""
        for name in self._given.values():
            with psycopg.connect(self.url(name), autocommit=True) as connection:
                if self._empty(connection):
                    self._free.append(name)
        self._given.clear()

    def _create(self, like: str = "template1") -> str:
        name = f"store{next(self._numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            words = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(like))
            connection.execute(words)
        return name

    @staticmethod
    def _empty(connection: psycopg.Connection[Any]) -> bool:
        """Take the rows out, which costs far less than making the tables; not where these are not as they were made."""
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()").fetchall()
        tables = {name for (name,) in found}
        if tables != {*KEPT.tables, *MADE.tables, alembic_version.name}:
            return False
        # To truncate makes new files for each table and index: only for those that need it.
        looks = (_HAS_ROWS.format(sql.Literal(name), sql.Identifier(name)) for name in sorted(tables - _ITS_OWN))
        full = [name for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(looks))]
        if full:
            connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(map(sql.Identifier, full))))
        connection.execute("SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences")
        connection.execute(sql.SQL("DELETE FROM meta WHERE name <> {}").format(sql.Literal(BOOKS)))
        return connection.execute("SELECT value FROM meta").fetchall() == [(books_look(),)]


def _program(name: str) -> str:
    """Find a program of the newest release; Debian does not put them where programs are looked for."""
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders])) or name


class Cluster:
    """Its data and, while it runs, its processes. Root starts it as the user that Debian's package makes."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.server = Server(folder)
        self._folder = folder
        self._settings = settings
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make what it keeps its data in."""
        if self._user is not None:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        subprocess.run(
            [
                *(_program("initdb"), "--auth=trust", f"--username={_USER}"),
                *("--encoding=UTF8", "--no-sync", "-D", self._folder / "data"),
            ],
            check=True,
            capture_output=True,
            cwd=self._folder,
            user=self._user,
        )

    def start(self) -> None:
        """Start it and wait until it takes connections, after a kill once it has recovered."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", self._folder / "data", "-k", self._folder, *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                user=self._user,
                start_new_session=True,
            )
        _await(self.server, self._process)

    def stop(self) -> None:
        """End it; harmless when it is not there."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_START_S)
            self._process = None

    def kill(self) -> None:
        """Kill the server and all that serve its connections, at once; each is of a group of its own."""
        assert self._process is not None
        for pid in (self._process.pid, *_children(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(_START_S)
        self._process = None

    def recovered(self) -> int:
        """Say how often it found that it had not been shut down."""
        return (self._folder / "log").read_text().count("was not properly shut down")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def cluster(**settings: str) -> Iterator[Cluster]:
    """Give one that was made and is started by whoever wants it; at the end it is stopped and taken away."""
    folder = Path(tempfile.mkdtemp(prefix="shelfwire-pg-"))
    try:
        one = Cluster(folder, **(_SETTINGS | settings))
        one.make()
        try:
            yield one
        finally:
            one.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def serving(**settings: str) -> Iterator[Server]:
    """Start a server and stop it."""
    with cluster(**settings) as one:
        one.start()
        yield one.server


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
