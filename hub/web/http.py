"""Which parser reads HTTP/1.1 off the hub's socket: llhttp by httptools, bounded; h11 where httptools is not installed.

A thousand tills' connections are served in under half the time with httptools, but neither it nor uvicorn bounds what
comes before a body: a head that never ends would be kept whole. h11 has a bound of its own.

Tills ask the same over and over: of a request's bytes, only the last part of the path is another than in the one
before. Where the one before was read, judged and found plain (`Ready`), those bytes need no reading a second time:

    GET /api/v1/lookup/4006381333931 HTTP/1.1 CR LF Host: … CR LF … CR LF CR LF
    `----- begins ----''--- word ---''--------------- as before ---------------'
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, ClassVar, Final, Literal, Protocol

from starlette.types import Scope

MAX_HEAD_BYTES: Final = 64 * 1024
_HEAD_ENDS: Final = b"\r\n\r\n"
_LINE_ENDS: Final = b" HTTP/1.1\r\n"
_MORE_TO_COME: Final = frozenset((b"content-length", b"transfer-encoding", b"expect", b"upgrade"))
_OK: Final = b"HTTP/1.1 200 OK\r\n"

Answering = Callable[[bytes], bytes | None]
"""(word) -> the headers and body of an answer with status 200, or None where the request has to be read after all."""


class Ready(Protocol):
    """Has answers in hand to requests that begin alike."""

    begins: ClassVar[bytes]
    """Method and path, up to the word that differs."""

    def judge(self, scope: Scope) -> Answering | None:
        """Look at all that a request says (an ASGI scope): give what answers others that differ in the word alone.

        None if each is to be looked at by itself. A word has only ASCII letters and digits.
        """
        ...


def http_protocol(ready: Ready | None = None) -> type[asyncio.Protocol] | Literal["h11"]:
    """Give what uvicorn is to be configured with."""
    return "h11" if find_spec("httptools") is None else _bounded(ready)


def _bounded(ready: Ready | None) -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    begins = b"" if ready is None else ready.begins

    class Bounded(HttpToolsProtocol):
        """Hangs up on a request whose line and headers together are too long; answers what `ready` does by itself."""

        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self._in_head = True
            self._head_bytes = 0
            self._between = True
            """No byte of a request has come that is not answered or being answered."""
            self._whole = b""
            """What came at once, if a request began with it."""
            self._as_before = b""
            self._answering: Answering | None = None
            self._answered_s = 0.0

        def data_received(self, data: bytes) -> None:
            if self._answering is not None and self._answered(data):
                return
            if self._in_head:
                self._head_bytes += len(data)
                if self._head_bytes > MAX_HEAD_BYTES:
                    self.send_400_response("The request's head is too long.")
                    return
            self._whole = data if self._between else b""
            super().data_received(data)

        def on_message_begin(self) -> None:
            self._in_head = True
            self._between = False
            self._head_bytes = 0
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head = False
            super().on_headers_complete()
            self._answering = None if ready is None else self._judge(ready)

        def on_message_complete(self) -> None:
            self._between = True
            super().on_message_complete()

        def timeout_keep_alive_handler(self) -> None:
            # Not set anew with each answer given here, which would cost as much as the answer.
            left_s = self._answered_s + self.timeout_keep_alive - self.loop.time()
            if left_s > 0:
                self.timeout_keep_alive_task = self.loop.call_later(left_s, self.timeout_keep_alive_handler)
            else:
                super().timeout_keep_alive_handler()

        def _judge(self, ready: Ready) -> Answering | None:
            """Keep what follows the word, if this request came at once and alone, and others like it may follow."""
            whole = self._whole
            at = whole.find(b" ", len(begins))
            if (
                not whole.startswith(begins)
                or not whole.startswith(_LINE_ENDS, at)
                or whole.find(_HEAD_ENDS) != len(whole) - len(_HEAD_ENDS)
                or not self.cycle.keep_alive
                or not _MORE_TO_COME.isdisjoint(name for name, _ in self.headers)
            ):
                return None
            self._as_before = whole[at:]
            return ready.judge(dict(self.scope))

        def _answered(self, data: bytes) -> bool:
            """Answer a request that is as the one before but for the word; say whether that was done."""
            end = len(data) - len(self._as_before)
            if (
                self._answering is None
                or not self._between
                or not self.cycle.response_complete
                or self.flow.write_paused
                or not data.endswith(self._as_before)
                or not data.startswith(begins)
                or not (word := data[len(begins) : end]).isalnum()
                or (answer := self._answering(word)) is None
                or self.transport.is_closing()
            ):
                return False
            dated = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
            self.transport.write(b"%b%b%b" % (_OK, dated, answer))
            self.server_state.total_requests += 1
            self._answered_s = self.loop.time()
            return True

    return Bounded
