"""Who may be invited, certified and ended when: an identity ends once, and a token is good for one key."""

from __future__ import annotations

import msgspec
import pytest

from protocol.enrolment import Role, identity_of, parse_identity
from protocol.errors import BadInput
from protocol.identity_words import Certified, End, Ended, Invited, Standing, after, may_use_token, token_hash

NAME = identity_of(b"\x01" * 8)
INVITED = Invited(1, NAME, Role.STATION, "till-3", "shop", "", "sale", "", token_hash(b"t" * 8), 900, "ann", "")
CERTIFIED = Certified(2, NAME, "0a", "k1", 0, 5_000, "hub", "")
RETIRED = Ended(9, NAME, End.RETIRED, "ann", "dead")
REVOKED = Ended(10, NAME, End.REVOKED, "ann", "stolen")


def told(*words: Invited | Certified | Ended) -> Standing:
    standing = None
    for word in words:
        standing = after(standing, word)
    assert standing is not None
    return standing


def test_a_name_is_made_of_eight_bytes() -> None:
    assert parse_identity(NAME) == NAME
    assert identity_of(b"\x02" * 8) != NAME
    for bad in ("till-3", "st-", NAME + "a", NAME.upper(), "hub"):
        with pytest.raises(BadInput, match="bad-identity"):
            parse_identity(bad)


def test_invited_then_certified_is_enrolled() -> None:
    assert told(INVITED).open
    assert not told(INVITED).enrolled
    enrolled = told(INVITED, CERTIFIED)
    assert enrolled.enrolled
    assert not enrolled.open
    assert [one.serial for one in enrolled.certificates] == ["0a"]


def test_nobody_is_certified_uninvited() -> None:
    with pytest.raises(BadInput, match="identity-unknown"):
        after(None, CERTIFIED)
    with pytest.raises(BadInput, match="identity-unknown"):
        after(None, REVOKED)


@pytest.mark.parametrize("end", [RETIRED, REVOKED])
@pytest.mark.parametrize("word", [INVITED, CERTIFIED])
def test_nothing_brings_an_ended_one_back(end: Ended, word: Invited | Certified) -> None:
    with pytest.raises(BadInput, match="identity-ended"):
        told(INVITED, CERTIFIED, end, word)


def test_a_retired_one_may_be_revoked_and_never_the_reverse() -> None:
    assert told(INVITED, CERTIFIED, RETIRED, REVOKED).end is End.REVOKED
    assert told(INVITED, CERTIFIED, REVOKED, RETIRED).end is End.REVOKED
    assert told(INVITED, CERTIFIED, RETIRED, RETIRED).ended_us == RETIRED.at_us


def test_a_token_is_good_once_and_again_for_the_same_key() -> None:
    may_use_token(told(INVITED), "k1", 899)
    used = told(INVITED, CERTIFIED)
    may_use_token(used, "k1", 899)
    with pytest.raises(BadInput, match="invitation-closed"):
        may_use_token(used, "k2", 899)
    for standing in (told(INVITED), used):
        with pytest.raises(BadInput, match="invitation-expired"):
            may_use_token(standing, "k1", 900)
    with pytest.raises(BadInput, match="identity-ended"):
        may_use_token(told(INVITED, REVOKED), "k1", 5)


def test_one_whose_certificate_ran_out_is_invited_again_by_its_name() -> None:
    again = msgspec.structs.replace(INVITED, at_us=6_000, token_sha256=token_hash(b"u" * 8), expires_us=7_000)
    standing = told(INVITED, CERTIFIED, again)
    assert standing.open
    may_use_token(standing, "k2", 6_500)


def test_a_station_does_not_become_a_hub() -> None:
    with pytest.raises(BadInput, match="identity-role"):
        told(INVITED, msgspec.structs.replace(INVITED, role=Role.HUB))


def test_of_a_token_only_a_hash_is_kept() -> None:
    assert token_hash(b"t" * 8) != token_hash(b"t" * 7 + b"u")
    assert "t" * 8 not in token_hash(b"t" * 8)
