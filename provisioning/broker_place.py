"""Where a store's mosquitto has its files, and what they are made of: one place for the hub and for the command line.

<folder>/                   made by a person, of mosquitto's group and with the set-group-ID bit (2750)
    mosquitto.conf          what mosquitto is started with
    acl, crl.pem            who may say what, and who may not any more; kept current by the hub
    own.pem, ca.pem         the broker's certificate and key, and whom it trusts
<data_dir>/identity/        0700, the hub's own: how it shows itself to the broker
    own.pem, ca.pem
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protocol.enrolment import Role
from provisioning.authority import Authority
from provisioning.broker_config import CONFIG, PERMISSIONS, REVOKED, Listening, configuration
from provisioning.broker_files import content, write_files
from provisioning.broker_lists import lists_of
from provisioning.own_certificates import OWN_FILE, TRUSTED_FILE, OwnCertificate

IDENTITY = "identity"
BROKER_KEY_MODE = 0o640
HUB_KEY_MODE = 0o600


@dataclass(frozen=True, slots=True)
class BrokerPlace:
    """`hosts` are the addresses and names by which stations and hub reach it; `listen` "" is every address."""

    folder: Path
    data_dir: Path
    hosts: tuple[str, ...]
    port: int
    random_bytes: Callable[[int], bytes]
    listen: str = ""
    connections: int = 200
    user: str | None = None

    @property
    def identity(self) -> Path:
        """The folder of the hub's own identity."""
        return self.data_dir / IDENTITY

    @property
    def own(self) -> tuple[OwnCertificate, OwnCertificate]:
        """The broker's certificate and the hub's."""
        hosts = tuple(dict.fromkeys(self.hosts))
        return (
            OwnCertificate(self.folder, Role.BROKER, hosts, self.random_bytes, BROKER_KEY_MODE),
            OwnCertificate(self.identity, Role.HUB, hosts, self.random_bytes, HUB_KEY_MODE),
        )

    @property
    def configuration(self) -> bytes:
        """What mosquitto is started with. Raises `BadInput` ("bad-broker-setting")."""
        folder = self.folder
        return configuration(
            Listening(
                port=self.port,
                address=self.listen,
                ca=str(folder / TRUSTED_FILE),
                certificate=str(folder / OWN_FILE),
                key=str(folder / OWN_FILE),
                revoked=str(folder / REVOKED),
                permissions=str(folder / PERMISSIONS),
                connections=self.connections,
                user=self.user,
            )
        ).encode()

    def prepare(self, authority: Authority, now_us: int) -> tuple[str, ...]:
        """Write all that mosquitto needs to start, and give the names of what was new.

        Lists that are there stay: they are the hub's to write, who knows the identities. Raises `BadInput`, `OSError`.
        """
        self.identity.mkdir(mode=0o700, exist_ok=True)
        new = [f"{own.role.value}'s certificate" for own in self.own if own.renew_if_due(authority, now_us)]
        owner = self.data_dir.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            # What root made is for the account that the hub runs under.
            for path in (self.identity, *self.identity.iterdir()):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
        new += write_files(self.folder, {CONFIG: self.configuration})
        if any(content(self.folder / name) is None for name in (PERMISSIONS, REVOKED)):
            new += write_files(self.folder, lists_of((), authority.store, now_us).files(authority, now_us))
        return tuple(new)
