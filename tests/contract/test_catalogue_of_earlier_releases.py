"""A station's catalogue file of an earlier release opens with all it held: an update leaves no till without prices.

`releases/catalogue-1.sqlite` was written by release 1 (a record for each row), with a line put aside, names that JSON
escapes, a code that changed its item, and settings.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import apsw
import pytest

from edge.catalogue.errors import CatalogueFailing
from edge.catalogue.migrating import VERSION_1
from edge.catalogue.replica import CatalogueReplica
from protocol.catalogue import (
    STORE,
    CatalogueRow,
    CodeLink,
    Item,
    Price,
    PriceKind,
    Unit,
    decode_row,
    encode_row,
    station_scope,
)
from protocol.chain import Position
from protocol.identity import Epoch, StationId
from protocol.replication.ports import ReaderState

RELEASE_1 = Path(__file__).with_name("releases") / "catalogue-1.sqlite"
TILL = station_scope(StationId("till-3"))
HASH = "9ed02817ebfa9153bc4579246463bd2f9e0b568653821dc543b475bb9adb5496"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.db"
    shutil.copyfile(RELEASE_1, path)
    return path


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        found: int = connection.execute("pragma user_version").fetchone()[0]
        return found
    finally:
        connection.close()


async def test_a_file_of_release_1_opens_with_its_rows_its_cursor_and_its_hash(path: Path) -> None:
    assert version(path) == VERSION_1
    for _ in ("brought over", "opened again"):
        async with CatalogueReplica(path) as replica:
            assert replica.begun_anew is None
            assert replica.position == Position(Epoch(3, 2**64 - 1), 378, bytes([7]) * 32)
            assert (replica.count, str(replica.set_hash), replica.quarantined) == (374, HASH, 1)
            assert await replica.audit() == replica.set_hash
            found = replica.lookup(f"{70:014d}", 1500)
            assert found is not None
            assert (found.item, found.factor_milli) == (Item("item-70", "Milk 1 l 70", Unit.KG), 12000)
            assert replica.price(f"{70:014d}", 1500, 1000, [TILL, STORE]) == Price(
                "item-70", "summer", PriceKind.PROMOTION, 120, "EUR", TILL, 5, 0, 1000, 2000
            )
            pizza = replica.lookup(f"{0:014d}", 1)
            assert pizza is not None
            assert pizza.item.name == 'Pizza 12" \\ näch 0'
            moved = [replica.lookup(f"{3:014d}", at_us) for at_us in (4999, 5000)]
            assert [found and found.item.item for found in moved] == ["item-3", "item-4"]
            assert [replica.setting("mode", scopes) for scopes in ([TILL, STORE], [STORE])] == ["return", "sale"]
            assert replica.lookup(f"{9:014d}", 1) is None
    assert version(path) > VERSION_1


async def test_it_goes_on_taking_changes(path: Path) -> None:
    async with CatalogueReplica(path) as replica:
        dearer = Price("item-70", "regular-0", PriceKind.REGULAR, 999, "EUR")
        new: list[CatalogueRow] = [Item("zucchini", "Zucchini"), CodeLink(f"{999:014d}", "zucchini"), dearer]
        state = ReaderState(at=Position(Epoch(3, 2**64 - 1), 381, bytes([8]) * 32))
        await replica.apply(379, [encode_row(row) for row in new], state)
        assert replica.count == 376
        assert replica.price(f"{70:014d}", 1, 1000, [STORE]) == dearer
        assert replica.lookup(f"{999:014d}", 1) is not None
        assert await replica.audit() == replica.set_hash


async def test_a_disk_too_full_for_it_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content_of(path)
    connect = apsw.Connection

    def small(*args: object, **kwargs: object) -> apsw.Connection:
        connection = connect(*args, **kwargs)  # type: ignore[arg-type]
        connection.pragma("max_page_count", 18)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr("edge.catalogue.file.apsw.Connection", small)
        with pytest.raises(CatalogueFailing):
            async with CatalogueReplica(path):
                pass
    assert content_of(path) == before
    async with CatalogueReplica(path) as replica:
        assert replica.count == 374


def test_the_sample_is_what_release_1_wrote() -> None:
    connection = sqlite3.connect(f"file:{RELEASE_1}?mode=ro&immutable=1", uri=True)
    lines = [line for (line,) in connection.execute("select line from goods union all select line from link")]
    connection.close()
    assert all(encode_row(decode_row(line)) == line for line in lines)
