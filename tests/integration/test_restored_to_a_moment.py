"""A real hub is put back to a moment: head office drops the draft it was told of later, and its word comes again."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest

from hub.web.transfer_models import Transfer
from protocol.feed_documents import Phase
from protocol.identity import StoreId
from shelfwire.simulators.hq_transfers import TransferOffice
from tests.integration.store.shop import Shop
from tests.integration.test_hub_restored import archived, backed_up, hub_command

pytestmark = pytest.mark.needs_mosquitto
OAK, HIGH = StoreId("oak-street"), StoreId("high-street")


class NoStore:
    """The other end, at which nothing happens here."""

    def __init__(self, like: Shop) -> None:
        self.transfers, self.told = like.hq.transfers.__class__(), like.hq.told.__class__()
        self.journal: tuple[bytes, ...] = ()

    async def write_documents(self, documents: object) -> None:
        """Nobody reads them."""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, {"till-1": "sale"}, store=OAK) as shop:
        (tmp_path / "medium").mkdir()
        with (tmp_path / "hub.toml").open("a") as config:
            config.write('[backup]\nfolder = "medium"\narchive_every_s = 0.5\n')
        await shop.open()
        yield shop


async def test_no_draft_of_what_was_undone_waits_at_head_office_and_what_it_approved_is_known_again(
    shop: Shop, tmp_path: Path
) -> None:
    office = TransferOffice({OAK: shop.hq, HIGH: NoStore(shop)}, lambda: time.time_ns() // 1000)
    backup = await backed_up(shop)
    await draft(shop, "TR-1", 5000)
    await shop.until("the draft at head office", lambda: is_drafted(office, "TR-1"))
    await archived(shop)
    moment = datetime.now(UTC)
    for document in ("TR-2", "TR-3"):
        await draft(shop, document, 2000)
        await shop.until("the draft at head office", partial(is_drafted, office, document))
    for each in office.drafts():
        if each.document == "TR-2":
            await office.approve_draft(each)
    await shop.until("the approval", lambda: is_at_hub(shop, "TR-2", Phase.APPROVED))
    await archived(shop)

    await shop.hub.process.kill()
    told = json.loads(await hub_command(tmp_path, "restore", str(backup), "--until", moment.isoformat(), "--json"))
    assert told["gap"] == ""
    await shop.start(shop.hub.process)
    await shop.until_up()
    # The hub comes to know again what head office says, and head office what the hub says no more.
    await shop.until("the approval", lambda: is_at_hub(shop, "TR-2", Phase.APPROVED))
    await shop.until("head office to hear", lambda: is_told(shop, "TR-3", Phase.WITHDRAWN))
    await shop.until("head office to hear", lambda: is_told(shop, "TR-2", Phase.APPROVED))
    assert [each.document for each in office.drafts()] == ["TR-1"]
    await is_known_not(shop, "TR-3")
    # The same may be drafted once more, with other goods in it.
    await draft(shop, "TR-3", 3000)
    await shop.until("the draft at head office", lambda: is_drafted(office, "TR-3"))
    (again,) = [each for each in office.drafts() if each.document == "TR-3"]
    assert [line.qty_milli for line in again.lines] == [3000]


async def draft(shop: Shop, document: str, qty_milli: int) -> None:
    asked = {
        "document": document, "from_area": "store", "to_store": HIGH, "to_area": "store", "author": "A", "note": "more",
        "lines": [{"item": "milk", "qty_milli": qty_milli}],
    }  # fmt: skip
    await shop.hub.post("transfers", asked)


async def is_drafted(office: TransferOffice, document: str) -> str | None:
    names = [each.document for each in office.drafts()]
    return None if document in names else f"{names}"


async def is_told(shop: Shop, document: str, phase: Phase) -> str | None:
    told = shop.hq.told.transfer(document)
    return None if told is not None and told.phase is phase else f"{told}"


async def is_at_hub(shop: Shop, document: str, phase: Phase) -> str | None:
    try:
        known = await shop.hub.ask(Transfer, f"transfers/{document}")
    except httpx.HTTPStatusError as error:
        return str(error)
    return None if known.phase is phase else f"{known}"


async def is_known_not(shop: Shop, document: str) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await shop.hub.ask(Transfer, f"transfers/{document}")
