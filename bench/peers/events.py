"""The events that peers are given: a number each, a few hundred a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.power.subject import Say

PAUSE_S = 0.001


def made(folder: Path) -> Path:
    """Give a folder for the peer, made if it is not there."""
    folder.mkdir(exist_ok=True)
    return folder


def put_all(put: Callable[[int], None], say: Say) -> None:
    """Put one event after the other, saying so, for ever."""
    number = 0
    while True:
        number += 1
        put(number)
        say("events", number)
        time.sleep(PAUSE_S)
