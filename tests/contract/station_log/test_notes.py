"""What every `StationLog` promises of its notes and its figures."""

from __future__ import annotations

import pytest

from edge.buffer.api import StationLog
from edge.buffer.errors import LineTooLong
from edge.errors import ContractBroken
from protocol.frames import MAX_LINE_BYTES
from tests.contract.station_log.logs import Make, lines


class TestNotes:
    async def test_they_are_kept_replaced_and_forgotten(self, make: Make) -> None:
        async with make() as log:
            assert log.notes() == {}
            await log.put_note("session", b"1")
            await log.put_note("mode", b"sale")
            await log.put_note("session", b"2")
            await log.put_note("never", None)
            assert log.notes() == {"session": b"2", "mode": b"sale"}
        async with make() as log:
            assert log.notes() == {"session": b"2", "mode": b"sale"}
            await log.put_note("session", None)
            assert log.notes() == {"mode": b"sale"}
        async with make() as log:
            assert log.notes() == {"mode": b"sale"}
            assert log.view.head.seq == 0

    async def test_they_change_together_with_lines(self, log: StationLog) -> None:
        await log.append(lines(1), {"basket": b"1 line"})
        assert (log.view.head.seq, log.notes()) == (1, {"basket": b"1 line"})
        with pytest.raises(LineTooLong):
            await log.append([b"x" * (MAX_LINE_BYTES + 1)], {"basket": b"2 lines"})
        with pytest.raises(ContractBroken):
            await log.append([b"\n"], {"basket": b"2 lines"})
        assert (log.view.head.seq, log.notes()) == (1, {"basket": b"1 line"})

    async def test_what_was_given_does_not_change_later(self, log: StationLog) -> None:
        await log.put_note("a", b"1")
        given = log.notes()
        await log.put_note("a", b"2")
        assert given == {"a": b"1"}


class TestStats:
    async def test_they_count_since_opening(self, make: Make) -> None:
        async with make() as log:
            await log.append(lines(10))
            await log.append(lines(10))
            stats = log.stats
            assert (stats.entries, stats.appended, stats.refused) == (20, 20, 0)
            assert stats.commits >= 2
            assert stats.bytes_on_disk > 20 * len(b"line 1")
        async with make() as log:
            assert (log.stats.entries, log.stats.appended) == (20, 0)

    async def test_who_keeps_it_answers_and_nothing_is_written_for_that(self, log: StationLog) -> None:
        before = log.stats
        await log.answers()
        assert log.stats.commits == before.commits
