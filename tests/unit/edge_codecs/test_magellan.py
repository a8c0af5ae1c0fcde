"""Lines from a Magellan: codes and weights on one cable, told apart."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest

from edge.codecs.grams import Unit
from edge.codecs.magellan import MAX_LINE_BYTES, MagellanCodec, from_options
from edge.codecs.readings import Reading, Refused, Scan, Weight, WeightState
from tests.unit.edge_codecs.taking import drain, take

CODE = b"S08F4006381333931"
SCAN = Scan("4006381333931", CODE, "]E0")
WEIGHT = b"S14401250"


def line(body: bytes) -> bytes:
    return body + b"\r"


def checked(body: bytes) -> bytes:
    return body + bytes([reduce(xor, body, 0)])


def weight(grams: int | None, state: WeightState, raw: bytes) -> Weight:
    return Weight(grams, state, net=False, raw=raw)


def refused(readings: list[Reading]) -> list[str]:
    assert all(isinstance(one, Refused) for one in readings), readings
    return [one.name for one in readings if isinstance(one, Refused)]


@pytest.mark.parametrize(
    ("body", "grams", "state"),
    [
        (b"S14401250", 1250, WeightState.STABLE),
        (b"S1101250", 1250, WeightState.STABLE),
        (b"S14415000", 15_000, WeightState.STABLE),
        (b"S14400000", 0, WeightState.ZERO),
        (b"S143", 0, WeightState.ZERO),
        (b"S140", None, WeightState.FAULT),
        (b"S141", None, WeightState.MOTION),
        (b"S142", None, WeightState.OVER),
        (b"S145", None, WeightState.UNDER),
        # Some send the figure they do not vouch for with the status.
        (b"S14001250", None, WeightState.FAULT),
    ],
)
def test_what_the_scale_says(body: bytes, grams: int | None, state: WeightState) -> None:
    assert take(MagellanCodec(), line(body)) == [weight(grams, state, body)]


@pytest.mark.parametrize(("figure", "grams"), [(b"0100", 454), (b"0001", 5), (b"2999", 13603)])
def test_pounds_are_hundredths_and_come_to_the_nearest_gram(figure: bytes, grams: int) -> None:
    assert take(MagellanCodec(Unit.LB), line(b"S144" + figure)) == [weight(grams, WeightState.STABLE, b"S144" + figure)]


@pytest.mark.parametrize(("unit", "figure"), [(Unit.KG, b"1250"), (Unit.LB, b"01250"), (Unit.KG, b"001250")])
def test_a_figure_with_as_many_digits_as_the_unit_never_has_is_not_guessed_at(unit: Unit, figure: bytes) -> None:
    assert refused(take(MagellanCodec(unit), line(b"S144" + figure))) == ["unit-mismatch"]


@pytest.mark.parametrize("body", [b"S144", b"S14", b"S149", b"S1441.250", b"S11", b"S1444-125"])
def test_an_answer_that_is_no_weight_is_none(body: bytes) -> None:
    assert refused(take(MagellanCodec(), line(body))) == ["unknown-weight"]


def test_a_magellan_weighs_in_kg_or_lb() -> None:
    for unit in ("g", "oz", "stone"):
        with pytest.raises(ValueError, match=unit):
            from_options(unit)


@pytest.mark.parametrize(
    ("labelled", "aim", "code"),
    [
        (b"A036000291452", "]E0", "036000291452"),
        (b"A03600029145212", "]E3", "03600029145212"),
        (b"E04252614", "]E0", "04252614"),
        (b"E0425261412345", "]E3", "0425261412345"),
        (b"F4006381333931", "]E0", "4006381333931"),
        (b"F400638133393112345", "]E3", "400638133393112345"),
        (b"FF96385074", "]E4", "96385074"),
        (b"B1SHELF-7", "]A0", "SHELF-7"),
        (b"B214006381333938", "]I0", "14006381333938"),
        (b"B3ABC/1", "]C0", "ABC/1"),
        (b"R40104006381333931", "]e0", "0104006381333931"),
        (b"RX01040063813339313103000750", "]e0", "01040063813339313103000750"),
        (b"R0104006381333931", "]e0", "0104006381333931"),
        (b"]C1010400638133393110A\x1d17261231", "]C1", "010400638133393110A\x1d17261231"),
        (b"]Q1https://id.gs1.org/01/04006381333931", "]Q1", "https://id.gs1.org/01/04006381333931"),
    ],
)
def test_the_label_says_which_symbology_it_was(labelled: bytes, aim: str, code: str) -> None:
    body = b"S08" + labelled
    assert take(MagellanCodec(), line(body)) == [Scan(code, body, aim)]


@pytest.mark.parametrize("labelled", [b"4006381333931", b"Q123", b"FX123", b"F40063", b"F40063-81333931", b""])
def test_a_code_under_a_label_nobody_knows_is_not_guessed_at(labelled: bytes) -> None:
    assert refused(take(MagellanCodec(), line(b"S08" + labelled))) == ["unknown-label"]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"S08B1", "empty-code"),
        (b"S08]E0", "empty-code"),
        (b"S08B1A\x02B", "control-character"),
        (b"hello", "garbage"),
        (b"S99", "garbage"),
        (b"S14\xb4", "parity"),
    ],
)
def test_what_is_refused_by_name(body: bytes, name: str) -> None:
    codec = MagellanCodec()
    assert refused(take(codec, line(body))) == [name]
    assert take(codec, line(CODE)) == [SCAN]


def test_scans_and_weights_on_one_cable_keep_their_order() -> None:
    readings = take(MagellanCodec(), line(CODE) + line(WEIGHT) + b"\n" + line(CODE) + line(b"S10") + line(b"S143"))
    assert readings == [
        SCAN,
        weight(1250, WeightState.STABLE, WEIGHT),
        SCAN,
        weight(0, WeightState.ZERO, b"S143"),
    ]


def test_a_pause_inside_a_line_does_not_split_it() -> None:
    for at in range(1, len(CODE)):
        assert take(MagellanCodec(), CODE[:at], None, None, line(CODE[at:])) == [SCAN], at


def test_a_code_that_breaks_into_the_scales_answer_is_not_lost() -> None:
    readings = take(MagellanCodec(), b"S14401" + line(CODE) + line(b"250") + line(WEIGHT))
    assert refused([readings[0], readings[2]]) == ["cut-short", "garbage"]
    assert [readings[1], readings[3]] == [SCAN, weight(1250, WeightState.STABLE, WEIGHT)]


def test_a_code_that_has_the_protocols_own_words_in_it_stays_whole() -> None:
    body = b"S08B3S08F-S14"
    assert take(MagellanCodec(), line(body)) == [Scan("S08F-S14", body, "]C0")]


def test_the_longest_line_is_read_and_one_byte_more_is_not() -> None:
    body = b"S08B3" + b"7" * (MAX_LINE_BYTES - 5)
    (scan,) = take(MagellanCodec(), line(body))
    assert isinstance(scan, Scan)
    assert refused(take(MagellanCodec(), line(body + b"7"))) == ["too-long"]


# The check byte


def test_with_a_check_byte_each_line_is_checked_and_each_command_has_one() -> None:
    codec = MagellanCodec(bcc=True)
    assert take(codec, line(checked(CODE))) == [Scan("4006381333931", checked(CODE), "]E0")]
    assert refused(take(codec, line(CODE))) == ["check-byte"]
    spoilt = checked(CODE).replace(b"931", b"921")
    assert refused(take(codec, line(spoilt))) == ["check-byte"]
    codec.ask()
    codec.acknowledge(True)
    assert codec.to_send() == line(checked(b"S334")) + line(checked(b"S14"))


def test_a_check_byte_that_is_a_cr_does_not_end_the_line() -> None:
    body = next(b"S08B1" + bytes([a]) for a in range(0x20, 0x7F) if checked(b"S08B1" + bytes([a]))[-1] == 0x0D)
    codec = MagellanCodec(bcc=True)
    for cut in range(1, len(body) + 2):
        sent = line(checked(body))
        codec.feed(sent[:cut])
        codec.feed(sent[cut:] + line(checked(CODE)))
        assert [one.text for one in drain(codec) if isinstance(one, Scan)] == [body[5:].decode(), "4006381333931"]


# What is said


def test_the_weight_is_asked_for_when_it_is_wanted() -> None:
    codec = MagellanCodec()
    assert codec.to_send() == b""
    codec.ask()
    assert codec.to_send() == b"S14\r"
    assert codec.to_send() == b""


def test_an_accepted_scan_sounds_the_good_tone_and_a_refused_one_is_silent() -> None:
    codec = MagellanCodec()
    codec.acknowledge(True)
    codec.acknowledge(False)
    codec.acknowledge(True)
    assert codec.to_send() == b"S334\rS334\r"
