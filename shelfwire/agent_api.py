"""Asks the running agent of a station, over its local API, on behalf of a command."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote

import msgspec

from edge.api.handover import CheckAnswer
from edge.api.health_messages import HealthAnswer
from edge.api.logs import ReceiptAnswer
from edge.errors import EdgeError
from edge.settings import ApiSettings
from protocol.station_file import MAX_RECORD_BYTES
from protocol.topics import Stream

TIMEOUT_S = 5.0
RECORD_TIMEOUT_S = 30.0
"""For the next piece of a log: another export may have to end first."""

_T = TypeVar("_T")


class Refused(EdgeError):
    """The agent would not do it; `name` says why in a word."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


class _Problem(msgspec.Struct, frozen=True):
    name: str = ""
    detail: str = ""


class AgentApi:
    """Every method raises `EdgeError` if the agent does not answer, `Refused` if it refuses."""

    def __init__(self, api: ApiSettings) -> None:
        self._host, self._port = api.host, api.port

    def health(self) -> HealthAnswer:
        """Ask how the station is."""
        with self._asked("GET", "/v1/health", TIMEOUT_S) as response:
            return _decoded(response.read(), HealthAnswer)

    def check(self) -> CheckAnswer:
        """Ask how the hand-over check stands."""
        with self._asked("GET", "/enrol/check/standing", TIMEOUT_S) as response:
            return _decoded(response.read(), CheckAnswer)

    def say_of_check(self, word: str, step: int, text: str) -> CheckAnswer:
        """Do what a person says of it."""
        body = msgspec.json.encode({"do": word, "step": step, "text": text})
        with self._asked("POST", "/enrol/check", TIMEOUT_S, body) as response:
            return _decoded(response.read(), CheckAnswer)

    def records(self, stream: Stream, begin: str) -> Iterator[bytes]:
        """Give the records of a log's file, without their line feeds, as long as they come."""
        with self._asked("GET", f"/v1/log/{stream}?from={quote(begin, safe=':')}", RECORD_TIMEOUT_S) as response:
            while record := response.readline(MAX_RECORD_BYTES + 2):
                yield record.removesuffix(b"\n")

    def give_receipt(self, stream: Stream, receipt: bytes) -> ReceiptAnswer:
        """Hand over a hub's receipt."""
        with self._asked("POST", f"/v1/log/{stream}/receipt", TIMEOUT_S, receipt) as response:
            return _decoded(response.read(), ReceiptAnswer)

    @contextmanager
    def _asked(
        self, method: str, path: str, timeout_s: float, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        if self._port == 0:
            raise EdgeError("the agent is running, and its API has no fixed port to ask at")
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            connection.request(method, path, body, {} if body is None else {"content-type": "application/json"})
            response = connection.getresponse()
            if response.status >= http.client.BAD_REQUEST:
                problem = _decoded(response.read(), _Problem)
                raise Refused(problem.name or str(response.status), problem.detail or response.reason)
            yield response
        except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
            raise EdgeError(
                f"the agent is running, but does not answer at {self._host}:{self._port}: {error}"
            ) from error
        finally:
            connection.close()


def _decoded(body: bytes, kind: type[_T]) -> _T:
    return msgspec.json.decode(body, type=kind)
