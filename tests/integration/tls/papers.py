"""Certificates for tests, good ones and every sort of bad one, made with `cryptography` as an authority would."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = dt.timedelta(days=1)


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate and its key, on disk; `chain` holds what is sent along with it."""

    certificate: x509.Certificate
    chain: Path
    key: Path


class PaperMill:
    """A root and an issuing authority below it, kept in a folder; `ca` is the file that others trust."""

    def __init__(self, folder: Path, name: str = "test") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._revoked: list[int] = []
        self._crls = 0
        root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root_name = _named(f"{name} root")
        root = _authority(root_name, root_key.public_key(), root_name, root_key)
        self._own = _authority(_named(f"{name} issuing"), self._key.public_key(), root_name, root_key)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(_pem(root) + _pem(self._own))
        self.crl = folder / "crl.pem"
        self.list_revoked()

    def issue(
        self,
        identity: str,
        *,
        role: str = "station",
        store: str = "oak-street",
        starts: dt.timedelta = -DAY,
        lasts: dt.timedelta = 60 * DAY,
        usages: Sequence[x509.ObjectIdentifier] = (ExtendedKeyUsageOID.CLIENT_AUTH,),
        hosts: Iterable[str] = (),
        self_signed: bool = False,
        file: str | None = None,
    ) -> Paper:
        """Make a key and a certificate for it: from now + `starts`, for `lasts`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, identity),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, store),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role),
            ]
        )
        begins = utc_now() + starts
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if self_signed else self._own.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + lasts)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        if names := [_general(host) for host in hosts]:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(key if self_signed else self._key, hashes.SHA256())
        stem = self._folder / (file or identity)
        chain, key_file = stem.with_suffix(".pem"), stem.with_suffix(".key")
        chain.write_bytes(_pem(certificate) + (b"" if self_signed else _pem(self._own)))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Paper(certificate, chain, key_file)

    def broker(self, *hosts: str, file: str = "broker") -> Paper:
        """Make a broker's certificate for some names and addresses."""
        return self.issue(
            "broker", role="broker", usages=(ExtendedKeyUsageOID.SERVER_AUTH,), hosts=hosts or ("127.0.0.1",), file=file
        )

    def list_revoked(self, *papers: Paper, lasts: dt.timedelta = 30 * DAY) -> Path:
        """Write the list anew, with these added. Each is later than the one before it, as OpenSSL wants of a newer."""
        self._revoked += [paper.certificate.serial_number for paper in papers]
        self._crls += 1
        # From an hour ago on, a second each: lists written within one second still follow each other.
        made = utc_now() - dt.timedelta(hours=1) + dt.timedelta(seconds=self._crls)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._own.subject)
        builder = builder.last_update(made).next_update(utc_now() + lasts)
        for serial in self._revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(made).build()
            builder = builder.add_revoked_certificate(entry)
        self.crl.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return self.crl


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _authority(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, issuer: x509.Name, signs: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    begins = utc_now() - DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + 3650 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False),
            critical=True,
        )
        .sign(signs, hashes.SHA256())
    )


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
