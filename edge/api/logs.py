"""The station's logs over the local API, for who carries them to the hub by hand.

GET  /v1/log/{stream}?from=acked    the log as a file (`protocol.station_file`), written while it is read
     from = acked: after what the hub is known to have; all: everything kept; EPOCH:SEQ: that entry and what follows
POST /v1/log/{stream}/receipt       a hub's receipt (`protocol.receipts`)

A file that breaks off has no trailer: the log could not be read to its end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edge.api.answers import answer, refuse
from edge.api.bodies import json_body, refuse_body
from edge.buffer.api import StationLog
from edge.buffer.errors import LogRefused, NotKept
from edge.buffer.exporting import At, Begin, LogName, export
from edge.buffer.receiving import take_receipt
from protocol.errors import BadInput
from protocol.identity import Epoch, StationId, StoreId
from protocol.receipts import MAX_RECEIPT_BYTES, decode_receipt
from protocol.topics import Stream

MEDIA_TYPE = "application/x-ndjson"
_log = logging.getLogger(__name__)


class ReceiptAnswer(msgspec.Struct, frozen=True):
    """`POST /v1/log/{stream}/receipt`: entries newly known to be at the hub, and those that are not."""

    acked: int
    unacked: int


class LogDesk:
    """Gives exports, one at a time, and takes receipts."""

    def __init__(
        self, store: StoreId, station: StationId, logs: Mapping[Stream, StationLog], now_us: Callable[[], int]
    ) -> None:
        self._store = store
        self._station = station
        self._logs = logs
        self._now_us = now_us
        self._one = asyncio.Lock()

    def routes(self) -> list[Route]:
        """Make the routes."""
        return [
            Route("/v1/log/{stream}", self.give, methods=["GET"]),
            Route("/v1/log/{stream}/receipt", self.receive, methods=["POST"]),
        ]

    async def give(self, request: Request) -> Response:
        try:
            name, log = self._named(request)
            begin = parse_begin(request.query_params.get("from", "acked"))
        except BadInput as error:
            return refuse(error.name, error.detail, 404 if error.name == "no-such-stream" else 400)
        records = export(log, name, begin, self._now_us())
        try:
            header = await anext(records)
        except NotKept as error:
            return refuse("not-kept", str(error), 409)
        except LogRefused as error:
            return refuse("log-failing", str(error), 503)
        return StreamingResponse(self._stream(header, records), media_type=MEDIA_TYPE)

    async def receive(self, request: Request) -> Response:
        try:
            body = await json_body(request, MAX_RECEIPT_BYTES)
        except BadInput as error:
            return refuse_body(error)
        try:
            name, log = self._named(request)
            taken = await take_receipt(log, name, decode_receipt(body))
        except BadInput as error:
            return refuse(error.name, error.detail, 404 if error.name == "no-such-stream" else 422)
        except LogRefused as error:
            return refuse("log-failing", str(error), 503)
        _log.info("receipt taken", extra={"log": name.stream, "acked": taken.acked, "unacked": taken.unacked})
        return answer(ReceiptAnswer(taken.acked, taken.unacked))

    async def _stream(self, header: bytes, records: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async with self._one:
            try:
                yield header
                async for piece in records:
                    yield piece
            except (NotKept, LogRefused) as error:
                # Too late to refuse: without its trailer the file is known to be cut off.
                _log.warning("export broken off", extra={"error": str(error)})

    def _named(self, request: Request) -> tuple[LogName, StationLog]:
        stream = str(request.path_params["stream"])
        if stream not in self._logs:
            raise BadInput("no-such-stream", f"{stream[:40]!r}; there are {', '.join(self._logs)}")
        return LogName(self._store, self._station, Stream(stream)), self._logs[Stream(stream)]


def parse_begin(text: str) -> Begin | At:
    """Read where an export is to begin: acked, all, or EPOCH:SEQ. Raises `BadInput` ("bad-request")."""
    match text:
        case "acked":
            return Begin.ACKED
        case "all":
            return Begin.ALL
    epoch, _, seq = text.partition(":")
    if not (seq.isascii() and seq.isdigit() and 0 < len(seq) < 16 and int(seq) > 0):
        raise BadInput("bad-request", f"{text[:80]!r} is not acked, all or EPOCH:SEQ")
    try:
        return At(Epoch.parse(epoch), int(seq))
    except BadInput as error:
        raise BadInput("bad-request", error.detail) from error
