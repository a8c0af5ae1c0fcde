"""Stands before every route: whose name is called, who may change things, how much is read, what browsers are told.

Plain ASGI, so that live updates pass through unbuffered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.web.problems import Problem, answer

MAX_BODY_BYTES: Final = 16 * 1024
_READING: Final = ("GET", "HEAD", "OPTIONS")

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": browsers would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
HEADERS: Final = tuple((name.encode(), value.encode()) for name, value in _HEADERS.items())
"""What every answer bears, unless its route says otherwise."""


class Guard:
    """Refuses what should not reach the application, and adds the headers that keep a browser safe.

    A name that is not the hub's own is refused, because a hostile page could make its own name point here (DNS
    rebinding). An address cannot be made to, so any is taken.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str], streamed: Iterable[str] = ()) -> None:
        """`names` are the hub's own; routes at the paths `streamed` bound the bodies themselves, as they come."""
        self._app = app
        self._streamed = frozenset(streamed)
        self._names = {name.lower() for name in names} | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                message["headers"] = headers.raw
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_host(headers)
            if scope["method"] in _READING:
                _check_isolation(headers)
            else:
                _check_origin(headers)
                if scope["path"] not in self._streamed:
                    receive = await bounded(headers, receive)
        except Problem as problem:
            await answer(problem)(scope, receive, send_guarded)
            return
        await self._app(scope, receive, send_guarded)

    def is_ours(self, named: str) -> bool:
        """Whether a Host header calls the hub by a name of its own, or by an address."""
        host = _host_of(named)
        return host in self._names or _is_address(host)

    def _check_host(self, headers: Headers) -> None:
        named = headers.get("host", "")
        if not self.is_ours(named):
            raise Problem("host-unknown", f"{_host_of(named)[:80]!r} is not in the settings' list of hosts")


def _check_isolation(headers: Headers) -> None:
    """Let another site link here, but not fetch, embed or listen, though it could not read what came."""
    if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
        raise Problem("cross-site", "the browser says that a page of another site asks")


def _check_origin(headers: Headers) -> None:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Problem("cross-site", f"the browser says {site[:40]!r}")
    origin = headers.get("origin")
    # A program that is no browser sends neither.
    if origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise Problem("cross-site", f"the request comes from {origin[:80]!r}")


async def bounded(headers: Headers, receive: Receive, most: int = MAX_BODY_BYTES) -> Receive:
    """Read the body, no more than `most` bytes, and give what hands it on. Raises `Problem` ("body-too-large")."""
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:12]) > most:
        raise Problem("body-too-large", f"at most {most} bytes")
    messages: list[Message] = []
    size = 0
    while not messages or messages[-1].get("more_body"):
        messages.append(await receive())
        size += len(messages[-1].get("body", b""))
        if size > most:
            raise Problem("body-too-large", f"at most {most} bytes")
    waiting = iter(messages)

    async def again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return again


def _host_of(text: str) -> str:
    try:
        return (urlsplit(f"//{text}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
