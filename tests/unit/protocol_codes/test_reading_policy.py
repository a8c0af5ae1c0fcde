"""What decides how a code is read: the symbology first; without it, nothing is taken for more than it must be."""

from __future__ import annotations

import subprocess
import sys

import biip
import pytest
from biip.upc import Upc
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import CodeKind, read_code
from protocol.errors import BadInput
from protocol.gs1.check_digits import check_digit
from protocol.gs1.upc_e import expand
from protocol.variable_measure import parse_patterns

GTIN = "09521234543213"
ELEMENTS = f"01{GTIN}10ABC\x1d17261231"
RULES = parse_patterns(["21IIIIIWW.WWWC", "02IIIIVPPP.PPC", "2IIIIIVPP.PPC"], "EUR")


def read_or_refused(text: str, aim: str | None) -> str:
    """Give the kind of a code, or the name of its refusal."""
    try:
        return read_code(text, aim).kind.value
    except BadInput as error:
        return error.name


@pytest.mark.parametrize("aim", ["]C1", "]e0", "]d2", "]Q3", "]J1", None])
def test_an_element_string_is_read_in_every_gs1_symbol_and_where_a_separator_tells(aim: str | None) -> None:
    code = read_code(ELEMENTS, aim)
    assert (code.kind, code.lookup, dict(code.ais)["10"]) == (CodeKind.ELEMENT_STRING, GTIN, "ABC")


@pytest.mark.parametrize("aim", ["]C0", "]A0", "]d1", "]Q1", "]I0", "]E0", "]L0"])
def test_the_same_text_in_another_symbol_is_the_shops_own(aim: str) -> None:
    assert read_code(ELEMENTS, aim).kind is CodeKind.OPAQUE


def test_a_person_may_write_it_with_brackets() -> None:
    assert read_code(f"(01){GTIN}(10)ABC(17)261231", None).lookup == GTIN
    assert read_code("(hello)", None).kind is CodeKind.OPAQUE
    assert read_code(f"(01){GTIN}", "]C0").kind is CodeKind.OPAQUE


@pytest.mark.parametrize("text", [f"01{GTIN}", f"01{GTIN}17261231", "00095201234567891235", "0112345678905"])
def test_digits_without_symbology_are_never_application_identifiers(text: str) -> None:
    assert read_or_refused(text, None) in ("check-digit", "opaque")


@given(
    st.sampled_from([7, 11, 12, 13]).flatmap(lambda size: st.text("0123456789", min_size=size, max_size=size)),
    st.data(),
)
def test_no_misread_ean_is_ever_read_as_more_than_one(body: str, data: st.DataObject) -> None:
    """A digit lost, doubled or added, two codes run together: what comes out is a GTIN, opaque, or refused."""
    whole = body + check_digit(body)
    at = data.draw(st.integers(0, len(whole) - 1))
    misread = data.draw(
        st.sampled_from(
            [whole[:at] + whole[at + 1 :], whole[:at] + whole[at] + whole[at:], whole + whole, whole + "12345"]
        )
    )
    assert read_or_refused(misread, None) in ("check-digit", "opaque", "ean8", "upca", "ean13", "gtin14")


class TestTheGapsOfBiip:
    """What DEVICE-FACTS name as biip's gaps, shown on biip and shown closed here."""

    def test_a_digital_link_in_a_plain_qr_or_datamatrix(self) -> None:
        link = f"https://id.gs1.org/01/{GTIN}/10/ABC"
        for aim in ("]Q1", "]d1"):
            assert biip.parse(aim + link).gs1_digital_link_uri is None
            assert read_code(link, aim).gtin == GTIN

    def test_a_misread_ean_without_prefix(self) -> None:
        misread = "4001234567890"  # an EAN-13 with a wrong last digit, taken for AI 400, an order number
        assert biip.parse(misread).gs1_message is not None
        with pytest.raises(BadInput) as caught:
            read_code(misread, None)
        assert caught.value.name == "check-digit"

    def test_ai_01_with_a_wrong_check_digit(self) -> None:
        wrong = f"01{GTIN[:-1]}4"
        message = biip.parse("]C1" + wrong).gs1_message
        assert message is not None
        assert message.element_strings[0].value == GTIN[:-1] + "4"
        with pytest.raises(BadInput) as caught:
            read_code(wrong, "]C1")
        assert caught.value.name == "check-digit"

    def test_measured_labels_of_any_country(self) -> None:
        label = "211234501250" + check_digit("211234501250")
        told = biip.parse(label).gtin
        assert told is not None
        assert getattr(told, "weight", None) is None
        assert read_code(label, "]E0", RULES).weight_g == 1250

    def test_what_biip_reads_of_published_strings_is_read_alike(self) -> None:
        for text in (ELEMENTS, f"01{GTIN}3103001250", "00095201234567891235", f"01{GTIN}172612312142"):
            message = biip.parse("]C1" + text).gs1_message
            assert message is not None
            assert [(one.ai.ai, one.value) for one in message.element_strings] == list(read_code(text, "]C1").ais)


@given(st.text("0123456789", min_size=6, max_size=6))
def test_upc_e_is_expanded_as_biip_does(digits: str) -> None:
    theirs = Upc.parse("0" + digits).as_upc_a()
    assert expand("0" + digits + theirs[-1]) == theirs
    assert read_code("0" + digits + theirs[-1], "]E0").gtin == theirs.zfill(14)


def test_eight_digits_under_e0_are_a_upc_e_and_nothing_else() -> None:
    code = read_code("01234565", "]E0")
    assert (code.kind, code.gtin) == (CodeKind.UPCE, "00012345000065")
    assert code.lookup == read_code("012345000065", "]E0").lookup
    with pytest.raises(BadInput) as caught:
        read_code("01234567", "]E0")
    assert caught.value.name == "check-digit"
    # Without symbology the same eight digits are an EAN-8, whose check digit they do not have.
    with pytest.raises(BadInput):
        read_code("04252614", None)
    assert read_code("96385074", "]E0").kind is CodeKind.OPAQUE


@pytest.mark.parametrize(
    ("text", "lookup", "serial"),
    [
        ("00095201234567891235", "00095201234567891235", None),
        ("80030952114112345432a/b", "800309521141123454", "32a/b"),
        ("25395211411234545678", "2539521141123454", "5678"),
        ("8006095211411234540102\x1d21981", "8006095211411234540102", "981"),
        (f"01{GTIN}21981", GTIN, "981"),
        ("801095211415PQ7/Z43\x1d801112345", "801095211415PQ7/Z43", "12345"),
        ("91own thing".replace(" ", "-"), "91own-thing", None),
    ],
)
def test_a_thing_is_looked_up_by_its_key_without_its_serial(text: str, lookup: str, serial: str | None) -> None:
    code = read_code(text, "]C1")
    assert (code.lookup, code.serial) == (lookup, serial)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["https://", "x.eu", "/", "01", GTIN, "10", "?", "17=261231", "%2F", "%", "&", "\x1d", "21", "("]
            )
        ).map("".join),
        st.text("0123456789", min_size=6, max_size=20),
    ),
    st.none() | st.sampled_from(["]E0", "]E4", "]C1", "]A0", "]I1", "]Q1", "]Q3", "]d2", "]e0", "", "]"]),
)
def test_any_text_under_any_symbology_is_a_value_or_a_named_refusal(text: str, aim: str | None) -> None:
    try:
        code = read_code(text, aim, RULES)
    except BadInput:
        return
    assert code.lookup.encode()
    assert code.gtin is None or (len(code.gtin) == 14 and code.lookup == code.gtin)


def test_a_station_that_scans_eans_loads_nothing_else() -> None:
    run = (
        "import sys; from protocol.codes import read_code; read_code('5901234123457', ']E0');"
        "print([m for m in sys.modules if m.startswith(('protocol.gs1.ai', 'protocol.epc', 'protocol.gs1.elem'))])"
    )
    told = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
