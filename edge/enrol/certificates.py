"""Keys, requests for certificates, and what a certificate says: pure, on `cryptography`.

own certificate     CN = identity, O = store, OU = "station"        below the issuing authority, below the root
the hub's           OU = "hub"                                      likewise
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7
from cryptography.x509.oid import NameOID

from edge.enrol.errors import IdentityDamaged, Untrusted
from protocol.enrolment import Role, parse_identity
from protocol.errors import BadInput
from protocol.invitation import FINGERPRINT_BYTES

MAX_CHAIN = 8

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a certificate names, and for how long (UTC)."""

    name: str
    store: str
    role: str
    serial: str
    not_before_us: int
    not_after_us: int


def make_key() -> bytes:
    """Make a key on P-256, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def make_request(key_pem: bytes, name: str) -> bytes:
    """Ask for a certificate (PKCS#10, RFC 2986) in the base64 of RFC 7030 section 4.2.1. Raises `IdentityDamaged`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(_key(key_pem), hashes.SHA256())
    return base64.encodebytes(request.public_bytes(Encoding.DER))


def read_bundle(body: bytes) -> list[x509.Certificate]:
    """Read the certificates of an answer: PKCS#7 in base64 (RFC 7030 sections 4.1.3 and 4.2.3). Raises `Untrusted`."""
    try:
        found = pkcs7.load_der_pkcs7_certificates(base64.b64decode(b"".join(body.split()), validate=True))
    except (binascii.Error, *_UNREADABLE) as error:
        raise Untrusted("the answer holds no certificates") from error
    if not 0 < len(found) <= MAX_CHAIN:
        raise Untrusted(f"the answer holds {len(found)} certificates")
    return found


def pinned(found: Sequence[x509.Certificate], fingerprint: bytes) -> bytes:
    """Give the root with this fingerprint and what it signed, root first, in PEM.

    Raises `Untrusted` where the root is not among them: then somebody else answers.
    """
    roots = [one for one in found if hashlib.sha256(_der(one)).digest()[:FINGERPRINT_BYTES] == fingerprint]
    if not roots:
        raise Untrusted("the hub that answers is not the one of the invitation: its authority's fingerprint is another")
    root = roots[0]
    below = [one for one in found if one is not root and _may_sign(one) and _signed_by(one, root)]
    return b"".join(one.public_bytes(Encoding.PEM) for one in (root, *below))


def own_certificate(found: Sequence[x509.Certificate], key_pem: bytes, ca_pem: bytes) -> bytes:
    """Find the certificate for our key, given by whom we trust: it and what leads to the root, in PEM.

    Raises `Untrusted`, `IdentityDamaged`.
    """
    ours = _public(_key(key_pem).public_key())
    mine = [one for one in found if _key_of(one) == ours]
    if not mine:
        raise Untrusted("the certificate that came is for another key")
    chain = _authorities(ca_pem)
    issuer = next((one for one in chain if _signed_by(mine[0], one)), None)
    if issuer is None:
        raise Untrusted("the certificate that came is from another authority")
    leading = (mine[0],) if issuer is chain[0] else (mine[0], issuer)
    return b"".join(one.public_bytes(Encoding.PEM) for one in leading)


def check_pair(certificate_pem: bytes, key_pem: bytes, ca_pem: bytes) -> Named:
    """Say whom our certificate names; see that it is a station's, goes with the key, and is below the root.

    Raises `IdentityDamaged`.
    """
    try:
        certificate = x509.load_pem_x509_certificates(certificate_pem)[0]
        own_certificate([certificate], key_pem, ca_pem)
        named = whom(certificate)
        if named.role != Role.STATION:
            raise IdentityDamaged(f"the certificate is for a {named.role}")
        parse_identity(named.name)
    except (*_UNREADABLE, Untrusted, BadInput) as error:
        raise IdentityDamaged(f"key and certificate do not belong together: {error}") from error
    return named


def whom(certificate: x509.Certificate) -> Named:
    """Read whom a certificate names. Raises `Untrusted` for one that names nobody."""
    try:
        said = {attribute.oid: str(attribute.value) for attribute in certificate.subject}
        return Named(
            said[NameOID.COMMON_NAME],
            said[NameOID.ORGANIZATION_NAME],
            said[NameOID.ORGANIZATIONAL_UNIT_NAME],
            f"{certificate.serial_number:032x}",
            int(certificate.not_valid_before_utc.timestamp()) * 1_000_000,
            int(certificate.not_valid_after_utc.timestamp()) * 1_000_000,
        )
    except (KeyError, *_UNREADABLE) as error:
        raise Untrusted("a certificate that names nobody of a store") from error


def sign(data: bytes, key_pem: bytes) -> tuple[bytes, bytes]:
    """Sign with our key: ECDSA with SHA-256 (FIPS 186-5). Gives signature and public key (SPKI), both in DER.

    Raises `IdentityDamaged`.
    """
    key = _key(key_pem)
    return key.sign(data, ec.ECDSA(hashes.SHA256())), _public(key.public_key())


def fingerprint(certificate_pem: bytes) -> tuple[str, str]:
    """Give serial and SHA-256 (of the DER) of our certificate, in hex. Raises `IdentityDamaged`."""
    try:
        certificate = x509.load_pem_x509_certificates(certificate_pem)[0]
    except _UNREADABLE as error:
        raise IdentityDamaged("the certificate cannot be read") from error
    return f"{certificate.serial_number:032x}", hashlib.sha256(_der(certificate)).hexdigest()


def check_server(der: bytes, ca_pem: bytes, role: Role, now_us: int) -> None:
    """Hold a server, whose signatures TLS has checked, to its role, and to the time that it is at least.

    A station's certificate must not do for a hub: it lies in every cupboard. Raises `Untrusted`.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
    except _UNREADABLE as error:
        raise Untrusted("a certificate that cannot be read") from error
    named = whom(certificate)
    if named.role != role:
        raise Untrusted(f"whoever answers is a {named.role[:20]}, not the {role}")
    if any(whole.not_valid_after_utc.timestamp() * 1e6 <= now_us for whole in (certificate, *_authorities(ca_pem))):
        raise Untrusted("the hub's certificate has run out; its clock and its authority want looking after")


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except _UNREADABLE as error:
        raise IdentityDamaged("the key cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise IdentityDamaged("the key is of another kind")
    return key


def _authorities(ca_pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(ca_pem)
    except _UNREADABLE as error:
        raise IdentityDamaged("the authority's certificate cannot be read") from error


def _key_of(certificate: x509.Certificate) -> bytes:
    try:
        return _public(certificate.public_key())
    except _UNREADABLE:
        return b""


def _public(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        return b""
    return key.public_bytes(Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, *_UNREADABLE):
        return False


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
