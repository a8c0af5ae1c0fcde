"""Bare Starlette to hold the hub's lookup against: `python -m bench.lookup_starlette PORT FILE`, served as the hub is.

`/fixed/…` answers every code with the same bytes, which is the least that Starlette can do; `/lookup/…` runs the query
on SQLite in the event loop's own thread.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.web.http import http_protocol
from hub.web.server import BACKLOG

_CODE = """SELECT code, factor_milli, item.item, name, unit, minor, currency
           FROM code JOIN item ON item.item = code.item WHERE code = ?"""
_STOCK = """SELECT area, on_hand_milli, lo_milli, hi_milli, available_milli, unanchored, ambiguous, counted_us
            FROM stock WHERE item = ?"""
_STOCK_NAMES = _STOCK.removeprefix("SELECT ").partition("\n")[0].split(", ")


def application(file: Path) -> Starlette:
    """Make it."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)

    def found(code: str) -> dict[str, object]:
        key, factor, item, name, unit, minor, currency = connection.execute(_CODE, (code,)).fetchone()
        return {
            "code": key,
            "factor_milli": factor,
            "item": {
                "item": item,
                "name": name,
                "unit": unit,
                "codes": [key],
                "price": {"minor": minor, "currency": currency},
            },
            "known": True,
            "stock": [
                dict(zip(_STOCK_NAMES, row, strict=True)) for row in connection.execute(_STOCK, (item,)).fetchall()
            ],
        }

    any_code = connection.execute("SELECT code.code FROM code JOIN stock ON stock.item = code.item").fetchone()[0]
    body = JSONResponse(found(any_code)).body

    async def fixed(request: Request) -> Response:
        return Response(body, media_type="application/json")

    async def look_up(request: Request) -> Response:
        return JSONResponse(found(request.path_params["code"]))

    return Starlette(routes=[Route("/fixed/{code}", fixed), Route("/lookup/{code}", look_up)])


if __name__ == "__main__":
    uvicorn.run(
        application(Path(sys.argv[2])),
        port=int(sys.argv[1]),
        http=http_protocol(),
        ws="none",
        lifespan="off",
        log_level="error",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
    )
