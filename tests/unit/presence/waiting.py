"""Letting time pass until the engine tells something."""

from __future__ import annotations

from tests.unit.presence.tags import (
    READER,
    SHELF,
    Told,
    us,
)


def until_told(told: Told, from_s: int) -> tuple[int, list[str]]:
    """Let the shelf's antenna live until something is said; look every 10 s."""
    for second in range(from_s, from_s + 2000, 10):
        told.engine.on_antenna(READER, SHELF, True, us(second))
        told.engine.on_tick(us(second))
        news = told.news()
        if news:
            return second, news
    return from_s + 2000, []
