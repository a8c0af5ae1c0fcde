"""Why a TLS handshake with a broker came to nothing, in words that stay; read from what OpenSSL says of it. Pure.

What we hold against the broker's certificate is a verify result (X509_V_ERR_*, x509_vfy.h); what it holds against ours
comes as an alert (RFC 8446 section 6.2), which in TLS 1.3 arrives when the handshake seems to be over.
"""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    """What stands between us and a broker. Those of a broker's certificate come first, then those of our own."""

    BROKER_UNKNOWN_CA = "broker-unknown-ca"
    BROKER_EXPIRED = "broker-expired"
    BROKER_NOT_YET_VALID = "broker-not-yet-valid"
    BROKER_OTHER_NAME = "broker-other-name"
    BROKER_BAD_CERTIFICATE = "broker-bad-certificate"
    BROKER_WITHOUT_TLS = "broker-without-tls"
    OWN_MISSING = "own-missing"
    """The broker wants a certificate and we showed none, or ours cannot be read."""
    OWN_UNKNOWN_CA = "own-unknown-ca"
    OWN_EXPIRED = "own-expired"
    """Or the broker's list of revoked certificates is: then it lets nobody in."""
    OWN_REVOKED = "own-revoked"
    OWN_REFUSED = "own-refused"
    """Not for this use, not yet valid, or broken."""
    HANDSHAKE_FAILED = "handshake-failed"
    NOT_LET_IN = "not-let-in"
    """The handshake went well, and the broker's CONNACK says no."""
    NOT_PERMITTED = "not-permitted"
    """The broker delivers nothing that we say: it does not know us yet, or no longer, or we go by a wrong name."""
    NOT_REACHED = "not-reached"


_VERIFY = {
    9: Trouble.BROKER_NOT_YET_VALID,
    10: Trouble.BROKER_EXPIRED,
    2: Trouble.BROKER_UNKNOWN_CA,
    18: Trouble.BROKER_UNKNOWN_CA,
    19: Trouble.BROKER_UNKNOWN_CA,
    20: Trouble.BROKER_UNKNOWN_CA,
    21: Trouble.BROKER_UNKNOWN_CA,
    62: Trouble.BROKER_OTHER_NAME,
    64: Trouble.BROKER_OTHER_NAME,
}
_ALERTS = {
    "ALERT_UNKNOWN_CA": Trouble.OWN_UNKNOWN_CA,
    "ALERT_CERTIFICATE_EXPIRED": Trouble.OWN_EXPIRED,
    "ALERT_CERTIFICATE_REVOKED": Trouble.OWN_REVOKED,
    "ALERT_CERTIFICATE_REQUIRED": Trouble.OWN_MISSING,
    "ALERT_CERTIFICATE_UNKNOWN": Trouble.OWN_REFUSED,
    "ALERT_BAD_CERTIFICATE": Trouble.OWN_REFUSED,
    "ALERT_UNSUPPORTED_CERTIFICATE": Trouble.OWN_REFUSED,
    "ALERT_ACCESS_DENIED": Trouble.OWN_REFUSED,
}


def trouble_of_certificate(verify_code: int) -> Trouble:
    """Say what is wrong with the broker's certificate."""
    return _VERIFY.get(verify_code, Trouble.BROKER_BAD_CERTIFICATE)


def trouble_of_handshake(reason: str) -> Trouble:
    """Say why a handshake failed by OpenSSL's reason, such as "SSLV3_ALERT_CERTIFICATE_REVOKED"."""
    for alert, trouble in _ALERTS.items():
        if reason.endswith(alert):
            return trouble
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"):
        return Trouble.BROKER_WITHOUT_TLS
    return Trouble.HANDSHAKE_FAILED
