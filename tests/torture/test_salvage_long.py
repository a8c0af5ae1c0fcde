"""The files of a station log damaged far more often than an ordinary run has time for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.edge_buffer.damage import DAMAGES, live_through

LIVES = 60
FIRST_SEED = 1000

pytestmark = pytest.mark.torture


@pytest.mark.parametrize("name", DAMAGES)
async def test_nothing_answered_is_lost_without_a_word(tmp_path: Path, name: str) -> None:
    answered = lost = set_aside = 0
    for seed in range(FIRST_SEED, FIRST_SEED + LIVES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        rig = await live_through(folder, DAMAGES[name], seed)
        answered += len(rig.answered)
        lost += rig.lost()
        set_aside += len(rig.told)
    print(f"{name}: {LIVES} lives, {set_aside} files set aside, {answered} lines answered, {lost} lost and told")
