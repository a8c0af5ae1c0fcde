"""The store's authority while the hub runs: gives certificates, lists the revoked ones, knows its own again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

from protocol.enrolment import Role, parse_identity
from protocol.errors import BadInput
from protocol.identity import StationId, StoreId
from protocol.invitation import FINGERPRINT_BYTES
from provisioning.certificates import (
    DAY_US,
    LIFE_DAYS,
    UNREADABLE,
    Issuer,
    Subject,
    Validity,
    end_certificate,
    moment,
    p256,
    serial_of,
    serial_text,
    strictly,
    validity,
)

LIST_DAYS = 40
"""A list of the revoked is refused, and everybody with it, once it is so old; a new one is made every day."""
MAX_CERTIFICATE_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate that is no longer good, since when and why; the serial as the book keeps it."""

    serial: str
    at_us: int
    reason: x509.ReasonFlags


@dataclass(frozen=True, slots=True)
class Presented:
    """Whose certificate it is that somebody showed; that it may have been revoked, only the book knows."""

    identity: StationId
    role: Role
    serial: str
    public_key: ec.EllipticCurvePublicKey


class Authority:
    """Signs below the store's root; made by `provisioning.authority_folder`."""

    def __init__(self, store: StoreId, root: x509.Certificate, issuer: Issuer) -> None:
        self.store = store
        self.root = root
        self.issuing = issuer.certificate
        self._issuer = issuer

    def __repr__(self) -> str:
        return f"Authority({self.store!r}, fingerprint={self.fingerprint.hex()})"

    @property
    def fingerprint(self) -> bytes:
        """What an invitation holds of the root: the first half of its SHA-256 in DER."""
        return hashlib.sha256(self.root.public_bytes(Encoding.DER)).digest()[:FINGERPRINT_BYTES]

    @property
    def bundle(self) -> bytes:
        """Issuing authority and root, as PKCS#7 of certificates only in DER (RFC 7030 section 4.1.3)."""
        return pkcs7.serialize_certificates([self.issuing, self.root], Encoding.DER)

    @property
    def trusted_pem(self) -> bytes:
        """Root and issuing authority in PEM, for a broker's or a web server's list of whom to trust."""
        return self.root.public_bytes(Encoding.PEM) + self.issuing.public_bytes(Encoding.PEM)

    def lasting(self, now_us: int, days: int = LIFE_DAYS) -> Validity:
        """Say how long a certificate given now is good."""
        return validity(now_us, days, self.issuing)

    def certify(
        self, subject: Subject, public_key: ec.EllipticCurvePublicKey, valid: Validity, serial: str
    ) -> x509.Certificate:
        """Give the certificate with this serial; the same again for the same arguments."""
        return end_certificate(self._issuer, subject, public_key, valid, int(serial, 16))

    def certify_own(
        self,
        role: Role,
        hosts: Sequence[str],
        public_key: ec.EllipticCurvePublicKey,
        now_us: int,
        random: bytes,
        days: int = LIFE_DAYS,
    ) -> x509.Certificate:
        """Give the hub or the broker beside it a certificate, named by its role, for these addresses and names.

        It stands in no book: who has the authority's folder needs nobody's leave. Raises `BadInput` ("bad-host").
        """
        subject = Subject(role.value, self.store, role)
        return end_certificate(self._issuer, subject, public_key, self.lasting(now_us, days), serial_of(random), hosts)

    def chain_pem(self, certificate: x509.Certificate) -> bytes:
        """Give a certificate with the issuing authority's after it, as servers and clients present it."""
        return certificate.public_bytes(Encoding.PEM) + self.issuing.public_bytes(Encoding.PEM)

    def revocation_list(self, revoked: Iterable[Revoked], number: int, now_us: int) -> bytes:
        """Make the list of what is no longer good (RFC 5280 section 5), in PEM; `number` is greater every time."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuing.subject)
            .last_update(moment(now_us - DAY_US))
            .next_update(moment(now_us + LIST_DAYS * DAY_US))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                    self.issuing.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
                ),
                critical=False,
            )
        )
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(int(each.serial, 16))
                .revocation_date(moment(each.at_us))
                .add_extension(x509.CRLReason(each.reason), critical=False)
                .build()
            )
        return builder.sign(self._issuer.key, hashes.SHA256(), ecdsa_deterministic=True).public_bytes(Encoding.PEM)

    def recognise(self, der: bytes, now_us: int) -> Presented:
        """Say whose certificate this is, given by this authority and good now.

        Raises `BadInput`: "bad-certificate", "certificate-foreign", "certificate-expired", "certificate-early".
        """
        if len(der) > MAX_CERTIFICATE_BYTES:
            raise BadInput("bad-certificate", f"{len(der)} bytes, more than {MAX_CERTIFICATE_BYTES}")
        try:
            with strictly():
                certificate = x509.load_der_x509_certificate(der)
            key = p256(certificate.public_key(), "bad-certificate")
            certificate.verify_directly_issued_by(self.issuing)
            # Ours by its signature from here on.
            subject = {each.oid: str(each.value) for each in certificate.subject}
            role = Role(subject[NameOID.ORGANIZATIONAL_UNIT_NAME])
            name = subject[NameOID.COMMON_NAME]
        except InvalidSignature as error:
            raise BadInput("certificate-foreign", "given by another authority") from error
        except (*UNREADABLE, KeyError) as error:
            raise BadInput("bad-certificate", "no certificate of this store") from error
        if now_us >= int(certificate.not_valid_after_utc.timestamp()) * 1_000_000:
            raise BadInput("certificate-expired", f"{name}'s certificate has run out")
        if now_us < int(certificate.not_valid_before_utc.timestamp()) * 1_000_000:
            raise BadInput("certificate-early", f"{name}'s certificate is not good yet by this clock")
        if role in (Role.STATION, Role.HQ):
            parse_identity(name)
        return Presented(StationId(name), role, serial_text(certificate.serial_number), key)
