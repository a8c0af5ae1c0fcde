"""`shelfwire decode`: one JSON object a code, always of the same keys, and exit codes a script can use."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from protocol.gs1.check_digits import check_digit
from shelfwire.cli import main

KEYS = ["kind", "gtin", "ais", "weight_g", "price", "serial", "epc_uri", "digital_link", "filter", "error"]


def decoded(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["decode", *arguments])
    told = json.loads(capsys.readouterr().out)
    assert list(told) == KEYS
    return code, told


def test_a_barcode(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = decoded(capsys, "--aim", "]E0", "5901234123457")
    link = "https://id.gs1.org/01/05901234123457"
    assert (code, told["kind"], told["gtin"], told["digital_link"]) == (0, "ean13", "05901234123457", link)
    assert told["error"] is None


def test_an_element_string_with_its_symbology_in_front_and_a_separator_one_can_type(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, told = decoded(capsys, "]C1019952123454321610A1<GS>310300125039221995<GS>2142")
    assert (code, told["weight_g"], told["price"], told["serial"]) == (0, 1250, 1995, "42")
    assert told["ais"] == {"01": "99521234543216", "10": "A1", "3103": "001250", "3922": "1995", "21": "42"}
    assert told["digital_link"] == "https://id.gs1.org/01/99521234543216/10/A1/21/42?3103=001250&3922=1995"


@pytest.mark.parametrize(
    ("hexadecimal", "kind", "uri", "link", "filter_value"),
    [
        (
            "3066C4409047E140075BCD15",
            "sgtin-96",
            "urn:epc:id:sgtin:95060001343.05.123456789",
            "https://id.gs1.org/01/09506000134352/21/123456789",
            3,
        ),
        ("F90095201234567891235000", "sscc+", None, "https://id.gs1.org/00/095201234567891235", 0),
        (
            "E9395211411234548566CB0AFC525065F1876F0D996D8000",
            "sgln++",
            None,
            "https://id.example.com/414/9521141123454/254/32a%2Fb",
            3,
        ),
        ("3500E86F8000A9E000000586", "gid-96", "urn:epc:id:gid:952056.2718.1414", None, None),
    ],
)
def test_a_tag(
    capsys: pytest.CaptureFixture[str],
    hexadecimal: str,
    kind: str,
    uri: str | None,
    link: str | None,
    filter_value: int | None,
) -> None:
    code, told = decoded(capsys, "--epc", hexadecimal)
    assert (code, told["kind"], told["epc_uri"]) == (0, kind, uri)
    assert (told["digital_link"], told["filter"]) == (link, filter_value)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["5901234123456"], "check-digit"),
        (["(01)99521234543216(3104)000005"], "weight-too-fine"),
        (["https://id.gs1.org/ARFKk4XB0CDKWcnpqQ"], "compressed-link"),
        (["--epc", "E2801160600002"], "unknown-epc"),
        (["SW1:NONSENSE"], "bad-card"),
    ],
)
def test_a_code_with_an_error_says_which_and_the_command_fails(
    capsys: pytest.CaptureFixture[str], arguments: list[str], name: str
) -> None:
    code, told = decoded(capsys, *arguments)
    assert (code, told["error"]["name"], told["kind"]) == (1, name, None)


def test_the_stores_own_labels_by_pattern_or_by_the_stations_settings(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    label = "211234501250" + check_digit("211234501250")
    priced = "221234501999" + check_digit("221234501999")
    assert decoded(capsys, "--pattern", "21IIIIIWW.WWWC", label)[1]["weight_g"] == 1250
    settings = tmp_path / "edge.toml"
    settings.write_text(
        'store = "oak-street"\nstation = "till-3"\nplace = "shop"\ndata_dir = "data"\n'
        '[codes]\nvariable = ["21IIIIIWW.WWWC", "22IIIIIPPP.PPC"]\ncurrency = "EUR"\n'
    )
    assert decoded(capsys, "--config", str(settings), label)[1]["weight_g"] == 1250
    told = decoded(capsys, "--config", str(settings), priced)[1]
    # Its number means nothing outside the store, so there is no link to it.
    assert (told["kind"], told["price"], told["digital_link"]) == ("measured", 1999, None)


def test_one_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = b"]E05901234123457\n\n]Q0hello\r\n]E05901234123456\n\xff\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    assert main(["decode", "-"]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["kind"] for one in told] == ["ean13", "opaque", None, None]
    assert [one["error"] and one["error"]["name"] for one in told] == [None, None, "check-digit", "control-character"]


def test_tags_one_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "stdin", io.TextIOWrapper(io.BytesIO(b"3066C4409047E140075BCD15\n311BA1B300CE0A6A83000000\n"))
    )
    assert main(["decode", "--epc", "-"]) == 0
    assert [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()] == ["sgtin-96", "sscc-96"]


@pytest.mark.parametrize("arguments", [[], ["a", "--epc", "b"], ["--aim", "E0", "a"]])
def test_what_is_asked_wrongly_is_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["decode", *arguments])
    assert left.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--pattern", "99IIIIIWW.WWWC", "a"], ["--currency", "euro", "a"]])
def test_patterns_that_mean_nothing_are_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["decode", *arguments]) == 2
    assert "usage" in capsys.readouterr().err


def test_settings_that_are_not_there_are_usage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["decode", "--config", str(tmp_path / "none.toml"), "a"]) == 2
    assert "none.toml" in capsys.readouterr().err
