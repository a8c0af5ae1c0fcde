"""JSON answers and RFC 9457 problems."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from edge.api.messages import problem

_json = msgspec.json.Encoder().encode


def answer(body: msgspec.Struct) -> Response:
    """Answer with a struct's JSON."""
    return Response(_json(body), media_type="application/json")


def refuse(name: str, detail: str, status: int) -> Response:
    """Answer with a named error."""
    return Response(_json(problem(name, detail, status)), status, media_type="application/problem+json")
