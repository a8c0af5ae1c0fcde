"""What stands in the store's certificates, and which requests are taken."""

from __future__ import annotations

import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput
from provisioning.authority import Revoked
from provisioning.certificates import MAX_REQUEST_BYTES, Subject, key_hash, read_request, serial_of, serial_text
from tests.unit.provisioning.shop import DAY_US, NOON_US, STORE, Machine, authority

NAME = identity_of(b"\x05" * 8)


def text(name: x509.Name) -> str:
    return name.rfc4514_string()


def of_station() -> x509.Certificate:
    ours = authority()
    key = Machine().key.public_key()
    return ours.certify(Subject(NAME, STORE, Role.STATION), key, ours.lasting(NOON_US), serial_text(0xABC))


def test_the_root_signs_one_authority_and_nothing_below_it_but_ends() -> None:
    ours = authority()
    for certificate, length, days in ((ours.root, 1, 20 * 365), (ours.issuing, 0, 10 * 365)):
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, length)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        assert usage.critical
        assert usage.value.key_cert_sign
        assert usage.value.crl_sign
        assert not usage.value.digital_signature
        assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days == days + 1
    ours.issuing.verify_directly_issued_by(ours.root)
    ours.root.verify_directly_issued_by(ours.root)


def test_a_station_is_named_by_its_subject_and_may_only_be_a_client() -> None:
    certificate = of_station()
    assert text(certificate.subject) == f"CN={NAME},OU=station,O={STORE}"
    assert certificate.serial_number == 0xABC
    found = {each.oid: each for each in certificate.extensions}
    assert list(found[ExtensionOID.EXTENDED_KEY_USAGE].value) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert found[ExtensionOID.BASIC_CONSTRAINTS].critical
    assert found[ExtensionOID.KEY_USAGE].critical
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in found
    assert ExtensionOID.SUBJECT_KEY_IDENTIFIER in found
    assert ExtensionOID.AUTHORITY_KEY_IDENTIFIER in found
    assert int(certificate.not_valid_before_utc.timestamp()) == (NOON_US - DAY_US) // 1_000_000
    assert int(certificate.not_valid_after_utc.timestamp()) == (NOON_US + 60 * DAY_US) // 1_000_000


@pytest.mark.parametrize("role", [Role.HUB, Role.BROKER])
def test_hub_and_broker_are_servers_under_their_names(role: Role) -> None:
    ours = authority()
    key = Machine().key.public_key()
    certificate = ours.certify_own(role, ("10.0.0.2", "hub.shop", "::1"), key, NOON_US, bytes(16))
    assert text(certificate.subject) == f"CN={role},OU={role},O={STORE}"
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hub.shop"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.2", "::1"]
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.SERVER_AUTH in usage
    with pytest.raises(BadInput, match="bad-host"):
        ours.certify_own(role, ("hüb",), key, NOON_US, bytes(16))


def test_no_certificate_outlives_its_authority() -> None:
    ours = authority()
    nearly_us = NOON_US + (10 * 365 - 3) * DAY_US
    assert ours.lasting(nearly_us).not_after_us == NOON_US + 10 * 365 * DAY_US


def test_the_same_words_give_the_same_bytes() -> None:
    ours, key = authority(), Machine().key.public_key()
    first, again = (
        ours.certify(Subject(NAME, STORE, Role.STATION), key, ours.lasting(NOON_US), serial_text(7)) for _ in range(2)
    )
    assert first.public_bytes(Encoding.DER) == again.public_bytes(Encoding.DER)


def test_the_fingerprint_is_half_the_hash_of_the_root() -> None:
    ours = authority()
    assert ours.fingerprint == hashlib.sha256(ours.root.public_bytes(Encoding.DER)).digest()[:16]


@given(st.binary(min_size=16, max_size=16))
def test_serials_are_positive_and_of_128_bits(random: bytes) -> None:
    serial = serial_of(random)
    assert 0 < serial < 1 << 128
    assert int(serial_text(serial), 16) == serial
    assert len(serial_text(serial)) == 32


def test_the_list_of_the_revoked_names_serials_and_lasts_beyond_thirty_days() -> None:
    ours = authority()
    gone = Revoked(serial_text(9), NOON_US, x509.ReasonFlags.superseded)
    read = x509.load_pem_x509_crl(ours.revocation_list([gone], 12, NOON_US))
    assert read.is_signature_valid(ours.issuing.public_key())  # type: ignore[arg-type]  # ours is on P-256
    assert [each.serial_number for each in read] == [9]
    assert read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 12
    assert read.next_update_utc is not None
    assert (read.next_update_utc - read.last_update_utc).days > 30


def test_a_request_is_read_for_its_key_and_for_whom_it_claims_to_be() -> None:
    machine = Machine()
    read = read_request(machine.request(NAME))
    assert read.key_sha256 == key_hash(machine.key.public_key())
    assert read.claims == {NAME}
    assert read_request(machine.request("till-3")).claims == frozenset()


def _request(key: object) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)  # type: ignore[arg-type]  # any kind of key


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-384", "secp256k1", "Ed25519", "RSA"],
)
def test_only_keys_on_p256_are_taken(key: object) -> None:
    with pytest.raises(BadInput, match="csr-key"):
        read_request(_request(key))


def test_a_request_that_was_changed_or_is_too_long_is_refused() -> None:
    der = bytearray(Machine().request())
    der[-1] ^= 1
    with pytest.raises(BadInput, match=r"csr-signature|bad-csr"):
        read_request(bytes(der))
    with pytest.raises(BadInput, match="csr-size"):
        read_request(bytes(MAX_REQUEST_BYTES + 1))


WHOLE = Machine().request(NAME)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_request_or_a_typed_error(der: bytes) -> None:
    with pytest.raises(BadInput):
        read_request(der)


def test_a_request_of_another_version_is_refused() -> None:
    version = WHOLE.index(b"\x02\x01\x00") + 2
    with pytest.raises(BadInput, match="bad-csr"):
        read_request(WHOLE[:version] + b"\x01" + WHOLE[version + 1 :])


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.integers(1, len(WHOLE)))
def test_of_a_damaged_request_nothing_is_believed_that_was_not_signed(at: int, flip: int, cut: int) -> None:
    der = bytearray(WHOLE)
    der[at] ^= flip
    try:
        read = read_request(bytes(der))
    except BadInput:
        pass
    else:
        # How many bits of the signature's last byte are meant is not signed.
        assert (read.key_sha256, read.claims) == (read_request(WHOLE).key_sha256, frozenset({NAME}))
    with pytest.raises(BadInput):
        read_request(WHOLE[:-cut])


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(1, 255))
def test_any_bytes_for_a_certificate_are_refused_by_name(der: bytes, at: int, flip: int) -> None:
    with pytest.raises(BadInput):
        AUTHORITY.recognise(der, NOON_US)
    damaged = bytearray(GIVEN)
    damaged[at % len(damaged)] ^= flip
    try:
        shown = AUTHORITY.recognise(bytes(damaged), NOON_US)
    except BadInput:
        pass
    else:
        assert (shown.identity, shown.serial) == (NAME, serial_text(7))


AUTHORITY = authority()
GIVEN = AUTHORITY.certify(
    Subject(NAME, STORE, Role.STATION), Machine().key.public_key(), AUTHORITY.lasting(NOON_US), serial_text(7)
).public_bytes(Encoding.DER)


def test_a_certificate_of_another_version_is_refused() -> None:
    version = GIVEN.index(b"\xa0\x03\x02\x01\x02") + 4
    with pytest.raises(BadInput, match="bad-certificate"):
        AUTHORITY.recognise(GIVEN[:version] + b"\x07" + GIVEN[version + 1 :], NOON_US)


def test_no_text_of_these_holds_a_key() -> None:
    ours = AUTHORITY
    assert "PRIVATE" not in repr(ours) + repr(ours._issuer)
    assert str(ours._issuer.key.private_numbers().private_value) not in repr(vars(ours))
