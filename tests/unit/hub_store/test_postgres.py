"""A store in PostgreSQL: held by one hub, lost and found again, and carried from one kind of store to the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub.errors import BadInput, TryAgain
from hub.store import postgres as postgres_engine
from hub.store.backing_up import take_backup
from hub.store.postgres_seat import PostgresSeat
from hub.store.restoring import Place, compare, rebuild, restore
from hub.store.schema import REVISION
from hub.store.seats import FileSeat, Seat
from hub.store.store import HubStore
from protocol.variable_measure import PLAIN
from tests.stand_ins.postgres import Server
from tests.unit.hub_store.kept import decide
from tests.unit.hub_store.shop import STORE, TEA, TEA_CODE, Clock, Station, catalogue, fold_all, on_hand

pytestmark = pytest.mark.needs_postgres


@pytest.fixture
def seat(tmp_path: Path, postgres_server: Server) -> Iterator[PostgresSeat]:
    (tmp_path / "data").mkdir()
    yield PostgresSeat(tmp_path / "data" / "hub.db", postgres_server.url_of(tmp_path))
    postgres_server.let_go()


def store_in(seat: Seat) -> HubStore:
    return HubStore(seat.engine(), STORE, Clock())


async def sell(seat: Seat, till: Station, sales: int) -> dict[str, int]:
    async with store_in(seat) as store:
        await store.apply_catalogue(catalogue())
        for _ in range(sales):
            till.scan(TEA_CODE, -1000)
        await till.tell(store)
        await fold_all(store)
        return dict(await on_hand(store))


async def test_a_second_hub_waits_its_turn(seat: PostgresSeat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_engine, "_LOCK_S", 0.2)
    async with store_in(seat) as one:
        with pytest.raises(TryAgain, match="in use by another hub"):
            await store_in(seat).__aenter__()
        await one.journal.append([b"still here"])
    async with store_in(seat) as other:
        assert other.journal.view.head.seq == 1


async def test_a_server_that_is_not_there_may_come_later(tmp_path: Path) -> None:
    with pytest.raises(TryAgain):
        await store_in(PostgresSeat(tmp_path / "hub.db", f"postgresql://hub@/oak?host={tmp_path}")).__aenter__()


async def test_what_is_not_ours_or_of_a_newer_release_is_refused(seat: PostgresSeat) -> None:
    async with store_in(seat):
        pass
    newer = f"{int(REVISION) + 1:04}"
    with psycopg.connect(seat.url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [newer])
    with pytest.raises(BadInput) as refused:
        await store_in(seat).__aenter__()
    assert refused.value.name == "newer-store"
    with psycopg.connect(seat.url, autocommit=True) as connection:
        connection.execute("DROP TABLE alembic_version")
    with pytest.raises(BadInput) as refused:
        await store_in(seat).__aenter__()
    assert refused.value.name == "not-a-store"


async def test_a_connection_that_was_cut_is_made_anew_and_nothing_counts_twice(seat: PostgresSeat) -> None:
    till = Station()
    async with store_in(seat) as store:
        await store.apply_catalogue(catalogue())
        for cut in range(4):
            till.scan(TEA_CODE, -1000)
            with psycopg.connect(seat.url, autocommit=True) as server:
                server.execute(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()"""
                )
            with pytest.raises(TryAgain):
                await till.tell(store)
            till.told = cut
            await till.tell(store)
            with pytest.raises(TryAgain):
                await store.totals()
            await fold_all(store)
            assert await on_hand(store) == {TEA: -1000 * (cut + 1)}


async def test_books_are_held_against_the_logs_and_made_anew(seat: PostgresSeat) -> None:
    till = Station()
    await sell(seat, till, 5)
    place = Place(seat, STORE, PLAIN, Clock())
    assert compare(place, 0) == ()
    with psycopg.connect(seat.url, autocommit=True) as connection:
        connection.execute("UPDATE scope SET on_hand_milli = on_hand_milli + 1000, supplier_milli = 7")
    assert compare(place, 0)
    done = await rebuild(place, lambda _: None)
    assert done.differences
    assert done.aside is not None
    assert compare(place, 0) == ()
    assert await sell(seat, till, 2) == {TEA: -7000}


async def test_a_backup_of_either_kind_of_store_is_put_back_as_either(seat: PostgresSeat, tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    file, till = FileSeat(tmp_path / "file" / "hub.db"), Station()
    await sell(file, till, 3)
    take_backup(file, tmp_path / "of-the-file.db", STORE, Clock())
    to_base = Place(seat, STORE, PLAIN, Clock())
    done = await restore(to_base, tmp_path / "of-the-file.db", None, None, lambda _: None)
    assert done.gap == ""
    assert compare(to_base, 0) == ()
    # It goes on where it stood, numbering its rows on.
    assert await sell(seat, till, 4) == {TEA: -7000}
    async with store_in(seat) as store:
        await decide(store, 2000)
    take_backup(seat, tmp_path / "of-the-base.db", STORE, Clock())
    to_file = Place(file, STORE, PLAIN, Clock())
    await restore(to_file, tmp_path / "of-the-base.db", None, None, lambda _: None)
    assert compare(to_file, 0) == ()
    assert await sell(file, till, 1) == {TEA: -6000}
