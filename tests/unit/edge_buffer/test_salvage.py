"""Whatever becomes of a log's files: what was answered is at the hub once, or the hub knows what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.edge_buffer.damage import DAMAGES, live_through

SEEDS = 3


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_answered_is_lost_without_a_word(tmp_path: Path, name: str, seed: int) -> None:
    rig = await live_through(tmp_path, DAMAGES[name], seed)
    if name in ("nothing", "flip_sums"):
        assert (rig.lost(), rig.hub.store.losses, rig.told) == (0, [], [])
