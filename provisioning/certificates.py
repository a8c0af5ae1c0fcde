"""The certificates of a store: what stands in each of them, and what is asked of a request for one.

Pure: times and random bytes are given, and signatures are deterministic (RFC 6979), so that a certificate can be made
once more, byte for byte, from what the book says of it. Profiles as RFC 5280 section 4; keys on P-256 alone.

    root       CN=Shelfwire root, O=store       CA, path length 1, keyCertSign cRLSign              20 years
    issuing    CN=Shelfwire issuing, O=store    CA, path length 0, keyCertSign cRLSign              10 years
    station    CN=st-…, O=store, OU=station     digitalSignature, clientAuth                        60 days
    hq         CN=st-…, O=store, OU=hq          likewise
    hub        CN=hub, O=store, OU=hub          digitalSignature, serverAuth clientAuth, its names  60 days
    broker     CN=broker, O=store, OU=broker    likewise
"""

from __future__ import annotations

import hashlib
import ipaddress
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from protocol.enrolment import Role, parse_identity
from protocol.errors import BadInput
from protocol.identity import StationId, StoreId

DAY_US = 86_400_000_000
BACKDATED_US = DAY_US
"""A certificate is good from this long before it was given: clocks of stations are late."""
ROOT_DAYS = 20 * 365
ISSUING_DAYS = 10 * 365
LIFE_DAYS = 60
MAX_REQUEST_BYTES = 8 * 1024
SERIAL_BYTES = 16

UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, Warning)
"""What `cryptography` raises of bytes that somebody sent, read `strictly`."""

_SECOND_US = 1_000_000
_ENDS = {
    Role.STATION: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    Role.HQ: (ExtendedKeyUsageOID.CLIENT_AUTH,),
    Role.HUB: (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
    Role.BROKER: (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH),
}


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is good, in UTC microseconds that are whole seconds."""

    not_before_us: int
    not_after_us: int


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate names."""

    name: str
    store: StoreId
    role: Role


@dataclass(frozen=True, slots=True)
class Issuer:
    """A certificate that may sign others, and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"Issuer({self.certificate.subject.rfc4514_string()!r})"


@dataclass(frozen=True, slots=True)
class Request:
    """What is taken from a request (PKCS#10, RFC 2986): the key it proves to have, and the identities it names."""

    public_key: ec.EllipticCurvePublicKey
    key_sha256: str
    claims: frozenset[StationId]


def read_request(der: bytes) -> Request:
    """Read a request in DER and check its signature; of its subject, only a claim to be somebody is looked at.

    Raises `BadInput`: "csr-size", "bad-csr", "csr-key" (not P-256), "csr-signature".
    """
    if len(der) > MAX_REQUEST_BYTES:
        raise BadInput("csr-size", f"{len(der)} bytes, more than {MAX_REQUEST_BYTES}")
    try:
        with strictly():
            request = x509.load_der_x509_csr(der)
            public_key = request.public_key()
            named = [attribute.value for attribute in request.subject]
    except UNREADABLE as error:
        raise BadInput("bad-csr", "not a request for a certificate (PKCS#10 in DER)") from error
    key = p256(public_key, "csr-key")
    try:
        signed = request.is_signature_valid
    except UNREADABLE as error:
        raise BadInput("csr-signature", "signed by no algorithm that goes with its key") from error
    if not signed:
        raise BadInput("csr-signature", "not signed by the key it asks for")
    return Request(key, key_hash(key), frozenset(_identities(named)))


@contextmanager
def strictly() -> Iterator[None]:
    """Read with what `cryptography` only warns of, of bytes that break RFC 5280, as an error (`UNREADABLE`)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def p256(public_key: object, name: str) -> ec.EllipticCurvePublicKey:
    """Take a key for what certificates here are given for. Raises `BadInput` under `name`."""
    if not isinstance(public_key, ec.EllipticCurvePublicKey) or not isinstance(public_key.curve, ec.SECP256R1):
        raise BadInput(name, "only keys on the curve P-256 are taken")
    return public_key


def key_hash(public_key: ec.EllipticCurvePublicKey) -> str:
    """Give the SHA-256 of a key, its SubjectPublicKeyInfo in DER, in hex."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(public_key.public_bytes(serialization.Encoding.DER, form)).hexdigest()


def serial_of(random: bytes) -> int:
    """Make a serial number, positive and of 128 bits (RFC 5280 section 4.1.2.2), of 16 random bytes."""
    return int.from_bytes(random[:SERIAL_BYTES], "big") or 1


def serial_text(serial: int) -> str:
    """Write a serial number as the book keeps it."""
    return f"{serial:032x}"


def validity(now_us: int, days: int, within: x509.Certificate | None = None) -> Validity:
    """Say how long a certificate given now is good: `days`, and no longer than its issuer `within`."""
    given_us = -(-now_us // _SECOND_US) * _SECOND_US
    until_us = given_us + days * DAY_US
    if within is not None:
        until_us = min(until_us, int(within.not_valid_after_utc.timestamp()) * _SECOND_US)
    return Validity(given_us - BACKDATED_US, until_us)


def root_certificate(key: ec.EllipticCurvePrivateKey, store: StoreId, now_us: int, random: bytes) -> x509.Certificate:
    """Make the certificate that a store's stations trust, signed by itself."""
    name = _authority_name("Shelfwire root", store)
    return _authority(name, name, key.public_key(), key, None, validity(now_us, ROOT_DAYS), serial_of(random), 1)


def issuing_certificate(
    root: Issuer, key: ec.EllipticCurvePublicKey, store: StoreId, now_us: int, random: bytes
) -> x509.Certificate:
    """Make the certificate of the authority that lives on the hub."""
    name = _authority_name("Shelfwire issuing", store)
    valid = validity(now_us, ISSUING_DAYS, root.certificate)
    return _authority(
        name, root.certificate.subject, key, root.key, root.certificate, valid, serial_of(random), 0
    )  # fmt: skip


def end_certificate(
    issuer: Issuer,
    subject: Subject,
    public_key: ec.EllipticCurvePublicKey,
    valid: Validity,
    serial: int,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    """Make the certificate of a station, of head office, of the hub or of a broker; `hosts` are addresses and names."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.store),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, subject.role.value),
            x509.NameAttribute(NameOID.COMMON_NAME, subject.name),
        ]
    )
    builder = (
        _builder(name, issuer.certificate.subject, public_key, valid, serial)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_ENDS[subject.role]), critical=False)
        .add_extension(_issued_by(issuer.certificate), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
    return builder.sign(issuer.key, hashes.SHA256(), ecdsa_deterministic=True)


def _authority(
    name: x509.Name,
    issuer_name: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signing: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    valid: Validity,
    serial: int,
    path_length: int,
) -> x509.Certificate:
    builder = (
        _builder(name, issuer_name, public_key, valid, serial)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(signs=True), critical=True)
    )
    if issuer is not None:
        builder = builder.add_extension(_issued_by(issuer), critical=False)
    return builder.sign(signing, hashes.SHA256(), ecdsa_deterministic=True)


def _builder(
    name: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, valid: Validity, serial: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(moment(valid.not_before_us))
        .not_valid_after(moment(valid.not_after_us))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _authority_name(name: str, store: StoreId) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, store), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _issued_by(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass  # then it is a name
    try:
        return x509.DNSName(host)
    except ValueError as error:
        raise BadInput("bad-host", f"{host[:80]!r} is no address and no name of letters of ASCII") from error


def moment(at_us: int) -> datetime:
    """Give a time as certificates have it, in whole seconds."""
    return datetime.fromtimestamp(at_us // _SECOND_US, UTC)


def _identities(named: Iterable[object]) -> Iterable[StationId]:
    for value in named:
        try:
            yield parse_identity(value if isinstance(value, str) else "")
        except BadInput:
            continue  # what a stock client writes there is of no matter
