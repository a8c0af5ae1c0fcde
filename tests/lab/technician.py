"""A technician's own computer: his key, and OpenSSH's client, which says how it was let in or not."""

from __future__ import annotations

import asyncio
import subprocess
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

ACCOUNT = "technician"
KNOCK_S = 300
"""An emulated machine, whose firewall lets but ten in a minute of its own clock."""


class Technician:
    """Who holds a key, and knocks at a port of this host's loopback."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir(parents=True)
        self._key, self._hosts = folder / "key", folder / "known_hosts"
        self._port = port
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._key)], check=True)
        self.key = self._key.with_suffix(".pub").read_text("utf-8").strip()

    async def session(self, command: str, *options: str, account: str = ACCOUNT) -> Process:
        """Begin a session in which `command` runs."""
        where = ["-p", str(self._port), "-l", account, "127.0.0.1"]
        kept = [f"UserKnownHostsFile={self._hosts}", "StrictHostKeyChecking=accept-new", f"IdentityFile={self._key}"]
        how = [*kept, "IdentitiesOnly=yes", "BatchMode=yes", "LogLevel=ERROR", f"ConnectTimeout={KNOCK_S}", *options]
        words = ["ssh", "-F", "none", *(word for each in how for word in ("-o", each)), *where, command]
        return await asyncio.create_subprocess_exec(*words, stdin=DEVNULL, stdout=PIPE, stderr=PIPE)

    async def says(self, command: str, *options: str, account: str = ACCOUNT) -> tuple[int, str]:
        """Run a command in a session of its own; give how that ended, and what was said."""
        async with asyncio.timeout(2 * KNOCK_S):
            session = await self.session(command, *options, account=account)
            out, err = await session.communicate()
        assert session.returncode is not None
        return session.returncode, (out + err).decode(errors="replace").strip()

    def fingerprint(self) -> str:
        """Give the fingerprint of the machine that let him in first."""
        told = subprocess.run(["ssh-keygen", "-l", "-f", str(self._hosts)], capture_output=True, text=True, check=True)
        return told.stdout.split()[1]
