"""Makes keys for trying updates out: an authority that machines of the bench trust, and who signs under it.

Not for shops: there, the operator's own authority signs, whose key never comes near the machine that builds.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from image.errors import BadInput

KEYRING: Final = "keyring.pem"
CERTIFICATE: Final = "signer.pem"
KEY: Final = "signer.key"
_LASTS: Final = timedelta(days=3650)
_SLACK: Final = timedelta(days=1)


def make_keys(folder: Path, now: datetime | None = None) -> None:
    """Make `keyring.pem` for images and `signer.pem`, `signer.key` for bundles in a folder that has none of them.

    The authority's own key is thrown away: another signer needs another keyring. Raises `BadInput`, `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = [name for name in (KEYRING, CERTIFICATE, KEY) if (folder / name).exists()]
    if there:
        raise BadInput(f"{folder} has {', '.join(there)} already: keys are never overwritten")
    now = now or datetime.now(UTC)
    top, signer = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    top_name = _name("Shelfwire development updates")
    authority = (
        _begin(top_name, top_name, top.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(top, hashes.SHA256())
    )
    signing = (
        _begin(_name("Shelfwire development signer"), top_name, signer.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]),
            critical=False,
        )
        .sign(top, hashes.SHA256())
    )
    secret = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / KEY, secret, 0o600)
    _write(folder / CERTIFICATE, signing.public_bytes(Encoding.PEM), 0o644)
    _write(folder / KEYRING, authority.public_bytes(Encoding.PEM), 0o644)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
