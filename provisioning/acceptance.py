"""Holds the signed record of a hand-over check to the book: that the key of the certificate it names signed it.

Pure. Whoever has the record, the book's word on the certificate and the authority's own certificate can check it again.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from protocol.acceptance import Acceptance, SignedAcceptance, read_record
from protocol.errors import BadInput
from protocol.identity_words import Certificate
from provisioning.certificates import UNREADABLE, key_hash, p256, strictly


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
