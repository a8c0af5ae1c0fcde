"""A store whose hub runs and enrols, and its commands, in a test's own process."""

from __future__ import annotations

import base64
import io
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from protocol.enrolment import EST_ROOT
from protocol.identity import StoreId
from protocol.invitation import read_invitation
from provisioning.authority_folder import load_authority
from shelfwire.cli import main
from tests.unit.provisioning.shop import Machine

DEADLINE_S = 60


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        assert self.code == 0, self.err
        said: dict[str, object] = json.loads(self.out)
        return said


class Store:
    """A store with an authority; its hub runs, and says where."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "hub.toml"
        self.url = ""
        self.log = folder / "hub.log"
        self.config.write_text(
            'store = "oak"\ndata_dir = "data"\n[broker]\nport = 1\n[web]\nport = 0\n'
            '[enrolment]\naddress = "127.0.0.1"\nhost = "127.0.0.1"\nport = 0\n'
        )
        assert self.provision("ca", "init", "--config", self.config).code == 0

    def run(self, *words: object) -> Done:
        """Run a command, in this process: to start one takes longer than what it does."""
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main([str(word) for word in words])
            except SystemExit as refused:
                code = int(refused.code or 0)
        return Done(code, *(each.buffer.getvalue().decode() for each in (out, err)))

    def provision(self, *words: object) -> Done:
        return self.run("provision", *words)

    def ask(self, *words: object) -> Done:
        return self.provision(*words, "--hub", self.url)

    def invite(self, *words: object) -> Done:
        done = self.ask("invite", "--place", "shop", "--author", "ann", "--note", "opening", *words)
        give_up_s = time.monotonic() + DEADLINE_S
        while "enrolment-off" in done.err and time.monotonic() < give_up_s:
            # It reads its authority while it answers already.
            time.sleep(0.05)
            done = self.ask("invite", "--place", "shop", "--author", "ann", "--note", "opening", *words)
        return done

    def take(self, file: Path) -> Done:
        """Import a station's log through the hub, whose page has the port that it was given."""
        at = self.folder / "at.toml"
        at.write_text(self.config.read_text().replace("[web]\nport = 0", f"[web]\nport = {urlsplit(self.url).port}"))
        return self.run("hub", "import", "--config", at, "--station-log", file)

    @contextmanager
    def running(self) -> Iterator[None]:
        with (
            self.log.open("a") as log,
            subprocess.Popen(
                [sys.executable, "-m", "shelfwire.cli", "hub", "run", "--config", str(self.config)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as hub,
        ):
            assert hub.stdout is not None
            self.url = json.loads(hub.stdout.readline())["web"]
            try:
                yield
            finally:
                hub.terminate()
                assert hub.wait(DEADLINE_S) == 0

    def enrol(self, digits: str, machine: Machine) -> httpx.Response:
        invitation = read_invitation(digits)
        root = self.folder / "data" / "authority" / "root.pem"
        assert load_authority(self.folder / "data", StoreId("oak")).fingerprint == invitation.fingerprint
        with httpx.Client(verify=ssl.create_default_context(cafile=str(root)), trust_env=False) as web:
            return web.post(
                f"https://{invitation.hub}:{invitation.port}{EST_ROOT}/simpleenroll",
                content=base64.encodebytes(machine.request()),
                headers={"content-type": "application/pkcs10"},
                auth=("invitation", invitation.token.hex()),
            )
