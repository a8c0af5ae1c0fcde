"""The table of what is refused at the enrolment desk, each by its name, and counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput
from protocol.identity_words import End
from provisioning.certificates import Subject, serial_text
from tests.unit.provisioning.shop import DAY_US, NOON_US, STORE, Machine, Shop, authority

MINUTE_US = 60_000_000
NOBODY = identity_of(b"\xee" * 8)

Attempt = Callable[[Shop], Awaitable[object]]


async def _unknown_token(shop: Shop) -> object:
    await shop.invite()
    return await shop.desk.enrol(Machine().request(), b"\0" * 8)


async def _expired(shop: Shop) -> object:
    invite = await shop.invite(valid_s=60)
    shop.clock.now_us += MINUTE_US
    return await shop.enrol(invite, Machine())


async def _second_key(shop: Shop) -> object:
    invite = await shop.invite()
    await shop.enrol(invite, Machine())
    return await shop.enrol(invite, Machine())


async def _replayed_late(shop: Shop) -> object:
    invite, machine = await shop.invite(), Machine()
    await shop.enrol(invite, machine)
    shop.clock.now_us += DAY_US
    return await shop.enrol(invite, machine)


async def _withdrawn(shop: Shop) -> object:
    invite = await shop.invite()
    await shop.desk.end(invite.standing.identity, End.REVOKED, "ann", "a mistake")
    return await shop.enrol(invite, Machine())


async def _claims_another(shop: Shop) -> object:
    return await shop.enrol(await shop.invite(), Machine(), NOBODY)


async def _renewal_claims_another(shop: Shop) -> object:
    _, issued = await shop.enrolled()
    return await shop.desk.renew(Machine().request(NOBODY), issued.certificate)


async def _anothers_key(shop: Shop) -> object:
    machine, _ = await shop.enrolled()
    return await shop.enrol(await shop.invite("till-4"), machine)


async def _outrun(shop: Shop) -> object:
    slow, quick = await shop.invite(), await shop.invite()
    await shop.enrol(quick, Machine())
    return await shop.enrol(slow, Machine())


async def _invited_over_another(shop: Shop) -> object:
    await shop.enrolled()
    return await shop.invite()


async def _foreign(shop: Shop) -> object:
    other = authority()
    theirs = other.certify(
        Subject(NOBODY, STORE, Role.STATION), Machine().key.public_key(), other.lasting(NOON_US), serial_text(1)
    )
    return await shop.desk.recognise(_der(theirs))


async def _never_said(shop: Shop) -> object:
    """Ours by its signature, and of no book: of a hub restored from before it was given."""
    ours = shop.authority
    lost = ours.certify(
        Subject(NOBODY, STORE, Role.STATION), Machine().key.public_key(), ours.lasting(NOON_US), serial_text(1)
    )
    return await shop.desk.recognise(_der(lost))


async def _the_hubs_own(shop: Shop) -> object:
    own = shop.authority.certify_own(Role.HUB, ("10.0.0.2",), Machine().key.public_key(), NOON_US, bytes(16))
    return await shop.desk.renew(Machine().request(), _der(own))


async def _the_authoritys(shop: Shop) -> object:
    return await shop.desk.recognise(_der(shop.authority.issuing))


async def _too_early(shop: Shop) -> object:
    _, issued = await shop.enrolled()
    shop.clock.now_us -= 2 * DAY_US
    return await shop.desk.recognise(issued.certificate)


async def _revoked(shop: Shop) -> object:
    _, issued = await shop.enrolled()
    await shop.desk.end(issued.standing.identity, End.REVOKED, "ann", "stolen")
    return await shop.desk.renew(Machine().request(), issued.certificate)


async def _renewed_too_often(shop: Shop) -> object:
    _, issued = await shop.enrolled()
    for _ in range(30):
        issued = await shop.desk.renew(Machine().request(), issued.certificate)
    return issued


async def _used_key(shop: Shop) -> object:
    await shop.invite(key="k")
    return await shop.invite("till-4", key="k")


REFUSALS: dict[str, tuple[str, Attempt]] = {
    "a token nobody was given": ("token-unknown", _unknown_token),
    "an invitation that has expired": ("invitation-expired", _expired),
    "a second machine with a used token": ("invitation-closed", _second_key),
    "the same machine a day later": ("invitation-expired", _replayed_late),
    "an invitation taken back": ("identity-ended", _withdrawn),
    "a request that names another": ("identity-claimed", _claims_another),
    "a renewal that names another": ("identity-claimed", _renewal_claims_another),
    "the key of another station": ("key-in-use", _anothers_key),
    "the slower of two invited to one position": ("position-taken", _outrun),
    "an invitation to where another stands": ("position-taken", _invited_over_another),
    "a certificate of another authority": ("certificate-foreign", _foreign),
    "a certificate the book does not know": ("certificate-unknown", _never_said),
    "the hub's own certificate": ("certificate-unknown", _the_hubs_own),
    "the authority's own certificate": ("bad-certificate|certificate-foreign", _the_authoritys),
    "a certificate from the future": ("certificate-early", _too_early),
    "a revoked station": ("identity-ended", _revoked),
    "a station that renews and renews": ("renewal-too-often", _renewed_too_often),
    "an end of nobody": ("identity-unknown", lambda shop: shop.desk.end(NOBODY, End.RETIRED, "ann", "")),
    "an end by nobody": ("bad-author", lambda shop: shop.desk.end(NOBODY, End.RETIRED, "", "")),
    "papers of nobody": ("identity-unknown", lambda shop: shop.desk.papers(NOBODY)),
    "no request at all": ("token-unknown", lambda shop: shop.desk.enrol(b"", b"")),
    "nobody again": ("identity-unknown", lambda shop: shop.invite(again=NOBODY)),
    "in nobody's stead": ("identity-unknown", lambda shop: shop.invite(replaces=NOBODY)),
    "a position that is no name": ("bad-position", lambda shop: shop.invite("../till")),
    "a place that is no name": ("bad-place", lambda shop: shop.invite(place="")),
    "an area that is no name": ("bad-place", lambda shop: shop.invite(area="A B")),
    "a note that moves a cursor": ("bad-note", lambda shop: shop.invite(note="\x1b[2J")),
    "a note that is a book": ("bad-note", lambda shop: shop.invite(note="x" * 501)),
    "good for a year": ("bad-validity", lambda shop: shop.invite(valid_s=365 * 86_400)),
    "good for no time": ("bad-validity", lambda shop: shop.invite(valid_s=0)),
    "a hub by a name": ("bad-invitation", lambda shop: shop.invite(hub="hub.shop")),
    "a key that was used": ("key-used|key-reused", _used_key),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_is_refused(case: str) -> None:
    name, attempt = REFUSALS[case]
    shop = Shop()
    with pytest.raises(BadInput) as refused:
        await attempt(shop)
    assert refused.value.name in name.split("|")
    if "papers" not in case:
        assert shop.desk.refused[refused.value.name] == 1


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
