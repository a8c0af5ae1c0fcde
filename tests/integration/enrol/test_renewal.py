"""A certificate that is to be renewed while the station sells: the new key connects, the old one goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.enrol.kept import read_record
from protocol.identity_words import Certified
from provisioning.certificates import DAY_US, Validity
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.enrol.shop import EnrollingShop, now_us
from tests.integration.enrol.station import new_station
from tests.integration.station_rig import MILK
from tests.integration.store.waiting import until

pytestmark = pytest.mark.needs_mosquitto


async def test_it_renews_by_itself_while_it_sells(
    shop: EnrollingShop, scanner: SimulatedScanner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(at_us: int, days: int = 0) -> Validity:
        """One more hour of twenty-five: two thirds of its life are over when it comes."""
        second_us = at_us // 1_000_000 * 1_000_000
        return Validity(second_us - DAY_US, second_us + DAY_US // 24)

    monkeypatch.setattr(shop.shop.authority, "lasting", short)
    invite = await shop.invite()
    data = tmp_path / "station" / "data"
    async with new_station(tmp_path / "station", scanner) as agent:
        assert await scanner.scan(invite.digits) is True
        await agent.next_ready()
        first = read_record(data).held
        scans = 0

        async def renewed() -> str | None:
            nonlocal scans
            assert await scanner.scan(MILK) is True
            scans += 1
            record = read_record(data)
            is_done = record.held is not None and first is not None and record.held.serial != first.serial
            return None if is_done and record.fresh is None else f"{record.asking} {record.fresh}"

        await until("the new key to connect", renewed, 90.0)
        assert await scanner.scan(MILK) is True
        await shop.booked(invite.standing.identity, scans + 1)
    given = [word for word in shop.shop.book.words if isinstance(word, Certified)]
    held = read_record(data).held
    assert held is not None
    assert [held.serial, len({each.key_sha256 for each in given})] == [given[-1].serial, len(given)]
    assert given[1].renews == given[0].serial
    assert now_us() < held.not_after_us
