"""Keeps web pages away from the local API: only programs on this machine may ask.

A page in any browser can send requests to 127.0.0.1, and with a name of its own that resolves there (DNS rebinding) it
can read the answers. So the Host must be a loopback name with our port, and a request that a page sent is
refused: browsers put `Origin` on what pages post or stream (Fetch standard, section 3.1), and `Sec-Fetch-Site` on all
they send (W3C Fetch Metadata).

Our own page for enrolling (`PAGES`) may ask what belongs to it: its requests name our own origin, loopback and port.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.api.answers import refuse

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
PAGES = "/enrol"
"""What is at or below this path may be asked for by a page of ours."""


class Guard:
    """ASGI middleware; `port` tells the port we listen on."""

    def __init__(self, app: ASGIApp, port: Callable[[], int]) -> None:
        self._app = app
        self._port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            name, _, port = headers.get("host", "").rpartition(":")
            if name not in LOOPBACK_NAMES or port != str(self._port()):
                await refuse("bad-host", "the Host header must name the loopback address and port", 421)(
                    scope, receive, send
                )
                return
            if not (_from_a_program(headers) or (_is_ours(scope["path"]) and _from_our_page(headers, name, port))):
                await refuse("from-a-web-page", "web pages may not use this API", 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _from_a_program(headers: Headers) -> bool:
    return "origin" not in headers and headers.get("sec-fetch-site", "none") == "none"


def _is_ours(path: str) -> bool:
    return path == PAGES or path.startswith(f"{PAGES}/")


def _from_our_page(headers: Headers, name: str, port: str) -> bool:
    own = f"http://{name}:{port}"
    return headers.get("origin", own) == own and headers.get("sec-fetch-site", "same-origin") == "same-origin"
