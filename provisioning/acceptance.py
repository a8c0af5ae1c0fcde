"""Holds the signed record of a hand-over check to the book: the station it is of signed it, with a key it still has.

Pure. Whoever has the record, the book's word on the certificate and the authority's own certificate can check it again.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from protocol.acceptance import Acceptance, SignedAcceptance, read_record
from protocol.errors import BadInput
from protocol.identity_words import Certificate, Standing
from provisioning.authority import Authority
from provisioning.certificates import UNREADABLE, Subject, Validity, key_hash, p256, strictly
from provisioning.revocation import revoked_of


def check_signed(signed: SignedAcceptance, given: Certificate) -> tuple[Acceptance, ec.EllipticCurvePublicKey]:
    """Check that a record was signed by the key that a certificate was given for; give it, and that key.

    Raises `BadInput`: "bad-acceptance", "acceptance-size" (no record), "acceptance-key" (of another key than the
    certificate's), "acceptance-signature" (a bit of the record is another than when it was signed).
    """
    record = read_record(signed.record.encode("utf-8", "replace"))
    try:
        with strictly():
            key = p256(load_der_public_key(signed.public_key_der), "acceptance-key")
    except UNREADABLE as error:
        raise BadInput("acceptance-key", "the public key cannot be read") from error
    if record.serial != given.serial or key_hash(key) != given.key_sha256:
        raise BadInput("acceptance-key", f"certificate {record.serial} was given for another key")
    try:
        key.verify(signed.signature_der, signed.record.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise BadInput("acceptance-signature", "the signature is not that of this record") from error
    return record, key


def hold_to_book(signed: SignedAcceptance, standing: Standing, authority: Authority) -> tuple[Acceptance, Certificate]:
    """Check that a record is of this identity, signed under a certificate that is still its; give both.

    Raises `BadInput` as `check_signed` does; "acceptance-foreign" (another station's, or of another store),
    "certificate-unknown", "certificate-revoked".
    """
    record = read_record(signed.record.encode("utf-8", "replace"))
    if (record.station, record.store) != (standing.identity, authority.store):
        raise BadInput("acceptance-foreign", f"it is of {record.station} of {record.store}")
    given = next((each for each in standing.certificates if each.serial == record.serial), None)
    if given is None:
        raise BadInput("certificate-unknown", f"the book knows no certificate {record.serial} of it")
    if given.serial in (each.serial for each in revoked_of(standing)):
        raise BadInput("certificate-revoked", f"{standing.identity} has enrolled with another key since")
    record, key = check_signed(signed, given)
    subject = Subject(standing.identity, authority.store, standing.invitation.role)
    certificate = authority.certify(subject, key, Validity(given.not_before_us, given.not_after_us), given.serial)
    if record.certificate != hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest():
        raise BadInput("acceptance-key", "it names a certificate that was never given")
    return record, given
