"""The same check for each of several cases at once, where a check mostly waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

C = TypeVar("C")


async def side_by_side(
    folder: Path, cases: Mapping[str, C], check: Callable[[Path, C], Awaitable[None]], *, but: tuple[str, ...] = ()
) -> None:
    """Give each case a folder of its own. What fails says which case it was; the others are then not gone on with."""

    async def one(number: int, name: str, case: C) -> None:
        place = folder / str(number)
        place.mkdir()
        try:
            await check(place, case)
        except Exception as error:
            error.add_note(f"case: {name}")
            raise

    async with asyncio.TaskGroup() as group:
        for number, (name, case) in enumerate(cases.items()):
            if name not in but:
                group.create_task(one(number, name, case), name=name)
