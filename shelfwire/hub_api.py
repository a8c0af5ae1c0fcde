"""Asks a running hub over REST, on behalf of a command."""

from __future__ import annotations

import argparse
import http.client
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from hub.errors import BadInput, HubError
from hub.settings import load_settings

TIMEOUT_S = 10.0
PREFIX = "/api/v1"

_T = TypeVar("_T")


class Refused(HubError):
    """The hub would not do it; `name` says why in a word."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


class _Problem(msgspec.Struct, frozen=True):
    name: str = ""
    detail: str = ""


class HubApi:
    """Every method raises `HubError` if the hub does not answer, `Refused` if it refuses."""

    def __init__(self, url: str, token: str | None) -> None:
        """`url` is as "http://127.0.0.1:8080". Raises `BadInput` ("bad-hub") for one that is none."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.path.strip("/"):
            raise BadInput("bad-hub", f"{url[:80]!r} is no address like http://127.0.0.1:8080")
        self._url = url
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._token = token

    def get(self, path: str, kind: type[_T]) -> _T:
        """Ask for what is at a path below `/api/v1`."""
        return self._asked("GET", path, None, kind)

    def post(self, path: str, body: object, kind: type[_T]) -> _T:
        """Have something done."""
        return self._asked("POST", path, msgspec.json.encode(body), kind)

    def _asked(self, method: str, path: str, body: bytes | None, kind: type[_T]) -> _T:
        connect = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = connect(self._host, self._port, timeout=TIMEOUT_S)
        headers = {} if body is None else {"content-type": "application/json"}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        try:
            connection.request(method, PREFIX + path, body, headers)
            response = connection.getresponse()
            said = response.read()
            if response.status >= http.client.BAD_REQUEST:
                raise _refused(response, said)
            return msgspec.json.decode(said, type=kind)
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            raise HubError(f"the hub does not answer at {self._url}: {error}") from error
        finally:
            connection.close()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let a command be told which hub to ask, and by what right."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--hub", metavar="URL", help="the hub's page (default: http://127.0.0.1:8080)")
    where.add_argument("--config", type=Path, metavar="hub.toml", help="ask the hub of these settings")
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="a file that holds a token with the scope provision; not needed on the hub's machine while none was made",
    )


def with_hub(args: argparse.Namespace, job: Callable[[HubApi], int]) -> int:
    """Run what asks the hub that `args` name; give its exit code."""
    try:
        hub = HubApi(_url(args), None if args.token_file is None else _token(args.token_file))
    except (BadInput, OSError) as error:
        print(f"shelfwire: {error.detail if isinstance(error, BadInput) else error}", file=sys.stderr)
        return 2
    try:
        return job(hub)
    except (HubError, OSError) as error:
        if getattr(args, "json", False):
            print(json.dumps({"error": str(error)}))
        print(f"shelfwire: {inert(str(error))}", file=sys.stderr)
        return 1


def _refused(response: http.client.HTTPResponse, said: bytes) -> Refused:
    try:
        problem = msgspec.json.decode(said, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()  # of a proxy, say
    return Refused(problem.name or str(response.status), problem.detail or response.reason)


def inert(text: str) -> str:
    """Make what somebody else wrote harmless to a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _url(args: argparse.Namespace) -> str:
    if args.hub is not None:
        url: str = args.hub
        return url
    if args.config is None:
        return "http://127.0.0.1:8080"
    web = load_settings(args.config).web
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(web.host, web.host)  # noqa: S104 - what a hub listens at, not we
    return f"http://{f'[{host}]' if ':' in host else host}:{web.port}"


def _token(file: Path) -> str:
    token = file.read_text("utf-8").strip()
    if not token or any(not "!" <= character <= "~" for character in token):
        raise BadInput("bad-token", f"{file} holds no token, or more than one")
    return token
