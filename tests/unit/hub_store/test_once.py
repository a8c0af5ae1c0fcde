"""Decisions made once under a key: across restarts, restored files, and journals that were carried on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import BadInput
from hub.store.store import HubStore
from protocol.chain import Chapter
from protocol.decisions import Adjustment
from protocol.events import Reason, encode_entry
from protocol.identity import Epoch
from tests.unit.hub_store.shop import BOTH_ENGINES, store_at

pytestmark = BOTH_ENGINES

NOON_US = 1_780_315_200_000_000


def store(path: Path) -> HubStore:
    return store_at(path, lambda: NOON_US)


def decision(key: str, qty_milli: int = 1000, at_us: int = NOON_US) -> Adjustment:
    return Adjustment(at_us, "tea", "store", qty_milli, Reason.ADJUSTMENT, None, "ann", "found", key)


async def test_a_key_makes_one_decision_and_nothing_else(tmp_path: Path) -> None:
    async with store(tmp_path / "hub.db") as hub:
        first, repeated = await hub.decide(decision("a"))
        assert not repeated
        # Another moment is the same decision.
        assert await hub.decide(decision("a", at_us=NOON_US + 5)) == (first, True)
        with pytest.raises(BadInput, match="key-reused"):
            await hub.decide(decision("a", 2000))
        assert (await hub.decide(decision("b")))[1] is False
        assert (await hub.decide(decision("")))[1] is False
        assert (await hub.decide(decision("")))[1] is False
        assert hub.journal.view.head.seq == 4
    async with store(tmp_path / "hub.db") as hub:
        assert await hub.decide(decision("a")) == (first, True)


async def test_what_the_journal_brings_back_brings_its_keys(tmp_path: Path) -> None:
    """As an archive does, played into a backup that is older."""
    async with store(tmp_path / "hub.db") as hub:
        await hub.decide(decision("before the backup"))
        await hub.journal.append([encode_entry(decision("archived"))])
        found, repeated = await hub.decide(decision("archived"))
        assert (found.seq, repeated) == (2, True)


async def test_a_decision_carried_into_another_epoch_is_told_by_its_new_name(tmp_path: Path) -> None:
    async with store(tmp_path / "hub.db") as hub:
        await hub.decide(decision("stays"))
        base, depth = hub.journal.view.head, hub.journal.view.depth
        await hub.decide(decision("is carried"))
        epoch = Epoch(base.epoch.generation + 1, 7)
        await hub.journal.open_epoch(Chapter(epoch, base, depth))
        found, repeated = await hub.decide(decision("is carried"))
        assert (found.epoch, found.seq, repeated) == (epoch, 1, True)
        stays, repeated = await hub.decide(decision("stays"))
        assert (stays.epoch, stays.seq, repeated) == (base.epoch, 1, True)
