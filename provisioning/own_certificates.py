"""The certificates of the hub itself and of the broker beside it: files that are made, and made anew in good time.

Certificate, issuing authority and key are one file, so that no power cut leaves a certificate without its key. Whoever
uses it reads it at the next connection (hub) or when told (mosquitto).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from protocol.enrolment import Role
from provisioning.authority import Authority
from provisioning.broker_files import content, write_files
from provisioning.certificates import BACKDATED_US, SERIAL_BYTES

OWN_FILE = "own.pem"
TRUSTED_FILE = "ca.pem"


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """In `folder`: `own.pem`, and `ca.pem` with whom it trusts. `hosts` are its addresses and names.

    `mode` is the file's: the broker's is for mosquitto's group to read, the hub's for the hub alone.
    """

    folder: Path
    role: Role
    hosts: tuple[str, ...]
    random_bytes: Callable[[int], bytes]
    mode: int

    @property
    def file(self) -> Path:
        """The file of certificate and key."""
        return self.folder / OWN_FILE

    def renew_if_due(self, authority: Authority, now_us: int) -> bool:
        """Make it if it is not there, of other hosts or another authority, or has lived two thirds of its life.

        Raises `BadInput` ("bad-host"), `OSError`.
        """
        trusted = write_files(self.folder, {TRUSTED_FILE: authority.trusted_pem})
        if not trusted and not self._due(now_us):
            return False
        key = ec.generate_private_key(ec.SECP256R1())
        given = authority.certify_own(self.role, self.hosts, key.public_key(), now_us, self.random_bytes(SERIAL_BYTES))
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        own = authority.chain_pem(given) + key.private_bytes(pem, form, serialization.NoEncryption())
        write_files(self.folder, {OWN_FILE: own}, self.mode)
        return True

    def _due(self, now_us: int) -> bool:
        told = content(self.file, self.mode)
        if told is None:
            return True
        try:
            certificate = x509.load_pem_x509_certificate(told)
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            return True
        if {str(name.value) for name in names} != set(self.hosts):
            return True
        from_us = int(certificate.not_valid_before_utc.timestamp()) * 1_000_000 + BACKDATED_US
        until_us = int(certificate.not_valid_after_utc.timestamp()) * 1_000_000
        return not from_us <= now_us < from_us + (until_us - from_us) * 2 // 3
