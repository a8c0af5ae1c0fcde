"""Reading the JSON body of a request: of the right type, and no more of it than may come."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from edge.api.answers import refuse
from protocol.errors import BadInput


async def json_body(request: Request, most_bytes: int) -> bytes:
    """Give the body as it came. Raises `BadInput` ("bad-content-type", "too-large")."""
    # A page cannot send this type to another site without asking first, and nobody here says yes (Fetch, section 3.2).
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadInput("bad-content-type", "application/json is expected")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise BadInput("too-large", f"more than {most_bytes} bytes")
    return body


def refuse_body(error: BadInput) -> Response:
    """Answer a body that could not be taken."""
    return refuse(error.name, error.detail, {"bad-content-type": 415, "too-large": 413}.get(error.name, 400))
