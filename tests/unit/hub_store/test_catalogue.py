"""The catalogue at the hub: live rows, the log that stations follow, the hash that proves them, and head office."""

from __future__ import annotations

from pathlib import Path

from hub.store.reader_logs import HQ_CATALOGUE, LogCommit
from hub.store.store import HubStore
from protocol.catalogue import (
    CatalogueRow,
    CodeLink,
    Gone,
    Item,
    Price,
    PriceKind,
    RowKind,
    Setting,
    area_scope,
    encode_row,
)
from protocol.catalogue_set import CatalogueSet, set_hash
from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch, ItemId
from protocol.replication.ports import ReaderState, Slice
from tests.unit.hub_store.shop import (
    AREA,
    BOTH_ENGINES,
    JAM,
    NEW_CODE,
    NOON_US,
    TEA,
    TEA_CODE,
    Station,
    assert_books_agree,
    catalogue,
    fold_all,
    key,
    on_hand,
    shop,
    store_at,
)

pytestmark = BOTH_ENGINES


async def log_lines(store: HubStore) -> list[bytes]:
    head = store.catalogue.view.head
    return list((await store.catalogue.read(head.epoch, 1, 1000, 1 << 20)).lines) if head.seq else []


async def assert_catalogue_proves_itself(store: HubStore) -> None:
    """Whoever follows the log holds what the snapshot tells, and both have the hash the hub says."""
    follower = CatalogueSet(await log_lines(store))
    whole = [line async for line in store.catalogue_snapshot()]
    assert whole == follower.lines()
    assert set_hash(whole) == follower.hash == await store.catalogue_hash()
    assert await store.rebuild() == ()


class HeadOffice:
    """HQ's catalogue log, as the hub's reader commits it."""

    def __init__(self) -> None:
        self.at = Chapter(Epoch(1, 99)).origin()

    def entries(self, *lines: bytes) -> LogCommit:
        part = Slice(self.at.epoch, self.at.seq + 1, self.at.digest, lines)
        self.at = Position(self.at.epoch, self.at.seq + len(lines), extend(self.at.digest, lines))
        return LogCommit(HQ_CATALOGUE, (part,), ReaderState(at=self.at))

    def whole(self, *lines: bytes, on: int = 100) -> LogCommit:
        self.at = Position(self.at.epoch, self.at.seq + on, bytes(32))
        return LogCommit(HQ_CATALOGUE, (), ReaderState(at=self.at), snapshot=lines)


async def test_rows_replace_each_other_and_tombstones_end_them(tmp_path: Path) -> None:
    rows: list[CatalogueRow] = [
        Item(TEA, "Black tea"),
        Price(TEA, "regular", PriceKind.REGULAR, 199, "EUR"),
        Gone(RowKind.ITEM, JAM),
        Gone(RowKind.LINK, key(NEW_CODE), "0"),
        Setting(area_scope(AREA), "mode", "sale"),
    ]
    async with shop(tmp_path) as store:
        assert await store.apply_catalogue(rows) == 4
        assert (await store.totals()).items == 1
        assert (await store.totals()).catalogue_rows == 5
        assert await store.item(JAM) is None
        tea = await store.item(TEA)
        assert tea is not None
        assert (tea.name, tea.codes, tea.price_minor, tea.currency) == ("Black tea", (key(TEA_CODE),), 199, "EUR")
        await assert_catalogue_proves_itself(store)


async def test_what_says_nothing_new_is_not_told(tmp_path: Path) -> None:
    async with shop(tmp_path) as store:
        head = store.catalogue.view.head
        assert await store.apply_catalogue(catalogue()) == 0
        assert store.catalogue.view.head == head


async def test_the_price_shown_is_the_one_that_wins_now(tmp_path: Path) -> None:
    till = Station()
    till.scan(TEA_CODE, -1000)
    async with shop(tmp_path) as store:
        await store.apply_catalogue(
            [
                Price(TEA, "regular", PriceKind.REGULAR, 200, "EUR"),
                Price(TEA, "later", PriceKind.REGULAR, 250, "EUR", valid_from_us=NOON_US + 1),
                Price(TEA, "over", PriceKind.PROMOTION, 100, "EUR", priority=5, valid_to_us=NOON_US),
                Price(TEA, "here", PriceKind.MARKDOWN, 150, "EUR", area_scope(AREA)),
                Price(TEA, "six", PriceKind.PROMOTION, 120, "EUR", priority=1, min_qty_milli=6000),
            ]
        )
        await till.tell(store)
        await fold_all(store)
        assert [row.price_minor for row in (await store.stock()).rows] == [150]
        tea = await store.item(TEA)
        assert tea is not None
        assert tea.price_minor == 200


async def test_head_office_sends_rows_and_bad_ones_do_no_harm(tmp_path: Path) -> None:
    till, office = Station(), HeadOffice()
    till.scan(NEW_CODE, -1000)
    link = encode_row(CodeLink(key(NEW_CODE), "cheese"))
    later = encode_row(Item(ItemId("cheese"), "Cheese"))[:-1] + b',"of a later release"]'
    async with store_at(tmp_path / "hub.db") as store:
        await till.tell(store)
        await store.commit([office.entries(link, b"nonsense", later)])
        await fold_all(store)
        assert await log_lines(store) == [link, later]
        assert [(q.log, q.seq, q.reason, q.body) for q in (await store.quarantine()).rows] == [
            (HQ_CATALOGUE, 2, "bad-row", b"nonsense")
        ]
        assert await on_hand(store) == {"cheese": -1000}
        assert (await store.stock()).rows[0].name == "Cheese"
        await assert_catalogue_proves_itself(store)
        await assert_books_agree(store)


async def test_head_office_tells_the_whole_and_what_waited_before_it_is_passed_by(tmp_path: Path) -> None:
    office = HeadOffice()
    async with shop(tmp_path) as store:
        await store.commit([office.entries(encode_row(Item(TEA, "stale")), encode_row(Item(ItemId("gone"), "Gone")))])
        tea, rice = encode_row(Item(TEA, "fresh")), encode_row(Item(ItemId("rice"), "Rice"))
        await store.commit([office.whole(tea, b"{}", rice)])
        assert [line async for line in store.catalogue_snapshot()] == sorted([rice, tea])
        await store.commit([office.entries(encode_row(Item(TEA, "fresher")))])
        await fold_all(store)
        row = await store.item(TEA)
        assert row is not None
        assert row.name == "fresher"
        assert await store.item(ItemId("gone")) is None
        assert [(q.reason, q.body) for q in (await store.quarantine()).rows] == [("bad-row", b"{}")]
        assert (await store.totals()).fold_lag == 0
        await assert_catalogue_proves_itself(store)


async def test_a_large_import_is_applied_at_once(tmp_path: Path) -> None:
    rows: list[CatalogueRow] = [Item(ItemId(f"item-{n}"), f"Item {n}") for n in range(3000)]
    async with store_at(tmp_path / "hub.db") as store:
        assert await store.apply_catalogue(rows) == 3000
        assert store.catalogue.view.head.seq == 3000
        assert len([line async for line in store.catalogue_snapshot()]) == 3000
