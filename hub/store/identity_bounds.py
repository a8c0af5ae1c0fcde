"""What an entry about an identity may say: names that are nobody else's, stations that stand somewhere.

Pure.
"""

from __future__ import annotations

import re
from typing import Final

from protocol.acceptance import read_record
from protocol.cards import Mode
from protocol.enrolment import Role, parse_identity
from protocol.errors import BadInput
from protocol.identity_words import Certified, HandedOver, IdentityWord, Invited

_HEX: Final = re.compile(r"[0-9a-f]{64}")
_SERIAL: Final = re.compile(r"[0-9a-f]{1,40}")


def check_identity_word(word: IdentityWord) -> None:
    """Hold a word on an identity to its bounds. Raises `BadInput` ("bad-entry", "bad-identity")."""
    match word:
        case Invited():
            check_name(word.identity, word.role)
            if not _HEX.fullmatch(word.token_sha256):
                raise BadInput("bad-entry", "an invitation without the hash of its token")
            if word.role is Role.STATION:
                if not (word.position and word.place):
                    raise BadInput("bad-entry", "a station at no position, or in no place")
                if word.mode not in set(Mode):
                    raise BadInput("bad-entry", f"a station in the mode {word.mode[:40]!r}")
            elif word.replaces:
                raise BadInput("bad-entry", "only stations take over each other's positions")
            if word.replaces == word.identity:
                raise BadInput("bad-entry", f"{word.identity} in its own stead")
        case Certified():
            if not (_SERIAL.fullmatch(word.serial) and _HEX.fullmatch(word.key_sha256)):
                raise BadInput("bad-entry", "a certificate whose serial or key is no hexadecimal number")
        case HandedOver():
            if not _SERIAL.fullmatch(word.serial):
                raise BadInput("bad-entry", "a check signed by a certificate whose serial is no hexadecimal number")
            read_record(word.record.encode())
        case _:
            pass


def check_name(identity: str, role: Role) -> None:
    """Refuse a name that nobody of this role may be invited as.

    These names are drawn and not chosen, so that none is called like a log of the hub's own ("hub", "counts"). Raises
    `BadInput` ("bad-identity").
    """
    if role not in (Role.STATION, Role.HQ):
        raise BadInput("bad-identity", f"a {role.value} is not invited: it is given its certificate at the hub")
    parse_identity(identity)
