"""Releases: what stations are offered at the address they enrol at, and how people decide it over REST.

A bundle lies as `releases/SHA256.raucb` in the hub's data folder, put there by `shelfwire hub release add`. A station
shows its certificate; a piece of the bundle is sent for each request, so that no connection lasts long and a slow or
cut line goes on where it was (RFC 9110, section 14: Range).
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hub.closing import Span, next_closed
from hub.release_files import bundle_path
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.floor import Key
from hub.web.models import Line, Model
from hub.web.outside import Outside
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, json_only
from protocol.errors import BadInput
from protocol.releases import RELEASE, RELEASE_PATH, RELEASES_PATH, Offer, Offered, ReleaseSaid, is_for

PIECE_BYTES: Final = 4 * 1024 * 1024
"""No answer is longer: it fits the time that a connection may last on a line of a megabit."""
_RANGE: Final = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
_log = logging.getLogger(__name__)


class Caller(msgspec.Struct, frozen=True):
    """Who showed a certificate: the identity, and the position it was given for."""

    station: str
    position: str


class ReleaseDesk:
    """Answers stations. `recognise` tells whose request it is, or raises `BadInput`."""

    def __init__(
        self,
        store: HubStore,
        folder: Path,
        closed: tuple[Span, ...],
        zone: tzinfo,
        now_us: Callable[[], int],
        recognise: Callable[[Request], Awaitable[Caller]],
    ) -> None:
        self._store = store
        self._folder = folder
        self._closed = closed
        self._zone = zone
        self._now_us = now_us
        self._recognise = recognise

    def routes(self) -> list[Route]:
        """Make the routes."""
        return [
            Route(RELEASE_PATH, self._guarded(self.offer), methods=["GET"]),
            Route(f"{RELEASES_PATH}/{{release}}", self._guarded(self.bundle), methods=["GET"]),
        ]

    async def offer(self, request: Request, caller: Caller) -> Response:
        """Tell a station what it is to run."""
        compatible = request.query_params.get("compatible", "")
        now_us = self._now_us()
        closed = next_closed(self._closed, self._zone, now_us)
        offer = None
        for word in await self._store.releases.standing():
            if is_for(word, caller.station, caller.position, compatible):
                offer = Offer(
                    release=word.release,
                    version=word.version,
                    compatible=word.compatible,
                    size=word.size,
                    anytime=word.anytime,
                    older=word.older,
                    said_us=word.at_us,
                )
        begin_us, end_us = closed or (None, None)
        told = Offered(now_us=now_us, closed_from_us=begin_us, closed_to_us=end_us, offer=offer)
        return Response(msgspec.json.encode(told), media_type="application/json")

    async def bundle(self, request: Request, caller: Caller) -> Response:
        """Give a piece of a bundle."""
        release = str(request.path_params["release"])
        known = {word.release: word for word in await self._store.releases.standing()}
        if not RELEASE.fullmatch(release) or release not in known or not known[release].offered:
            raise BadInput("release-unknown", "no such release is offered")
        size = known[release].size
        asked = _RANGE.fullmatch(request.headers.get("range", "bytes=0-"))
        first = int(asked[1]) if asked else 0
        if first >= size:
            return Response(status_code=416, headers={"content-range": f"bytes */{size}"})
        last = min(size, first + PIECE_BYTES) - 1
        if asked and asked[2]:
            last = min(last, int(asked[2]))
        try:
            data = await asyncio.to_thread(_piece, bundle_path(self._folder, release), first, last - first + 1)
        except OSError as error:
            _log.error("bundle cannot be read", extra={"release": release, "error": str(error)})
            raise BadInput("release-gone", "the hub cannot read it") from error
        headers = {"content-range": f"bytes {first}-{first + len(data) - 1}/{size}", "accept-ranges": "bytes"}
        return Response(data, 206, headers, "application/octet-stream")

    def _guarded(
        self, answer: Callable[[Request, Caller], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request, await self._recognise(request))
            except BadInput as error:
                status = 404 if error.name.startswith("release-") else 403
                return PlainTextResponse(f"{error.name}: {error.detail}\n", status)

        return guarded


def _piece(path: Path, first: int, length: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(descriptor, length, first)
    finally:
        os.close(descriptor)
    if not data:
        raise OSError("it is shorter than it was")
    return data


class NewRelease(Model):
    """A word on a release: offered to these stations from now on, or, `offered` false, to none any more.

    `stations` are positions; none of them: all. Of those, `percent` in a hundred get it, always the same ones. Stations
    restart for it while the shop is closed, or, `anytime`, at once; `older` allows going back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="the bundle's SHA-256")]
    version: Annotated[str, Field(max_length=64)]
    compatible: Annotated[str, Field(max_length=64)]
    size: Annotated[int, Field(ge=1, le=2**30)]
    stations: Annotated[tuple[Annotated[str, Field(max_length=63)], ...], Field(max_length=1000)] = ()
    percent: Annotated[int, Field(ge=0, le=100)] = 100
    anytime: bool = False
    older: bool = False
    offered: bool = True
    author: Line
    note: Line


class ReleaseGiven(Model):
    """The journal's entry that holds the word."""

    entry: str


class Release(Model):
    """A release by the word that holds of it."""

    release: str
    version: str
    compatible: str
    size: int
    stations: list[str]
    percent: int
    anytime: bool
    older: bool
    offered: bool
    at_us: int
    author: str
    note: str


class Releases(Model):
    """All releases, the one spoken of last first: of those for a station, that one is offered."""

    releases: list[Release]


class ReleaseWords:
    """What people say of releases, over REST and on the page."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def standing(self) -> list[Release]:
        """List them, the one spoken of last first."""
        rows = []
        for word in reversed(await self._store.releases.standing()):
            told = {name: getattr(word, name) for name in Release.model_fields}
            rows.append(Release.model_validate(told | {"stations": list(word.stations)}))
        return rows

    async def say(self, asked: NewRelease, key: str | None) -> ReleaseGiven:
        """Offer a release, or withdraw it. Raises `Problem`, and what the store raises."""
        folder = self._outside.releases
        if folder is None:
            raise Problem("bad-request", "this hub keeps no releases")
        path = bundle_path(folder, asked.release)
        size = await asyncio.to_thread(lambda: path.stat().st_size if path.is_file() else None)
        if asked.offered and size != asked.size:
            raise Problem("bad-request", f"{path.name} is not in the hub's folder with {asked.size} bytes")
        word = ReleaseSaid(
            at_us=self._outside.now_us(),
            release=asked.release,
            version=asked.version,
            compatible=asked.compatible,
            size=asked.size,
            stations=asked.stations,
            percent=asked.percent,
            anytime=asked.anytime,
            older=asked.older,
            offered=asked.offered,
            author=asked.author,
            note=asked.note,
            key="" if key is None else read_key(key),
        )
        entry = await self._store.releases.say(word)
        _log.info("release", extra={"release": asked.release, "offered": asked.offered, "by": asked.author})
        return ReleaseGiven(entry=str(entry))


def release_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/releases`."""
    router = APIRouter(prefix=PREFIX, tags=["releases"], responses=BAD)
    words = ReleaseWords(store, outside)

    @router.get("/releases")
    async def releases() -> Releases:
        """All releases, and to whom they are offered."""
        return Releases(releases=await words.standing())

    @router.post("/releases", status_code=201, dependencies=[Depends(json_only)])
    async def say(asked: NewRelease, idempotency_key: Key = None) -> ReleaseGiven:
        """Offer a release, or withdraw it. Its bundle has to lie in the hub's folder of releases already.

        An `Idempotency-Key` works as for adjustments.
        """
        return await words.say(asked, idempotency_key)

    return router
