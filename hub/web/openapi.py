"""The OpenAPI 3.1 document: what FastAPI finds out by itself, and what has to be said by hand."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from hub.web import lookup


def describe_all(app: FastAPI) -> None:
    """Let the application describe itself whole."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            lookup.describe(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    # FastAPI's own way of adding to the document.
    app.openapi = document  # type: ignore[method-assign]
