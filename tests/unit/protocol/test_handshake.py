"""What OpenSSL says of a handshake, in words that stay."""

from __future__ import annotations

import pytest

from protocol.handshake import Trouble, trouble_of_certificate, trouble_of_handshake
from protocol.loopback import is_loopback


@pytest.mark.parametrize(
    ("reason", "trouble"),
    [
        ("SSLV3_ALERT_CERTIFICATE_REVOKED", Trouble.OWN_REVOKED),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", Trouble.OWN_EXPIRED),
        ("TLSV1_ALERT_UNKNOWN_CA", Trouble.OWN_UNKNOWN_CA),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", Trouble.OWN_MISSING),
        ("SSLV3_ALERT_BAD_CERTIFICATE", Trouble.OWN_REFUSED),
        ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", Trouble.OWN_REFUSED),
        ("WRONG_VERSION_NUMBER", Trouble.BROKER_WITHOUT_TLS),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", Trouble.HANDSHAKE_FAILED),
        ("", Trouble.HANDSHAKE_FAILED),
    ],
)
def test_alerts(reason: str, trouble: Trouble) -> None:
    assert trouble_of_handshake(reason) is trouble


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (9, Trouble.BROKER_NOT_YET_VALID),
        (10, Trouble.BROKER_EXPIRED),
        (20, Trouble.BROKER_UNKNOWN_CA),
        (62, Trouble.BROKER_OTHER_NAME),
        (64, Trouble.BROKER_OTHER_NAME),
        (26, Trouble.BROKER_BAD_CERTIFICATE),
    ],
)
def test_verify_results(code: int, trouble: Trouble) -> None:
    assert trouble_of_certificate(code) is trouble


def test_this_machine() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"))
    beyond = ("10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "hub")
    assert not any(is_loopback(host) for host in beyond)
