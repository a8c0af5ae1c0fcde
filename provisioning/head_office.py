"""Head office's own authority: who may speak at its broker, given, revoked and written down in one folder.

    <folder>/                  0700
        authority/             as at a store's hub (`authority_folder`)
        given.json             every certificate, for whom, by whom and why, and which were taken back
        broker/                what head office's mosquitto is started with

A certificate is for one store's hub, or for head office itself; its file is carried there by hand, key and all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ReasonFlags

from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.identity import StoreId, parse_station, parse_store
from provisioning.authority import Authority, Revoked
from provisioning.authority_folder import load_authority, make_authority
from provisioning.broker_config import (
    CONFIG,
    PERMISSIONS,
    REVOKED,
    Listening,
    Member,
    configuration,
    hq_permissions,
)
from provisioning.broker_files import content, write_files
from provisioning.broker_place import BROKER_KEY_MODE
from provisioning.certificates import DAY_US, SERIAL_BYTES, Subject, serial_of, serial_text
from provisioning.errors import AuthorityUnusable
from provisioning.orders import check_author
from provisioning.own_certificates import OWN_FILE, TRUSTED_FILE, OwnCertificate

STORE: Final = StoreId("hq")
OFFICE: Final = "hq"
BOOK: Final = "given.json"
BROKER: Final = "broker"
PRIVATE: Final = 0o600
LASTS_DAYS: Final = 730
"""Two years: nothing renews these by itself."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was given, and when, by whom and why it was taken back; times in UTC."""

    name: str
    store: str
    role: Role
    serial: str
    given_us: int
    until_us: int
    author: str
    note: str
    revoked_us: int | None = None
    revoked_by: str = ""
    revoked_why: str = ""


class _Book(msgspec.Struct, frozen=True):
    version: int
    given: tuple[Given, ...]


@dataclass(frozen=True, slots=True)
class HeadOffice:
    """One folder. Every method raises `BadInput`, `ProvisioningError`, `OSError`."""

    folder: Path
    now_us: Callable[[], int]
    random_bytes: Callable[[int], bytes]

    def begin(self, offline_root: Path | None = None) -> Authority:
        """Make the authority, once."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return make_authority(self.folder, STORE, self.now_us(), self.random_bytes, offline_root)

    @property
    def authority(self) -> Authority:
        """Read the authority."""
        return load_authority(self.folder, STORE)

    @property
    def given(self) -> tuple[Given, ...]:
        """List all certificates that were given."""
        told = content(self.folder / BOOK, PRIVATE)
        if told is None:
            if (self.folder / BOOK).exists():
                raise AuthorityUnusable(f"{self.folder / BOOK} lies open to others, or is no plain file")
            return ()
        try:
            return msgspec.json.decode(told, type=_Book).given
        except msgspec.DecodeError as error:
            raise AuthorityUnusable(f"{self.folder / BOOK} cannot be read: restore it from a backup") from error

    def give(self, to: Path, store: StoreId | None, author: str, note: str, days: int = LASTS_DAYS) -> Given:
        """Give the hub of a store, or head office itself (None), a key and a certificate, in the folder `to`.

        Those it had before stay good until they run out or are taken back. It is written down first: what a loss of
        power leaves is a certificate that nobody has.
        """
        check_author(author, note)
        authority, key = self.authority, ec.generate_private_key(ec.SECP256R1())
        name, role = (OFFICE, Role.HQ) if store is None else (f"hub-{parse_store(store)}", Role.HUB)
        parse_station(name)
        valid = authority.lasting(self.now_us(), days)
        given = Given(
            name=name,
            store=store or STORE,
            role=role,
            serial=serial_text(serial_of(self.random_bytes(SERIAL_BYTES))),
            given_us=self.now_us(),
            until_us=valid.not_after_us,
            author=author,
            note=note,
        )
        certificate = authority.certify(
            Subject(name, StoreId(given.store), role), key.public_key(), valid, given.serial
        )
        self._write((*self.given, given))
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        own = authority.chain_pem(certificate) + key.private_bytes(pem, form, serialization.NoEncryption())
        write_files(to, {TRUSTED_FILE: authority.trusted_pem, OWN_FILE: own}, PRIVATE)
        return given

    def revoke(self, name: str, author: str, note: str) -> tuple[Given, ...]:
        """Take back all certificates that were given to a name until now, and give those it concerns."""
        check_author(author, note)
        at_us = self.now_us()
        if not any(each.name == name and each.revoked_us is None for each in self.given):
            raise BadInput("identity-unknown", f"nothing was given to {name!r} that was not taken back")
        after = tuple(
            msgspec.structs.replace(each, revoked_us=at_us, revoked_by=author, revoked_why=note)
            if each.name == name and each.revoked_us is None
            else each
            for each in self.given
        )
        self._write(after)
        return tuple(each for each in after if each.revoked_us == at_us and each.name == name)

    def write_broker(
        self, hosts: Sequence[str], port: int, listen: str = "", user: str | None = None
    ) -> tuple[str, ...]:
        """Write what head office's mosquitto is started with, as of now, and name what was new; daily, best."""
        authority, now_us, folder = self.authority, self.now_us(), (self.folder / BROKER).absolute()
        folder.mkdir(mode=0o750, exist_ok=True)
        given = self.given
        live = {each.name: each for each in given if each.revoked_us is None and now_us < each.until_us}
        members = [Member(each.name, StoreId(each.store), each.role) for _, each in sorted(live.items())]
        gone = [
            Revoked(each.serial, each.revoked_us, ReasonFlags.privilege_withdrawn)
            for each in given
            if each.revoked_us is not None and now_us < each.until_us + DAY_US
        ]
        own = OwnCertificate(folder, Role.BROKER, tuple(hosts), self.random_bytes, BROKER_KEY_MODE)
        new = ["certificate"] if own.renew_if_due(authority, now_us) else []
        told = Listening(
            port=port,
            address=listen,
            ca=str(folder / TRUSTED_FILE),
            certificate=str(folder / OWN_FILE),
            key=str(folder / OWN_FILE),
            revoked=str(folder / REVOKED),
            permissions=str(folder / PERMISSIONS),
            user=user,
        )
        files = {
            CONFIG: configuration(told).encode(),
            PERMISSIONS: hq_permissions(members).encode(),
            REVOKED: authority.revocation_list(gone, now_us, now_us),
        }
        return (*new, *write_files(folder, files))

    def _write(self, given: tuple[Given, ...]) -> None:
        write_files(self.folder, {BOOK: msgspec.json.format(msgspec.json.encode(_Book(1, given)))}, PRIVATE)
