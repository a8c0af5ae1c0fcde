"""The OpenAPI 3.1 document: what FastAPI finds out by itself, and what has to be said by hand."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from hub.web import lookup
from hub.web.models import Problem
from hub.web.stock_models import LookedUp
from hub.wire.carrying import TakenFile

BY_HAND: Final = (LookedUp, Problem)
"""Models of what FastAPI does not see."""


def _add(components: dict[str, Any], model: type[BaseModel]) -> None:
    described = model.model_json_schema(ref_template="#/components/schemas/{model}", mode="serialization")
    for name, each in described.pop("$defs", {}).items():
        components.setdefault(name, each)
    components[model.__name__] = described


def _needed(method: str, requirement: dict[str, list[str]]) -> dict[str, list[str]]:
    """Choose, of the scopes to look and to change of `Access.of`, the one that this method needs."""
    return {name: [scopes[0] if method == "get" else scopes[-1]] for name, scopes in requirement.items()}


def describe_all(app: FastAPI) -> None:
    """Let the application describe itself whole."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            schema["openapi"] = "3.1.0"
            schema["jsonSchemaDialect"] = "https://spec.openapis.org/oas/3.1/dialect/base"
            for model in BY_HAND:
                _add(schema["components"]["schemas"], model)
            _, components = msgspec.json.schema_components([TakenFile], ref_template="#/components/schemas/{name}")
            schema["components"]["schemas"] |= components
            lookup.describe(schema)
            for item in schema["paths"].values():
                for method, operation in item.items():
                    if "security" in operation:
                        operation["security"] = [_needed(method, each) for each in operation["security"]]
            app.openapi_schema = schema
        return app.openapi_schema

    # FastAPI's own way of adding to the document.
    app.openapi = document  # type: ignore[method-assign]
