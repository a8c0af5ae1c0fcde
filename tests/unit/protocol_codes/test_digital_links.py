"""GS1 Digital Links: read wherever they lead, written canonically; what only looks like one is none or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codes import CodeKind, read_code
from protocol.errors import BadInput
from protocol.gs1.ai_table import AIS
from protocol.gs1.digital_link import digital_link, parse_digital_link
from protocol.gs1.elements import bracketed
from tests.unit.protocol_codes.drawing import elements

GTIN = "09506000134352"


@pytest.mark.parametrize(
    ("link", "told"),
    [
        # Examples of the standard (URI Syntax, sections 1 and 5) and of TDS 2.3, section E.3.
        ("https://id.gs1.org/01/09506000134352", f"(01){GTIN}"),
        ("https://id.gs1.org/01/9506000134352", f"(01){GTIN}"),
        ("https://brand.example.com/some-extra/pages/01/09506000134352", f"(01){GTIN}"),
        ("https://id.gs1.org/01/09506000134352/22/2A/10/ABC123/21/12345", f"(01){GTIN}(22)2A(10)ABC123(21)12345"),
        ("https://id.gs1.org/01/09506000134352/21/32a%2Fb", f"(01){GTIN}(21)32a/b"),
        ("https://example.com/01/79521141123453/21/32a%2Fb?17=220630", "(01)79521141123453(21)32a/b(17)220630"),
        (
            f"https://id.gs1.org/01/{GTIN}?3103=000195&3922=0299&17=201225",
            f"(01){GTIN}(3103)000195(3922)0299(17)201225",
        ),
        (f"HTTP://Example.COM:8080/01/{GTIN}/?linkType=gs1:pip&lang=de;17=201225#top", f"(01){GTIN}(17)201225"),
        ("https://id.gs1.org/00/095201234567891235", "(00)095201234567891235"),
        ("https://id.gs1.org/414/9521141123454/254/32a%2Fb", "(414)9521141123454(254)32a/b"),
        ("https://id.gs1.org/8003/0952114112345432a%2Fb", "(8003)0952114112345432a/b"),
        ("https://id.gs1.org/8010/95211415PQ7%2FZ43/8011/12345", "(8010)95211415PQ7/Z43(8011)12345"),
        ("https://id.gs1.org/8006/095211411234540102/21/rif981", "(8006)095211411234540102(21)rif981"),
        ("https://id.gs1.org/gtin/09506000134352/ser/A1", f"(01){GTIN}(21)A1"),
        (f"https://x.eu/00/01/{GTIN}", f"(01){GTIN}"),
        (f"https://x.eu/01/{GTIN}/10/01", f"(01){GTIN}(10)01"),
    ],
)
def test_a_digital_link_is_read(link: str, told: str) -> None:
    found = parse_digital_link(link)
    assert found is not None
    assert bracketed(found) == told
    for aim in ("]Q1", "]Q3", "]d1", "]d2", None):
        assert read_code(link, aim).kind is CodeKind.DIGITAL_LINK


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com",
        "https://example.com/",
        "https://example.com/news/2026/01/15",
        "https://example.com/01/15",
        "https://example.com/21/32a",
        f"https://example.com/{GTIN}",
        f"https://example.com/?01={GTIN}",
        f"https://example.com/01/{GTIN}/pictures",
        "https://bit.ly/3xYzAbC",
        f"http:///01/{GTIN}",
        f"ftp://example.com/01/{GTIN}",
        "https://example.com/01/%ff",
    ],
)
def test_a_website_is_a_website(address: str) -> None:
    assert parse_digital_link(address) is None
    assert read_code(address, "]Q1").lookup == address


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("https://id.gs1.org/01/09506000134353", "check-digit"),
        (f"https://id.gs1.org/01/{GTIN}/21/A/10/B", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/10/A/10/A", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/17/261231", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/pages/one", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/235/A/21/B", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/10/a%zz", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/10/a%ff", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/10/a%20b", "bad-ai"),
        (f"https://id.gs1.org/01/{GTIN}?21=A", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}/10/A?10=B", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}?17", "bad-digital-link"),
        (f"https://id.gs1.org/01/{GTIN}?17=261340", "bad-date"),
        (f"https://id.gs1.org/01/{GTIN}?9=1", "unknown-ai"),
        (f"https://id.gs1.org/01/{GTIN}?37=5", "ai-conflict"),
        ("https://id.gs1.org/415/9521141123454", "ai-missing"),
    ],
)
def test_what_begins_as_one_and_breaks_the_rules_is_refused(link: str, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_digital_link(link)
    assert caught.value.name == name


@pytest.mark.parametrize(
    "link",
    [
        # The compression standard's example, whatever the host; part of the path compressed; an EPC (EPCB 4.2).
        "https://id.gs1.org/ARFKk4XB0CDKWcnpqQ",
        "https://brand.example/ARFKk4XB0CDKWcnpqQ",
        "https://brand.example/01/09506000134352/AQnYUc1gmgAa",
        "https://brand.example/eh3066c4409047e140075bcd15",
    ],
)
def test_a_compressed_link_says_that_it_is_one(link: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_digital_link(link)
    assert caught.value.name == "compressed-link"


@given(elements())
def test_what_is_written_is_read_back(found: dict[str, str]) -> None:
    link = digital_link(found)
    assert link is not None
    assert parse_digital_link(link) == found


def test_elements_without_a_key_have_no_link() -> None:
    assert digital_link({"91": "internal"}) is None


@given(st.text(max_size=40))
def test_any_address_is_elements_none_or_a_named_refusal(rest: str) -> None:
    for address in (f"https://x.eu/01/{GTIN}/{rest}", f"https://x.eu/{rest}", f"https://x.eu/01/{GTIN}?{rest}"):
        try:
            found = parse_digital_link(address)
        except BadInput:
            continue
        assert found is None or all(ai in AIS for ai in found)
