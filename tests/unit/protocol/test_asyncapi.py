"""docs/asyncapi.yaml says what the code says: it is made of the same structs and topics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.events import Delta, Reason, When
from protocol.topics import ROOT, Channel, parse_station_topic
from shelfwire.asyncapi import channels, document, to_yaml

PAGE = Path(__file__).parents[3] / "docs" / "asyncapi.yaml"


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def at(tree: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        tree = tree[step]
    return tree


def test_the_page_is_made_of_the_code() -> None:
    made = to_yaml(document()) + "\n"
    assert PAGE.read_text() == made, "make it anew: python -m shelfwire.asyncapi > docs/asyncapi.yaml"


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to() -> None:
    told = document()
    references = {node["$ref"] for node in walk(told) if "$ref" in node}
    for reference in references:
        assert at(told, reference), reference
    named = {f"#/components/schemas/{name}" for name in told["components"]["schemas"]}
    assert named <= references


def test_it_knows_every_channel_of_a_station() -> None:
    unused = {Channel.COMMAND, Channel.REPLY}
    told = {each.address.replace("{store}", "oak").replace("{station}", "till-3") for each in channels()}
    stations = {parse_station_topic(each.replace("{stream}", "stock"))[1].channel for each in told if "/s/" in each}
    assert stations == set(Channel) - unused
    assert all(each.startswith(f"{ROOT}/oak/") for each in told)


@pytest.mark.parametrize("part", ["asyncapi", "info", "channels", "operations", "components"])
def test_it_has_the_parts_that_the_specification_wants(part: str) -> None:
    told = document()
    assert told[part]
    assert told["asyncapi"] == "3.0.0"
    assert {operation["action"] for operation in told["operations"].values()} == {"send", "receive"}
    for channel in told["channels"].values():
        assert set(re.findall(r"{(\w+)}", channel["address"])) == set(channel["parameters"])


def test_an_entry_is_described_place_by_place() -> None:
    schema = document()["components"]["schemas"]["Delta"]
    sold = Delta(When("b", 1, 2, True), "scanner", "4006381333931", "]E0", -1000, Reason.SALE, "shop")
    line = msgspec.json.decode(msgspec.json.encode(sold))
    assert [place["title"] for place in schema["prefixItems"]] == ["kind", *Delta.__struct_fields__]
    assert line[0] in schema["prefixItems"][0]["enum"]
    assert len(line) == len(schema["prefixItems"])
    assert schema["minItems"] <= len(line)
