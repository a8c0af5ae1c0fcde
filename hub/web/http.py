"""Which parser reads HTTP/1.1 off the hub's socket: llhttp by httptools, bounded; h11 where httptools is not installed.

A thousand tills' connections are served in under half the time with httptools, but neither it nor uvicorn bounds what
comes before a body: a head that never ends would be kept whole. h11 has a bound of its own.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any, Final, Literal

MAX_HEAD_BYTES: Final = 64 * 1024


def http_protocol() -> type[asyncio.Protocol] | Literal["h11"]:
    """Give what uvicorn is to be configured with."""
    return "h11" if find_spec("httptools") is None else _bounded()


def _bounded() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Bounded(HttpToolsProtocol):
        """Hangs up on a request whose line and headers together are too long."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._in_head = True
            self._head_bytes = 0

        def data_received(self, data: bytes) -> None:
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self.send_400_response("The request's head is too long.")
                    return
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._in_head = True
            self._head_bytes = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head = False
            super().on_headers_complete()

    return Bounded
