"""A log is its station's and its store's alone; another's is set aside whole, whenever the power goes."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from edge.buffer import sealing
from edge.buffer.sealing import Owner, claim, finish_sealing, owner_of, seal, sealed_logs
from edge.buffer.sqlite_log import SqliteLog
from edge.folders import make_folder
from protocol.identity import StationId, StoreId

OURS = Owner(StoreId("oak-street"), StationId("st-aaaaaaaaaaaaa"))
OTHER_STATION = Owner(StoreId("oak-street"), StationId("st-bbbbbbbbbbbbb"))
OTHER_STORE = Owner(StoreId("elm-street"), StationId("st-aaaaaaaaaaaaa"))
NAMES = ("stock.db",)


def log_at(path: Path) -> SqliteLog:
    nonces = itertools.count(1)
    return SqliteLog(path, clock=lambda: 1_750_000_000_000_000, nonce=lambda: next(nonces))


async def written(data_dir: Path, owner: Owner | None) -> None:
    make_folder(data_dir)
    async with log_at(data_dir / "stock.db") as log:
        if owner is not None:
            assert await claim(log, owner, adopts=False)
        await log.append([b"a scan"])


async def test_an_empty_log_becomes_ours_and_says_so_for_ever(tmp_path: Path) -> None:
    await written(tmp_path, OURS)
    async with log_at(tmp_path / "stock.db") as log:
        assert owner_of(log) == OURS
        assert await claim(log, OURS, adopts=False)


@pytest.mark.parametrize("other", [OTHER_STATION, OTHER_STORE], ids=str)
async def test_another_station_and_another_store_cannot_have_it(tmp_path: Path, other: Owner) -> None:
    await written(tmp_path, OURS)
    async with log_at(tmp_path / "stock.db") as log:
        assert not await claim(log, other, adopts=True)
        assert (owner_of(log), log.view.head.seq) == (OURS, 1)


async def test_a_log_from_before_is_taken_by_who_worked_here_and_by_nobody_else(tmp_path: Path) -> None:
    await written(tmp_path, None)
    async with log_at(tmp_path / "stock.db") as log:
        assert not await claim(log, OURS, adopts=False)
        assert await claim(log, OURS, adopts=True)
        assert owner_of(log) == OURS


async def test_set_aside_it_is_whole_and_gone_from_where_it_was(tmp_path: Path) -> None:
    await written(tmp_path, OURS)
    (tmp_path / "stock.db-reserve").write_bytes(bytes(10))
    (tmp_path / "chatter.db").write_bytes(b"another log's")
    folder = seal(tmp_path, NAMES, OURS, "20261122T120000Z")
    assert sealed_logs(tmp_path) == (folder.name,) == ("st-aaaaaaaaaaaaa.oak-street.20261122T120000Z",)
    assert sorted(os.listdir(tmp_path)) == ["chatter.db", "sealed"]
    async with log_at(folder / "stock.db") as log:
        assert (owner_of(log), log.view.head.seq) == (OURS, 1)
    await written(tmp_path, OTHER_STATION)
    again = seal(tmp_path, NAMES, OURS, "20261122T120000Z")
    assert again != folder


class _Cut(BaseException):
    pass


class _Os:
    """`os`, but for the power going before the `at`th call of those that change names."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in ("replace", "unlink", "fsync"):
            return real

        def call(*args: Any) -> Any:
            if self.left == 0:
                raise _Cut
            self.left -= 1
            return real(*args)

        return call


async def test_whenever_the_power_goes_the_next_start_finishes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = 0
    for at in itertools.count():
        data_dir = tmp_path / str(at)
        await written(data_dir, OURS)
        with monkeypatch.context() as patch:
            patch.setattr(sealing, "os", _Os(at))
            try:
                seal(data_dir, NAMES, OURS, "20261122T120000Z")
            except _Cut:
                cut += 1
            else:
                break
        finish_sealing(data_dir)
        places = [data_dir / "stock.db", *data_dir.glob("sealed/*/stock.db")]
        (whole,) = [each for each in places if each.exists()]
        async with log_at(whole) as log:
            assert (owner_of(log), log.view.head.seq) == (OURS, 1), at
    assert cut > 4
