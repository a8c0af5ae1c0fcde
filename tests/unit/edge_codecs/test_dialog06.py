"""The dialogue with a Dialog 06 scale: what is said when, exact grams or none, and a challenge that is never met."""

from __future__ import annotations

import pytest

from edge.codecs.dialog06 import CHALLENGED, Dialog06Codec
from edge.codecs.readings import Weight, WeightState
from tests.unit.edge_codecs.scale_answers import names, nothing, stable, weigh
from tests.unit.edge_codecs.taking import take

EOT, ACK, NAK = b"\x04", b"\x06", b"\x15"
PRICE, WEIGHT, WHY = b"\x04\x0201\x1b000001\x1b\x03", b"\x04\x05", b"\x04\x0208\x03"
CHALLENGE = b"\x0211\x1b247\x03"


def weighing(grams: int = 1250, price: int = 1, unit: str = "3") -> bytes:
    return f"\x0202\x1b{unit}\x1b{grams:05d}\x1b{price:06d}\x1b{(grams * price + 500) // 1000:06d}\x03".encode()


def reason(code: str) -> bytes:
    return f"\x0209\x1b{code}\x03".encode()


def dialogue(codec: Dialog06Codec, *replies: bytes) -> list[bytes]:
    """Ask, give each reply, and say what the till sent before and after each."""
    codec.ask()
    sent = [codec.to_send()]
    for reply in replies:
        codec.feed(reply)
        sent.append(codec.to_send())
    return sent


def test_a_weighing_is_price_ack_enquiry_record_and_eot() -> None:
    codec = Dialog06Codec()
    assert len(weighing()) == 26
    assert dialogue(codec, ACK, weighing()) == [PRICE, WEIGHT, EOT]
    assert take(codec) == [stable(1250, weighing())]
    assert codec.note == ""


def test_the_price_that_was_set_is_sent_and_must_come_back() -> None:
    codec = Dialog06Codec(price=1999)
    assert dialogue(codec, ACK, weighing(price=1999))[0] == b"\x04\x0201\x1b001999\x1b\x03"
    assert take(codec) == [stable(1250, weighing(price=1999))]
    dialogue(codec, ACK, weighing(price=1))
    assert names(take(codec)) == ["price-mismatch"]
    for price in (0, 1_000_000):
        with pytest.raises(ValueError, match="price"):
            Dialog06Codec(price=price)


@pytest.mark.parametrize(
    ("code", "state", "noted"),
    [
        ("00", WeightState.FAULT, "no error"),
        ("01", WeightState.FAULT, "general error"),
        ("02", WeightState.FAULT, "parity"),
        ("10", WeightState.FAULT, "record"),
        ("11", WeightState.FAULT, "price"),
        ("12", WeightState.FAULT, "tare"),
        ("13", WeightState.FAULT, "text"),
        ("20", WeightState.MOTION, ""),
        ("21", WeightState.UNCHANGED, ""),
        ("22", WeightState.MOTION, ""),
        ("30", WeightState.UNDER, ""),
        ("31", WeightState.UNDER, ""),
        ("32", WeightState.OVER, ""),
        ("77", WeightState.FAULT, "77"),
    ],
)
@pytest.mark.parametrize("before", [[], [ACK]])
def test_after_nak_the_scale_is_asked_why_and_has_no_weight(
    before: list[bytes], code: str, state: WeightState, noted: str
) -> None:
    codec = Dialog06Codec()
    assert dialogue(codec, *before, NAK, reason(code))[-2:] == [WHY, EOT]
    assert take(codec) == [nothing(state, reason(code))]
    assert noted in codec.note
    assert bool(codec.note) == bool(noted)


def test_a_scale_that_will_not_say_why_is_a_fault() -> None:
    codec = Dialog06Codec()
    assert dialogue(codec, NAK, NAK) == [PRICE, WHY, EOT]
    assert take(codec) == [nothing(WeightState.FAULT, NAK)]
    assert "does not say why" in codec.note


@pytest.mark.parametrize("number", [b"47", b";2", b"", b"0123456789"])
def test_a_challenge_is_a_fault_that_is_said_and_never_answered(number: bytes) -> None:
    codec, challenge = Dialog06Codec(), b"\x0211\x1b2" + number + b"\x03"
    assert dialogue(codec, challenge) == [PRICE, EOT]
    assert take(codec) == [nothing(WeightState.FAULT, challenge)]
    assert codec.note == CHALLENGED
    assert dialogue(codec, challenge) == [PRICE, EOT]
    take(codec)
    dialogue(codec, ACK, weighing())
    assert take(codec) == [stable(1250, weighing())]
    assert codec.note == ""


def test_nothing_makes_it_send_checksums() -> None:
    codec = Dialog06Codec()
    for reply in (CHALLENGE, ACK, NAK, b"\x0211\x1b0\x03", b"\x0211\x1b1\x03", weighing(), reason("20")):
        assert not any(b"10\x1b" in sent for sent in dialogue(codec, reply, ACK, NAK))


@pytest.mark.parametrize(
    ("replies", "name"),
    [
        ([weighing()], "unexpected"),
        ([reason("20")], "unexpected"),
        ([ACK, reason("20")], "unexpected"),
        ([NAK, weighing()], "unexpected"),
        ([b"\x0211\x1b0\x03"], "unexpected"),
        ([ACK, b"\x0211\x1b1\x03"], "unexpected"),
        ([ACK, weighing(unit="1")], "unknown-unit"),
        ([ACK, weighing().replace(b"01250", b"0125")], "unknown"),
        ([ACK, weighing().replace(b"\x1b3", b"")], "unknown"),
        ([ACK, weighing().replace(b"5", b"\xb5")], "parity"),
        ([ACK, weighing().replace(b"5", b"\x00")], "parity"),
        ([NAK, b"\x0209\x1b2\x03"], "unknown"),
        ([b"\x0220\x1bV1\x03"], "unknown"),
    ],
)
def test_what_does_not_belong_there_is_refused_by_name(replies: list[bytes], name: str) -> None:
    codec = Dialog06Codec()
    dialogue(codec, *replies)
    assert names(take(codec)) == [name]


def test_a_record_overheard_outside_a_dialogue_is_read() -> None:
    for grams in (1250, 0, 5):
        assert weigh(Dialog06Codec(), weighing(grams)) == stable(grams, weighing(grams))
    assert take(Dialog06Codec(), ACK + NAK + ACK) == []


def test_not_moved_confirms_the_weight_before_only_if_the_scale_is_known_to_mean_it() -> None:
    not_moved = reason("21")
    unchanged = nothing(WeightState.UNCHANGED, not_moved)
    assert take(Dialog06Codec(), weighing(), not_moved, not_moved)[1:] == [unchanged] * 2
    repeated = Weight(1250, WeightState.STABLE, net=False, raw=not_moved, confirmed=True)
    assert take(Dialog06Codec(unchanged_repeats=True), weighing(), not_moved, not_moved)[1:] == [repeated] * 2


@pytest.mark.parametrize("between", [reason("20"), reason("30"), CHALLENGE, b"\x02x\x03", b"noise\x02x\x03", None])
def test_not_moved_confirms_nothing_once_anything_else_was_heard(between: bytes | None) -> None:
    readings = take(Dialog06Codec(unchanged_repeats=True), weighing(), between, reason("21"))
    assert readings[-1] == nothing(WeightState.UNCHANGED, reason("21"))


def test_a_dialogue_broken_off_begins_anew() -> None:
    codec = Dialog06Codec()
    dialogue(codec, ACK, weighing()[:12])
    assert names(take(codec, None)) == ["cut-short"]
    assert codec.to_send() == b""
    assert dialogue(codec, ACK, weighing()) == [PRICE, WEIGHT, EOT]
    assert take(codec) == [stable(1250, weighing())]
