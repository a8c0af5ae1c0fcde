"""The OpenAPI document: of version 3.1, whole, without a dead reference, and true of what is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI

from hub.tokens import Scope
from hub.web.app import make_application
from hub.web.lineage_models import ItemLineage
from hub.web.lookup import Lookups
from hub.web.models import Model, Problem, ProblemType, Wellness
from hub.web.problems import KINDS
from hub.web.station_models import Stations
from hub.web.stock_models import ItemStock, LookedUp, StockPage
from tests.unit.hub_web.shop import MILK, Shop, addresses

METHODS = {"get", "post", "put", "patch", "delete"}
OPEN = {"/healthz", "/problems/{name}"}
ONLY_HERE = {"/api/v1/station-logs"}


@pytest.fixture
async def document(rest: httpx.AsyncClient) -> dict[str, Any]:
    told: dict[str, Any] = (await rest.get("/openapi.json")).json()
    return told


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield path, method, operation


def walk(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for each in node.values():
            yield from walk(each)
    elif isinstance(node, list):
        for each in node:
            yield from walk(each)


def test_it_is_what_the_specification_says_a_document_is(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    OpenAPI.model_validate(document)
    seen = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(seen) == len(set(seen))
    for path, _, operation in operations(document):
        named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), path
        assert all(each["required"] for each in operation.get("parameters", []) if each["in"] == "path")
        assert all(each["description"] for each in operation["responses"].values()), path


def test_no_reference_leads_nowhere_and_nothing_is_described_for_nobody(document: dict[str, Any]) -> None:
    referred = {node["$ref"] for node in walk(document) if "$ref" in node}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert referred == known


def test_it_names_every_route_for_programs(document: dict[str, Any], shop: Shop) -> None:
    application = make_application(shop.store, shop.outside, Lookups(shop.store, shop.outside))
    for_programs = {
        (method.lower(), re.sub(r"{(\w+):path}", r"{\1}", path))
        for method, path in addresses(application)
        if path.startswith(("/api/", "/metrics", "/healthz", "/problems/"))
    }
    assert {(method, path) for path, method, _ in operations(document)} == for_programs


def test_it_says_of_each_route_what_may_go_wrong_and_which_token_it_wants(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        for status in ("4XX", "5XX"):
            (schema,) = operation["responses"][status]["content"].values()
            assert schema == {"schema": {"$ref": "#/components/schemas/Problem"}}, path
        assert "422" not in operation["responses"], f"{path}: FastAPI's own, which nobody is answered with"
        assert ("security" in operation) == (path not in OPEN | ONLY_HERE), path


def test_every_description_and_every_example_is_of_its_model(document: dict[str, Any]) -> None:
    examples = 0
    models = {each.__name__: each for each in Model.__subclasses__()}
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", []):
            models[name].model_validate(example)
            examples += 1
    assert examples >= 3
    for path, _, operation in operations(document):
        assert operation["description"], path


async def test_what_is_answered_is_what_is_described(document: dict[str, Any], rest: httpx.AsyncClient) -> None:
    for path, answer_of in (
        ("/api/v1/lookup/{code}", LookedUp),
        ("/api/v1/items/{item}/lineage", ItemLineage),
        ("/api/v1/items/{item}", ItemStock),
        ("/api/v1/stations", Stations),
        ("/api/v1/stock", StockPage),
        ("/healthz", Wellness),
        ("/problems/{name}", ProblemType),
    ):
        (content,) = document["paths"][path]["get"]["responses"]["200"]["content"].values()
        assert content["schema"] == {"$ref": f"#/components/schemas/{answer_of.__name__}"}
        filled = path.format(code=MILK, item="milk-1l", name="busy")
        text = (await rest.get(filled)).text
        assert answer_of.model_validate_json(text, strict=True, extra="forbid").model_dump(mode="json") == json.loads(
            text
        )
    problem = (await rest.get("/api/v1/lookup/nobody")).json()
    Problem.model_validate(problem, extra="forbid")


def test_the_integrator_s_page_speaks_of_routes_and_scopes_that_there_are(document: dict[str, Any]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "integrator.md").read_text()
    paths = {re.sub(r"/lookup/\d+", "/lookup/{code}", path) for path in re.findall(r"/api/v1/[a-z{}/\d-]+", page)}
    assert len(paths) >= 6
    assert paths <= set(document["paths"])
    assert {scope.value for scope in Scope} <= set(re.findall(r"`([a-z:]+)`", page))
    named = set(re.findall(r"\d{3} `([a-z-]+)`", page))
    assert len(named) >= 5
    assert named <= set(KINDS)
