"""A scanner that types, on a FIFO."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.codecs.layouts import US
from edge.drivers.keyboard_wedge import DRIVER
from tests.contract.link_rigs import EvdevRig
from tests.rigs.rig import DriverCase, Rig
from tests.unit.edge_codecs.keys import ENTER, press, typing


@asynccontextmanager
async def rig(folder: Path) -> AsyncIterator[Rig]:
    wedge = EvdevRig(folder)
    strokes = typing(US, "4006381333931") + press(ENTER)
    yield Rig(
        lambda: DRIVER.make_from({"path": str(wedge.path), "grab": False}),
        lambda: wedge.send(strokes),
        wedge.vanish,
        "scan",
    )
    wedge.vanish()


CASE = DriverCase(
    "keyboard-wedge",
    {"path": "/dev/input/by-id/x", "layout": "de", "idle_ms": 80, "gs": "f8"},
    [("layout", "klingon"), ("idle_ms", "fast"), ("gs", "f13"), ("gs", "||")],
    rig,
)
