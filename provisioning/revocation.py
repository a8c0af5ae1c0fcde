"""Which certificates are no longer good, by what the book says of an identity.

Two reasons: the identity has ended; or it has enrolled by another invitation since, its key having been lost: then
whoever finds the old key is nobody. What was renewed stays good until it runs out.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.x509 import ReasonFlags

from protocol.identity_words import Certificate, End, Standing
from provisioning.authority import Revoked
from provisioning.certificates import BACKDATED_US, DAY_US

_ENDS = {End.RETIRED: ReasonFlags.cessation_of_operation, End.REVOKED: ReasonFlags.privilege_withdrawn}


def given_us(certificate: Certificate) -> int:
    """Tell when a certificate was given, to the second."""
    return certificate.not_before_us + BACKDATED_US


def revoked_of(standing: Standing) -> tuple[Revoked, ...]:
    """List the certificates of an identity that were taken back."""
    if standing.end is not None:
        at_us = standing.ended_us or 0
        return tuple(Revoked(each.serial, at_us, _ENDS[standing.end]) for each in standing.certificates)
    by_token = [number for number, each in enumerate(standing.certificates) if not each.renews]
    if not by_token:
        return ()
    at_us = given_us(standing.certificates[by_token[-1]])
    return tuple(Revoked(each.serial, at_us, ReasonFlags.superseded) for each in standing.certificates[: by_token[-1]])


def revoked(standings: Iterable[Standing], now_us: int) -> tuple[Revoked, ...]:
    """List what belongs on the list of the revoked: those certificates that have not run out since, by a day."""
    listed: list[Revoked] = []
    for standing in standings:
        last_us = {each.serial: each.not_after_us + DAY_US for each in standing.certificates}
        listed += (each for each in revoked_of(standing) if now_us < last_us[each.serial])
    return tuple(listed)
