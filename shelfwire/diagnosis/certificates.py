"""What certificates say of themselves: the public parts, and how long they last. Of keys, that they are there."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

MAX_BYTES = 256 * 1024


def told_of_certificates(path: Path) -> list[dict[str, object]] | str:
    """Describe the certificates in a file in PEM, whatever else is in it; in words, why that cannot be."""
    try:
        content = path.read_bytes()[:MAX_BYTES]
        found = x509.load_pem_x509_certificates(content)
    except FileNotFoundError:
        return "is not there"
    except (OSError, ValueError) as error:
        return f"cannot be read: {type(error).__name__}"
    return [
        {
            "subject": each.subject.rfc4514_string(),
            "issuer": each.issuer.rfc4514_string(),
            "serial": f"{each.serial_number:032x}",
            "from": each.not_valid_before_utc.isoformat(),
            "until": each.not_valid_after_utc.isoformat(),
            "sha256": hashlib.sha256(each.public_bytes(Encoding.DER)).hexdigest(),
        }
        for each in found
    ]


def told_of_revocations(path: Path) -> dict[str, object] | str:
    """Describe a list of the revoked in PEM."""
    try:
        listed = x509.load_pem_x509_crl(path.read_bytes())
    except FileNotFoundError:
        return "is not there"
    except (OSError, ValueError) as error:
        return f"cannot be read: {type(error).__name__}"
    until = listed.next_update_utc
    return {
        "issuer": listed.issuer.rfc4514_string(),
        "from": listed.last_update_utc.isoformat(),
        "until": None if until is None else until.isoformat(),
        "revoked": len(listed),
    }
