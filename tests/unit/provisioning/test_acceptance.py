"""The record of a hand-over check at the hub: taken once from whom it is of, and from nobody else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.acceptance import MAX_STEPS, Acceptance, SignedAcceptance, StepResult, read_record, record_bytes, summary
from protocol.errors import BadInput
from protocol.identity_words import Certificate, End, HandedOver
from provisioning.acceptance import check_signed
from provisioning.desk import CHECKS_A_DAY
from tests.unit.provisioning.acceptances import STEPS, body, record, signed
from tests.unit.provisioning.shop import DAY_US, Machine, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def told(shop: Shop) -> list[HandedOver]:
    return [word for word in shop.book.words if isinstance(word, HandedOver)]


async def refused(shop: Shop, sent: bytes, presented: bytes) -> str:
    before = len(shop.book.words)
    with pytest.raises(BadInput) as caught:
        await shop.desk.accept(sent, presented)
    assert len(shop.book.words) == before
    assert shop.desk.refused[caught.value.name] >= 1
    return caught.value.name


async def test_it_is_taken_once_however_often_it_is_sent(shop: Shop) -> None:
    machine, issued = await shop.enrolled()
    sent = signed(machine, record(issued))
    assert (await shop.desk.accept(body(sent), issued.certificate)).check == "0123456789abcdef"
    # Signed anew, it is the same record; and a desk that was restarted knows it, too.
    shop.restart()
    await shop.desk.accept(body(signed(machine, record(issued))), issued.certificate)
    (word,) = told(shop)
    assert (word.record, word.signature, word.author) == (sent.record, sent.signature, issued.standing.identity)
    assert word.note == "1 of 2 passed, by anna; failed: scale (overload)"
    standing = await shop.standing(issued.standing.identity)
    assert standing.handed_over == (word,)


async def test_what_was_signed_before_a_renewal_is_taken_after_it(shop: Shop) -> None:
    machine, issued = await shop.enrolled()
    sent = body(signed(machine, record(issued)))
    renewed = await shop.desk.renew(Machine().request(), issued.certificate)
    assert (await shop.desk.accept(sent, renewed.certificate)).serial == issued.standing.certificates[0].serial


async def test_a_field_of_a_later_station_is_signed_with_the_rest_and_kept(shop: Shop) -> None:
    machine, issued = await shop.enrolled()
    data = record_bytes(record(issued))[:-1] + b',"humidity":40}'
    await shop.desk.accept(body(signed(machine, data)), issued.certificate)
    assert told(shop)[0].record.endswith('"humidity":40}')


async def test_whoever_it_is_not_of_is_refused_by_name(shop: Shop) -> None:
    machine, issued = await shop.enrolled()
    other, another = await shop.enrolled("till-4")
    good = signed(machine, record(issued))
    # Another station sends it, or its own with this one's name on it, or with this one's certificate.
    assert await refused(shop, body(good), another.certificate) == "acceptance-foreign"
    assert await refused(shop, body(signed(other, record(issued))), issued.certificate) == "acceptance-key"
    theirs = msgspec.structs.replace(record(another), serial=record(issued).serial)
    assert await refused(shop, body(signed(other, theirs)), another.certificate) == "certificate-unknown"
    wrong = msgspec.structs.replace(record(issued), certificate="0" * 64)
    assert await refused(shop, body(signed(machine, wrong)), issued.certificate) == "acceptance-key"
    store = msgspec.structs.replace(record(issued), store="high-street")
    assert await refused(shop, body(signed(machine, store)), issued.certificate) == "acceptance-foreign"
    # This one's key beside another's signature.
    mixed = msgspec.structs.replace(signed(other, record(issued)), public_key=good.public_key)
    assert await refused(shop, body(mixed), issued.certificate) == "acceptance-signature"
    assert await refused(shop, body(good), b"no certificate") == "bad-certificate"
    await shop.desk.end(issued.standing.identity, End.REVOKED, "ann", "stolen")
    assert await refused(shop, body(good), issued.certificate) == "identity-ended"
    assert told(shop) == []


async def test_what_a_key_that_was_given_up_signed_is_worth_nothing(shop: Shop) -> None:
    machine, issued = await shop.enrolled()
    again = Machine()
    newer = await shop.enrol(await shop.invite("till-3", again=issued.standing.identity), again)
    assert await refused(shop, body(signed(machine, record(issued))), newer.certificate) == "certificate-revoked"


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b"", "bad-acceptance"),
        (b"[" * 9000, "bad-acceptance"),
        (b"\xff\xfe", "bad-acceptance"),
        (b'{"record":"{}","signature":"","public_key":""}', "bad-acceptance"),
        (b"0" * 1_000_000, "acceptance-size"),
        (msgspec.json.encode(SignedAcceptance("x" * 24_577, "", "")), "bad-acceptance"),
        (b'{"record":"\\ud800","signature":"","public_key":""}', "bad-acceptance"),
    ],
)
async def test_what_is_no_record_is_refused(shop: Shop, sent: bytes, name: str) -> None:
    _, issued = await shop.enrolled()
    assert await refused(shop, sent, issued.certificate) == name


WRONG: list[Callable[[Acceptance], Acceptance]] = [
    lambda good: msgspec.structs.replace(good, version=2),
    lambda good: msgspec.structs.replace(good, person="anna\x1b[2J"),
    lambda good: msgspec.structs.replace(good, position="till\u202e3"),
    lambda good: msgspec.structs.replace(good, software="x" * 201),
    lambda good: msgspec.structs.replace(good, ended_us=good.begun_us - 1),
    lambda good: msgspec.structs.replace(good, begun_us=-1),
    lambda good: msgspec.structs.replace(good, ended_us=2**53 + 1),
    lambda good: msgspec.structs.replace(good, station="hub"),
    lambda good: msgspec.structs.replace(good, check="../../../etc/x"),
    lambda good: msgspec.structs.replace(good, steps=STEPS[:1] * (MAX_STEPS + 1)),
    lambda good: msgspec.structs.replace(good, steps=(msgspec.structs.replace(STEPS[0], seen="\x00"),)),
    lambda good: msgspec.structs.replace(good, steps=(msgspec.structs.replace(STEPS[0], grams=10**9),)),
]


@pytest.mark.parametrize("spoil", WRONG)
async def test_a_record_that_says_what_cannot_be_is_refused_though_it_is_signed(
    shop: Shop, spoil: Callable[[Acceptance], Acceptance]
) -> None:
    machine, issued = await shop.enrolled()
    name = await refused(shop, body(signed(machine, spoil(record(issued)))), issued.certificate)
    assert name in ("bad-acceptance", "bad-identity")


async def test_a_station_does_not_fill_the_journal_with_checks(shop: Shop) -> None:
    machine, issued = await shop.enrolled()
    for number in range(CHECKS_A_DAY):
        await shop.desk.accept(body(signed(machine, record(issued, check=f"{number:016x}"))), issued.certificate)
    more = body(signed(machine, record(issued, check="f" * 16)))
    assert await refused(shop, more, issued.certificate) == "acceptance-too-often"
    shop.clock.now_us += DAY_US
    await shop.desk.accept(more, issued.certificate)


def of_the_book() -> tuple[SignedAcceptance, Certificate]:
    machine = Machine()
    key = signed(machine, b"{}").public_key
    certificate = Certificate("a1", hashlib.sha256(base64.b64decode(key)).hexdigest(), 0, 0)
    written = Acceptance(
        check="0" * 16,
        store="oak-street",
        station="st-" + "a" * 13,
        position="till-3",
        begun_us=1,
        ended_us=2,
        software="0",
        serial="a1",
        certificate="b" * 64,
        steps=STEPS,
    )
    return signed(machine, written), certificate


GOOD, GIVEN = of_the_book()


@given(st.data())
def test_no_bit_of_it_can_be_another(data: st.DataObject) -> None:
    check_signed(GOOD, GIVEN)
    field = data.draw(st.sampled_from(["record", "signature", "public_key"]))
    raw = GOOD.record.encode() if field == "record" else base64.b64decode(getattr(GOOD, field))
    at = data.draw(st.integers(0, 8 * len(raw) - 1))
    flipped = bytearray(raw)
    flipped[at // 8] ^= 1 << at % 8
    text = flipped.decode("utf-8", "replace") if field == "record" else base64.b64encode(bytes(flipped)).decode()
    with pytest.raises(BadInput):
        check_signed(msgspec.structs.replace(GOOD, **{field: text}), GIVEN)


def test_its_bytes_are_the_same_wherever_it_is_written() -> None:
    again = read_record(GOOD.record.encode())
    assert record_bytes(again).decode() == GOOD.record
    assert again.of(StepResult.PASSED) == STEPS[:1]
    assert summary(again) == "1 of 2 passed; failed: scale (overload)"
    assert not again.flawless
