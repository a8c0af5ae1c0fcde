"""Transfers at random: goods go in parts, are undone, told late and in any order; a close leaves nothing in transit."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hub.store.store import HubStore
from protocol.decisions import TransferLine, TransferStep
from protocol.documents import HqDocument, MovedLine, TransferApproved, TransferClosed, TransferMoved
from protocol.events import Reason
from tests.unit.hub_store.shop import NOON_US, STORE, TEA, Station, fold_all, shop
from tests.unit.hub_store.test_transfers import (
    HeadOffice,
    areas,
    move,
    recomputed,
    two_areas,
    virtual,
    within,
)

pytestmark = pytest.mark.torture
SEEDS = range(150)


async def some_day(store: HubStore, dice: random.Random) -> tuple[int, int]:
    """Have goods of three documents travel; give what was shipped and received in the end within the store."""
    door, floor, hq = Station("door"), Station("floor"), HeadOffice()
    sums = {"shipped": 0, "received": 0}
    for document in ("TR-1", "TR-8", "TR-9"):
        for _ in range(dice.randrange(1, 6)):
            qty, reason = 1000 * dice.randrange(1, 5), Reason.TRANSFER
            ships = document == "TR-8" or (document == "TR-1" and dice.random() < 0.5)
            if not ships and dice.random() < 0.3:
                reason = Reason.RECEIPT
            station, place = (door, "back-door") if ships else (floor, "shelves")
            seq = move(station, -qty if ships else qty, place, document, reason)
            if dice.random() < 0.2:
                station.undo(seq)
            else:
                sums["shipped" if ships else "received"] += qty
    documents: list[HqDocument] = [
        TransferApproved(NOON_US, "TR-8", STORE, "back", "mill-lane", "store", (TransferLine(TEA, 1000),)),
        TransferApproved(NOON_US, "TR-9", "mill-lane", "store", STORE, "floor", (TransferLine(TEA, 1000),)),
        TransferMoved(NOON_US, "TR-8", "mill-lane", (MovedLine(TEA, 0, 1000 * dice.randrange(5)),)),
        TransferMoved(NOON_US, "TR-9", "mill-lane", (MovedLine(TEA, 1000 * dice.randrange(5), 0),)),
        TransferClosed(NOON_US, "TR-8"),
        TransferClosed(NOON_US, "TR-9"),
    ]
    dice.shuffle(documents)
    steps = ["draft"]
    while steps or door.told < len(door.lines) or floor.told < len(floor.lines) or documents:
        match dice.randrange(4):
            case 0 if door.told < len(door.lines):
                await door.tell(store, dice.randrange(1, 4))
            case 1 if floor.told < len(floor.lines):
                await floor.tell(store, dice.randrange(1, 4))
            case 2 if documents:
                await hq.write(store, documents.pop())
            case 3 if steps:
                step = TransferStep(steps.pop())
                await store.say_transfer(within(step))
                steps += {"draft": ["approve"], "approve": ["close"], "close": []}[step.value]
                await fold_all(store)
            case _:
                await store.fold_some(dice.randrange(1, 10))
    await fold_all(store)
    return sums["shipped"], sums["received"]


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_a_closed_transfer_leaves_nothing_in_transit(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    async with shop(tmp_path) as store:
        await two_areas(store)
        shipped, received = await some_day(store, dice)
        states = {name: await store.transfer(name) for name in ("TR-1", "TR-8", "TR-9")}
        for name, state in states.items():
            assert state is not None
            if name != "TR-9":
                assert not state.transit, f"{name}: {state}"
        # On hand is what moved and nothing else: no write-off touches it.
        assert await areas(store) == {
            k: v for k, v in (("back", -shipped), ("floor", received)) if k in await areas(store)
        }
        # What crosses to the other store stands in its books, not in ours.
        outside = sum(
            each.moved.shipped_milli - each.moved.settled_milli
            for each in (states["TR-8"].items if states["TR-8"] else ())
        ) - sum(each.moved.received_milli for each in (states["TR-9"].items if states["TR-9"] else ()))
        assert virtual(tmp_path)["transit"] == outside
        await recomputed(store)
