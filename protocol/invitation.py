"""The invitation that a station is enrolled by: 80 digits, the same in a QR code, on a keyboard and in a file.

Digits alone, because a scanner that types as a keyboard of another country sends other letters but the same digits.
Four rows of 20, as they are printed and typed; the last digit of each row checks the row, so that a person who mistypes
is told where:

    row 1    v dddddddddddddddddd c      v: the version, 1
    row 2      ddddddddddddddddddd c     d: 73 digits of one number, highest first
    row 3      ddddddddddddddddddd c     c: check digit of the row (GS1 General Specifications 7.9.1)
    row 4    ddddddddddddddddd kk c      k: ISO/IEC 7064 MOD 97-10 over the 74 digits of v and d

    number, 240 bits:  hub's IPv4 address 32 | port 16 | fingerprint of the authority 128 | token 64

An address of 0 means: ask for the hub by mDNS. The fingerprint is the first half of the SHA-256 of the authority's root
certificate in DER: the station trusts nobody else with the token. When it expires, and whom it is for, only the hub
knows. Nothing a shop sells has 80 digits.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from protocol.errors import BadInput
from protocol.gs1.check_digits import check_digit, has_check_digit

INVITATION_DIGITS = 80
ROW_DIGITS = 20
FINGERPRINT_BYTES = 16
TOKEN_BYTES = 8

_VERSION = "1"
_BODY = 73
_BITS = 240
_ASIDE = re.compile(r"[ \t\r\n-]+")


@dataclass(frozen=True, slots=True)
class Invitation:
    """Where to enrol, by whom alone, and the token that is good for it once.

    `hub` is an IPv4 address in dotted form, None to look for it by mDNS; `port` is that of its HTTPS.
    """

    hub: str | None
    port: int
    fingerprint: bytes
    token: bytes

    def __repr__(self) -> str:
        """Leave the token out: what is printed of an invitation may end in a log."""
        return f"Invitation(hub={self.hub!r}, port={self.port}, fingerprint={self.fingerprint.hex()})"


def write_invitation(invitation: Invitation) -> str:
    """Give the 80 digits. Raises `BadInput` ("bad-invitation") for what does not fit in them."""
    try:
        address = 0 if invitation.hub is None else int(ipaddress.IPv4Address(invitation.hub))
    except ValueError as error:
        raise BadInput("bad-invitation", f"{invitation.hub!r} is no IPv4 address") from error
    if not 0 < invitation.port < 1 << 16:
        raise BadInput("bad-invitation", f"port {invitation.port}")
    if len(invitation.fingerprint) != FINGERPRINT_BYTES or len(invitation.token) != TOKEN_BYTES:
        raise BadInput("bad-invitation", "a fingerprint has 16 bytes and a token 8")
    packed = address.to_bytes(4, "big") + invitation.port.to_bytes(2, "big") + invitation.fingerprint + invitation.token
    body = f"{_VERSION}{int.from_bytes(packed, 'big'):0{_BODY}d}"
    checked = f"{body}{98 - int(body) * 100 % 97:02d}"
    rows = (checked[at : at + ROW_DIGITS - 1] for at in range(0, len(checked), ROW_DIGITS - 1))
    return "".join(row + check_digit(row) for row in rows)


def rows(digits: str) -> tuple[str, ...]:
    """Part the 80 digits into the rows they are printed in."""
    return tuple(digits[at : at + ROW_DIGITS] for at in range(0, len(digits), ROW_DIGITS))


def looks_like_invitation(text: str) -> bool:
    """Tell whether `text` is meant as an invitation, whole or damaged: as many digits, and the version."""
    digits = _ASIDE.sub("", text)
    return len(digits) == INVITATION_DIGITS and digits.isascii() and digits.isdigit() and digits[0] == _VERSION


def read_invitation(text: str) -> Invitation:
    """Read what was scanned, typed or found in a file; spaces, hyphens and line ends are set aside.

    Raises `BadInput`: "invitation-length", "invitation-row" (its detail tells which of the four rows is mistyped),
    "invitation-check", "invitation-version" or "bad-invitation". No error repeats the digits: they are a secret.
    """
    digits = _ASIDE.sub("", text)
    if len(digits) != INVITATION_DIGITS or not (digits.isascii() and digits.isdigit()):
        raise BadInput("invitation-length", f"an invitation has {INVITATION_DIGITS} digits and nothing else")
    bad = [str(number) for number, row in enumerate(rows(digits), 1) if not has_check_digit(row)]
    if bad:
        raise BadInput("invitation-row", f"mistyped in row {' and '.join(bad)}")
    checked = "".join(row[:-1] for row in rows(digits))
    if int(checked) % 97 != 1:
        raise BadInput("invitation-check", "rows belong to different invitations, or two digits are exchanged")
    if checked[0] != _VERSION:
        raise BadInput("invitation-version", f"version {checked[0]} is not known here")
    number = int(checked[1 : 1 + _BODY])
    if number >> _BITS:
        raise BadInput("bad-invitation", "a number beyond 240 bits")
    packed = number.to_bytes(_BITS // 8, "big")
    address, port = int.from_bytes(packed[:4], "big"), int.from_bytes(packed[4:6], "big")
    if port == 0:
        raise BadInput("bad-invitation", "port 0")
    return Invitation(str(ipaddress.IPv4Address(address)) if address else None, port, packed[6:22], packed[22:])
