"""A machine's way at the desk: invited, enrolled, renewed, replaced, ended."""

from __future__ import annotations

import pytest
from cryptography import x509

from protocol.cards import Mode
from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput
from protocol.identity_words import End, IdentityWord, Standing
from protocol.invitation import read_invitation
from provisioning.certificates import serial_text
from provisioning.wrong_tokens import WRONG_A_MINUTE
from tests.unit.provisioning.shop import DAY_US, NOON_US, STORE, Machine, Shop, token

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
