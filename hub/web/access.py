"""Who may do what: a bearer token with the right scope; without any made, whoever is on the hub's own machine.

Programs send `Authorization: Bearer ...` (RFC 6750). Browsers are given the same token as a cookie by the login page,
so that to revoke it ends the session too; only pages take the cookie, never REST.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.types import Scope as Connection

from hub.tokens import Scope, Token, Tokens
from hub.web.problems import Problem

COOKIE: Final = "shelfwire-token"
_FORWARDED: Final = frozenset((b"forwarded", b"x-forwarded-for", b"x-real-ip"))
_LOOKING: Final = ("GET", "HEAD")
_BEARER: Final = HTTPBearer(
    scheme_name="token",
    description="Made by `shelfwire hub token create`. While none has been made, none is asked for on the hub's own "
    "machine; from elsewhere one always is.",
    auto_error=False,
)
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]


class Access:
    """Judges requests by the tokens that `tokens` gives."""

    def __init__(self, tokens: Callable[[], Tokens], now_us: Callable[[], int]) -> None:
        self._tokens = tokens
        self._now_us = now_us

    def needs(self, scope: Scope) -> Any:
        """Make what a REST route is to depend on: raises `Problem` for whoever may not."""

        def check(request: Request, scopes: SecurityScopes, bearer: _Bearer) -> None:
            self._check(request.scope, None if bearer is None else bearer.credentials, scope)

        return Security(check, scopes=[scope.value])

    def of(self, read: Scope, change: Scope) -> Any:
        """Make what a whole router is to depend on, pages and REST alike: a scope to look, another to change."""

        def check(request: Request, scopes: SecurityScopes, bearer: _Bearer) -> None:
            presented = None if bearer is None else bearer.credentials
            if not request.url.path.startswith("/api/"):
                presented = presented or request.cookies.get(COOKIE)
            self._check(request.scope, presented, read if request.method in _LOOKING else change)

        # Which of the two it is for an operation, `hub.web.openapi` says.
        return Security(check, scopes=[read.value, change.value])

    def page(self, scope: Scope) -> Any:
        """Make what a page is to depend on: a token or the cookie that bears one."""

        def check(request: Request) -> None:
            presented = _bearer(request.headers.get("authorization", "").encode("latin-1"))
            self._check(request.scope, presented or request.cookies.get(COOKIE), scope)

        return Depends(check)

    def admits(self, connection: Connection, authorization: bytes | None, scope: Scope) -> bool:
        """Say whether a request may, without saying why not."""
        tokens = self._tokens()
        if not tokens.made:
            return is_local(connection)
        presented = None if authorization is None else _bearer(authorization)
        token = None if presented is None else tokens.find(presented, self._now_us())
        return token is not None and scope in token.scopes

    def check(self, connection: Connection, authorization: str | None, scope: Scope) -> None:
        """Raise `Problem` for whoever may not: "token-missing", "token-invalid", "scope-missing"."""
        self._check(connection, None if authorization is None else _bearer(authorization.encode("latin-1")), scope)

    def token(self, presented: str) -> Token | None:
        """Recognise a token."""
        return self._tokens().find(presented, self._now_us())

    def _check(self, connection: Connection, presented: str | None, scope: Scope) -> None:
        tokens = self._tokens()
        if not tokens.made and is_local(connection):
            return
        if presented is None:
            raise Problem("token-missing", f"a token with the scope {scope.value} is needed")
        token = tokens.find(presented, self._now_us())
        if token is None:
            raise Problem("token-invalid", "unknown, revoked or past its end")
        if scope not in token.scopes:
            raise Problem("scope-missing", f"the token {token.id} lacks the scope {scope.value}")


def is_local(connection: Connection) -> bool:
    """Say whether who calls is on the hub's own machine: from a loopback address, or from the very address called.

    What a proxy has forwarded came from anywhere.
    """
    client, server = connection.get("client"), connection.get("server")
    if client is None or server is None:
        return False
    for name, _ in connection["headers"]:
        if name in _FORWARDED:
            return False
    return _is_here(client[0], server[0])


@lru_cache(maxsize=1024)
def _is_here(client: str, server: str) -> bool:
    try:
        return ipaddress.ip_address(client).is_loopback or client == server
    except ValueError:
        return False


def _bearer(authorization: bytes) -> str | None:
    """Take the token out of the header; None if there is none."""
    kind, _, presented = authorization.partition(b" ")
    return presented.strip().decode("latin-1") if kind.lower() == b"bearer" and presented else None
