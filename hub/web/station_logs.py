"""`POST /api/v1/station-logs`: takes a station's log that was carried here in a file, from this machine only."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from hub.errors import TryAgain
from hub.web import problems
from hub.web.access import is_local
from hub.web.outside import Outside
from hub.web.problems import Problem

PATH: Final = "/api/v1/station-logs"
MEDIA_TYPE: Final = "application/vnd.shelfwire.station-log"
"""No form can send it, and a page of another site may not without being allowed to (Fetch, section 4.8)."""
MAX_BYTES: Final = 512 * 1024 * 1024
RESERVE_BYTES: Final = 128 * 1024 * 1024
"""What is left of the disk for the hub's own work."""


def station_log_routes(outside: Outside) -> APIRouter:
    """Make the route."""
    router = APIRouter()
    uploading = asyncio.Lock()

    @router.post(
        PATH,
        tags=["stations"],
        responses={
            "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/TakenFile"}}}},
            "4XX": problems.DESCRIBED,
            "5XX": problems.DESCRIBED,
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {MEDIA_TYPE: {"schema": {"type": "string", "contentMediaType": MEDIA_TYPE}}},
            }
        },
    )
    async def take(
        request: Request,
        dry_run: bool = False,
        accept_loss: bool = Query(False, description="record entries that nobody has any more as lost, and go on"),
    ) -> Response:
        """Take what is new in a station's log (`shelfwire edge buffer export`), once, however often it is sent.

        The body is the file. It is proved whole before anything of it counts.
        """
        if outside.carrier is None:
            raise Problem("not-found", "this hub takes no files")
        if not is_local(request.scope):
            raise Problem("not-local", "files are taken from programs on the hub's own machine")
        size = _size_of(request)
        if uploading.locked():
            raise TryAgain("another file is being imported")
        async with uploading:
            for left_over in outside.carrier.spool.glob("carried-*.part"):
                left_over.unlink()  # of a hub that was killed
            with tempfile.NamedTemporaryFile(dir=outside.carrier.spool, prefix="carried-", suffix=".part") as file:
                _must_have_room(Path(file.name).parent, size)
                left = size
                async for part in request.stream():
                    left -= len(part)
                    if left < 0:
                        raise Problem("body-too-large", "the body is longer than it said")
                    await asyncio.to_thread(file.write, part)
                if left:
                    raise Problem("bad-request", "the body is shorter than it said")
                file.flush()
                taken = await outside.carrier.carry_in(Path(file.name), dry_run=dry_run, accept_loss=accept_loss)
        return Response(msgspec.json.encode(taken), media_type="application/json")

    return router


def _size_of(request: Request) -> int:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MEDIA_TYPE:
        raise Problem("not-a-file", f"content-type is {kind[:60]!r}, not {MEDIA_TYPE}")
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal():
        raise Problem("no-length", "the length of a file is told before it is sent")
    if len(declared) > 15 or int(declared) > MAX_BYTES:
        raise Problem("body-too-large", f"at most {MAX_BYTES} bytes")
    return int(declared)


def _must_have_room(folder: Path, size: int) -> None:
    if shutil.disk_usage(folder).free < size + RESERVE_BYTES:
        raise Problem("no-room", f"there is no room for {size} bytes more on the hub's disk")
