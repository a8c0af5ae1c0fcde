"""A machine's way at the desk: invited, enrolled, renewed, replaced, ended; and all that is refused on it.

Long, for the table of what is refused stands beside what is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from cryptography import x509

from protocol.cards import Mode
from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput
from protocol.identity_words import End, IdentityWord, Standing
from protocol.invitation import read_invitation
from provisioning.certificates import Subject, serial_text
from provisioning.wrong_tokens import WRONG_A_MINUTE
from tests.unit.provisioning.shop import DAY_US, NOON_US, STORE, Machine, Shop, authority, token

MINUTE_US = 60_000_000
NOBODY = identity_of(b"\xee" * 8)


def serials(crl: bytes) -> set[str]:
    return {serial_text(each.serial_number) for each in x509.load_pem_x509_crl(crl)}


async def test_from_invitation_to_papers() -> None:
    shop = Shop()
    invite = await shop.invite(mode=Mode.RECEIVE, hub="10.0.0.2", area="store", note="new till")
    told = read_invitation(invite.digits)
    assert (told.hub, told.port, told.fingerprint) == ("10.0.0.2", 8443, shop.authority.fingerprint)
    assert invite.expires_us == NOON_US + 15 * MINUTE_US
    machine = Machine()
    issued = await shop.enrol(invite, machine)
    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert certificate.public_key() == machine.key.public_key()
    recognised = await shop.desk.recognise(issued.certificate)
    assert (recognised.standing, recognised.role) == (issued.standing, Role.STATION)
    papers = await shop.desk.papers(recognised.standing.identity)
    assert (papers.store, papers.position, papers.place, papers.area) == (STORE, "till-3", "shop", "store")
    assert (papers.mode, papers.broker_port, papers.hub_time_us) == ("receive", 8883, NOON_US)
    assert [each.open for each in shop.changed] == [True, False]


async def test_an_answer_that_was_lost_is_given_again_the_same() -> None:
    shop, machine = Shop(), Machine()
    invite = await shop.invite()
    first = await shop.enrol(invite, machine)
    shop.clock.now_us += 10 * MINUTE_US
    assert (await shop.enrol(invite, machine)).certificate == first.certificate
    assert len(shop.book.words) == 2


class _PowerCut(BaseException):
    """What nobody catches."""


@pytest.mark.parametrize("kept", [False, True], ids=["before the word is durable", "after it"])
@pytest.mark.parametrize("step", ["enrol", "spare", "renew", "again"])
async def test_a_hub_that_dies_on_the_way_goes_on_where_its_book_is(
    step: str, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, machine = Shop(), Machine()
    dead = (await shop.enrolled())[1] if step != "enrol" else None
    again = dead.standing.identity if dead is not None and step == "again" else None
    replaces = dead.standing.identity if dead is not None and step == "spare" else None
    invite = await shop.invite(again=again, replaces=replaces) if step != "renew" else None

    async def ask() -> bytes:
        if invite is not None:
            return (await shop.enrol(invite, machine)).certificate
        assert dead is not None
        return (await shop.desk.renew(machine.request(), dead.certificate)).certificate

    say = shop.book.say

    async def cut(word: IdentityWord) -> Standing:
        if kept:
            await say(word)
        raise _PowerCut

    monkeypatch.setattr(shop.book, "say", cut)
    with pytest.raises(_PowerCut):
        await ask()
    monkeypatch.undo()
    shop.restart()
    certificate = await ask()
    assert await ask() == certificate
    recognised = await shop.desk.recognise(certificate)
    enrolled = [each.identity for each in await shop.book.standings() if each.enrolled]
    assert enrolled == [recognised.standing.identity], "two live stations in one position"
    assert len(recognised.standing.certificates) == (2 if step in ("renew", "again") else 1)


async def test_a_renewal_has_its_own_serial_and_leaves_the_old_one_good() -> None:
    shop = Shop()
    _, first = await shop.enrolled()
    shop.clock.now_us += 40 * DAY_US
    fresh = Machine()
    second = await shop.desk.renew(fresh.request(first.standing.identity), first.certificate)
    assert (await shop.desk.renew(fresh.request(), first.certificate)).certificate == second.certificate
    assert len(second.standing.certificates) == 2
    assert second.standing.certificates[1].renews == first.standing.certificates[0].serial
    for each in (first, second):
        assert (await shop.desk.recognise(each.certificate)).standing == second.standing
    assert serials(await shop.desk.crl()) == set()


async def test_who_enrols_again_has_lost_its_key_and_whoever_finds_it_is_nobody() -> None:
    shop = Shop()
    _, first = await shop.enrolled()
    identity = first.standing.identity
    shop.clock.now_us += MINUTE_US
    invite = await shop.invite(again=identity, position="till-4")
    assert serials(await shop.desk.crl()) == set()
    second = await shop.enrol(invite, Machine())
    assert second.standing.identity == identity
    assert (await shop.desk.papers(identity)).position == "till-4"
    assert serials(await shop.desk.crl()) == {first.standing.certificates[0].serial}
    with pytest.raises(BadInput, match="certificate-revoked"):
        await shop.desk.recognise(first.certificate)
    await shop.desk.recognise(second.certificate)


async def test_a_station_that_is_renewed_while_invited_again_stays_invited_and_good() -> None:
    shop = Shop()
    _, first = await shop.enrolled()
    await shop.invite(again=first.standing.identity)
    second = await shop.desk.renew(Machine().request(), first.certificate)
    assert second.standing.open
    for each in (first, second):
        await shop.desk.recognise(each.certificate)


async def test_expired_long_ago_it_is_invited_again() -> None:
    shop = Shop()
    _, first = await shop.enrolled()
    shop.clock.now_us += 90 * DAY_US
    with pytest.raises(BadInput, match="certificate-expired"):
        await shop.desk.renew(Machine().request(), first.certificate)
    second = await shop.enrol(await shop.invite(again=first.standing.identity), Machine())
    await shop.desk.recognise(second.certificate)


async def test_a_spare_takes_the_position_and_the_dead_one_is_retired() -> None:
    shop = Shop()
    _, dead = await shop.enrolled()
    _, spare = await shop.enrolled(replaces=dead.standing.identity)
    assert (await shop.standing(dead.standing.identity)).end is End.RETIRED
    assert [(each.identity, each.end) for each in shop.changed[-2:]] == [
        (spare.standing.identity, None),
        (dead.standing.identity, End.RETIRED),
    ]
    assert (await shop.desk.papers(spare.standing.identity)).replaces == dead.standing.identity
    assert serials(await shop.desk.crl()) == {dead.standing.certificates[0].serial}
    with pytest.raises(BadInput, match="identity-ended"):
        await shop.desk.recognise(dead.certificate)


async def test_the_list_holds_who_ended_until_it_has_run_out_and_its_number_grows() -> None:
    shop = Shop()
    _, issued = await shop.enrolled()
    standing = await shop.desk.end(issued.standing.identity, End.REVOKED, "ann", "stolen")
    crl = await shop.desk.crl()
    assert serials(crl) == {standing.certificates[0].serial}
    shop.clock.now_us -= MINUTE_US
    numbers = [
        x509.load_pem_x509_crl(each).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        for each in (crl, await shop.desk.crl())
    ]
    assert numbers[0] < numbers[1]
    shop.clock.now_us += 62 * DAY_US
    assert serials(await shop.desk.crl()) == set()


async def test_the_hook_hears_of_every_word() -> None:
    shop = Shop()
    _, issued = await shop.enrolled()
    await shop.desk.end(issued.standing.identity, End.RETIRED, "ann", "")
    assert [(each.open, each.enrolled, each.end) for each in shop.changed] == [
        (True, False, None),
        (False, True, None),
        (False, False, End.RETIRED),
    ]


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


async def test_a_bad_request_does_not_use_up_the_token() -> None:
    shop = Shop()
    invite = await shop.invite()
    with pytest.raises(BadInput, match="bad-csr"):
        await shop.desk.enrol(b"nonsense", token(invite))
    await shop.enrol(invite, Machine())


async def test_who_guesses_waits_and_others_do_not() -> None:
    shop = Shop()
    invite = await shop.invite()
    for _ in range(WRONG_A_MINUTE):
        with pytest.raises(BadInput, match="token-unknown"):
            await shop.desk.enrol(b"", b"guess", "10.0.0.66")
    with pytest.raises(BadInput, match="too-many-tokens"):
        await shop.desk.enrol(Machine().request(), token(invite), "10.0.0.66")
    machine = Machine()
    await shop.enrol(invite, machine)
    shop.clock.now_us += MINUTE_US
    await shop.desk.enrol(machine.request(), token(invite), "10.0.0.66")


async def test_no_digits_and_no_token_in_what_is_printed_of_an_invitation() -> None:
    shop = Shop()
    invite = await shop.invite()
    for told in (repr(invite), str(invite), repr(shop.book.words), repr(read_invitation(invite.digits))):
        assert invite.digits not in told
        assert token(invite).hex() not in told
        assert repr(token(invite)) not in told


def _der(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.DER)
