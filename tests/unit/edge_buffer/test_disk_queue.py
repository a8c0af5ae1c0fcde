"""Who goes next to the disk: groups of appends, work between them, and when a group waits for company."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from edge.buffer.disk_queue import Append, DiskQueue, Work
from edge.buffer.errors import LogBusy
from edge.errors import ContractBroken

DEADLINE_S = 60.0
AGES_S = 3600.0
"""A sync so long that a linger would outlast the deadline."""


def append(lines: int = 1, size: int = 10) -> Append:
    return Append((b"x",) * lines, {}, size, asyncio.get_running_loop().create_future())


def work() -> Work:
    return Work(lambda: None, asyncio.get_running_loop().create_future())


Taken = list[Append] | Work | None


@pytest.fixture
async def taking() -> AsyncIterator[Callable[[DiskQueue], Future[Taken]]]:
    """Take from a queue in another thread, as the owner of the file does."""
    with ThreadPoolExecutor() as threads:
        yield lambda queue: threads.submit(queue.take)


def queue(max_linger_s: float = AGES_S) -> DiskQueue:
    return DiskQueue(max_lines=100, max_bytes=1000, max_linger_s=max_linger_s)


class TestGroups:
    async def test_all_that_waits_goes_together_in_the_order_it_came(self) -> None:
        q, appends = queue(), [append() for _ in range(5)]
        for one in appends:
            q.offer(one)
        assert q.take() == appends

    async def test_a_group_is_bounded_in_lines_but_for_one_that_is_longer_by_itself(self) -> None:
        q, appends = DiskQueue(100, 1000, AGES_S, max_group_lines=5), [append(n) for n in (3, 2, 1, 9, 4, 1)]
        for one in appends:
            q.offer(one)
        groups = []
        for _ in range(4):
            groups.append(q.take())
            q.committed(1, 0.0)
        assert groups == [appends[:2], appends[2:3], appends[3:4], appends[4:]]
        assert q.idle()
        for one in [append(99), append(1)]:
            q.offer(one)  # what was taken does not count as waiting

    async def test_it_waits_for_the_first_append(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q, one = queue(), append()
        taken = taking(q)
        q.offer(one)
        assert taken.result(DEADLINE_S) == [one]


class TestLinger:
    async def test_a_lone_append_never_waits_for_company(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q = queue()
        for _ in range(3):
            q.committed(held=1, sync_s=AGES_S)
            q.offer(append())
            taken = taking(q).result(DEADLINE_S)
            assert isinstance(taken, list)

    async def test_after_a_shared_commit_it_waits_for_as_many_again(
        self, taking: Callable[[DiskQueue], Future[Taken]]
    ) -> None:
        q, appends = queue(), [append() for _ in range(3)]
        q.committed(held=3, sync_s=AGES_S)
        taken = taking(q)
        for one in appends:
            with pytest.raises(TimeoutError):
                taken.result(0.05)
            q.offer(one)
        assert taken.result(DEADLINE_S) == appends

    async def test_those_who_waited_for_its_end_are_counted_too(
        self, taking: Callable[[DiskQueue], Future[Taken]]
    ) -> None:
        """Or two groups that once split would take turns for ever."""
        q, appends = queue(), [append() for _ in range(5)]
        for one in appends[:2]:
            q.offer(one)
        q.committed(held=3, sync_s=AGES_S)
        taken = taking(q)
        for one in appends[2:]:
            with pytest.raises(TimeoutError):
                taken.result(0.05)
            q.offer(one)
        assert taken.result(DEADLINE_S) == appends

    async def test_it_waits_no_longer_than_its_time(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q, one = queue(max_linger_s=0.01), append()
        q.committed(held=3, sync_s=AGES_S)
        q.offer(one)
        assert taking(q).result(DEADLINE_S) == [one]

    async def test_while_more_and_more_come_it_waits_on(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q, appends = queue(max_linger_s=1.0), [append() for _ in range(3)]
        q.committed(held=3, sync_s=AGES_S)
        for one in appends[:2]:
            q.offer(one)
        taken = taking(q)
        with pytest.raises(TimeoutError):
            taken.result(1.3)
        q.offer(appends[2])
        assert taken.result(DEADLINE_S) == appends

    async def test_it_waits_a_quarter_of_a_sync_at_most(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q, one = queue(max_linger_s=AGES_S), append()
        q.committed(held=3, sync_s=0.04)
        q.offer(one)
        assert taking(q).result(DEADLINE_S) == [one]

    async def test_what_comes_long_after_the_shared_commit_does_not_wait(
        self, taking: Callable[[DiskQueue], Future[Taken]]
    ) -> None:
        q = queue(max_linger_s=0.01)
        q.committed(held=50, sync_s=AGES_S)
        taken = taking(q)
        # The linger passes while nothing waits; from then on the first append is enough.
        with pytest.raises(TimeoutError):
            taken.result(0.2)
        one = append()
        q.offer(one)
        assert taken.result(DEADLINE_S) == [one]

    async def test_work_is_done_while_it_waits(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q, appends, read = queue(), [append() for _ in range(2)], work()
        q.committed(held=2, sync_s=AGES_S)
        taken = taking(q)
        q.ask(read)
        assert taken.result(DEADLINE_S) == read
        taken = taking(q)
        for one in appends:
            q.offer(one)
        assert taken.result(DEADLINE_S) == appends

    async def test_closing_ends_it(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q, one = queue(), append()
        q.committed(held=3, sync_s=AGES_S)
        q.offer(one)
        taken = taking(q)
        q.close()
        assert taken.result(DEADLINE_S) == [one]
        assert q.take() is None


class TestTurns:
    async def test_appends_go_before_work_and_work_between_two_groups(self) -> None:
        q, works = queue(), [work() for _ in range(3)]
        first, second = append(), append()
        for one in works:
            q.ask(one)
        q.offer(first)
        assert q.take() == [first]
        q.committed(held=1, sync_s=0.0)
        q.offer(second)
        assert q.take() == works[0]
        assert q.take() == [second]
        q.committed(held=1, sync_s=0.0)
        assert q.take() == works[1]
        assert q.take() == works[2]

    async def test_nothing_starves_while_both_keep_coming(self) -> None:
        q = queue()
        q.ask(work())
        q.offer(append())
        seen: list[str] = []
        for _ in range(40):
            taken = q.take()
            if isinstance(taken, Work):
                seen.append("work")
                q.ask(work())
            else:
                seen.append("group")
                q.committed(held=1, sync_s=0.0)
                q.offer(append())
        assert seen == ["group", "work"] * 20


class TestBounds:
    async def test_too_many_lines_are_refused_until_the_disk_took_some(self) -> None:
        q = queue()
        q.offer(append(lines=99))
        with pytest.raises(LogBusy):
            q.offer(append(lines=2))
        q.offer(append(lines=1))
        q.take()
        q.offer(append(lines=50))
        q.offer(append(lines=50))

    async def test_too_many_bytes_are_refused(self) -> None:
        q = queue()
        q.offer(append(size=999))
        with pytest.raises(LogBusy):
            q.offer(append(size=2))

    async def test_one_append_alone_may_be_larger(self) -> None:
        q, large = queue(), append(lines=1000, size=10_000)
        q.offer(large)
        assert q.take() == [large]


class TestClosing:
    async def test_what_waits_is_handed_out_and_nothing_more_is_taken(self) -> None:
        q, one, read = queue(), append(), work()
        q.offer(one)
        q.ask(read)
        q.close()
        with pytest.raises(ContractBroken):
            q.offer(append())
        with pytest.raises(ContractBroken):
            q.ask(work())
        assert q.take() == [one]
        assert q.take() == read
        assert q.take() is None

    async def test_it_wakes_who_waits(self, taking: Callable[[DiskQueue], Future[Taken]]) -> None:
        q = queue()
        taken = taking(q)
        q.close()
        assert taken.result(DEADLINE_S) is None

    async def test_giving_up_returns_everyone_who_waits(self) -> None:
        q, one, read = queue(), append(), work()
        q.offer(one)
        q.ask(read)
        assert q.abandon() == [one, read]
        assert q.take() is None


async def test_many_threads_worth_of_offers_are_each_taken_once() -> None:
    q = DiskQueue(max_lines=10**6, max_bytes=10**9)
    taken: list[Append] = []

    def own() -> None:
        while (group := q.take()) is not None:
            assert isinstance(group, list)
            taken.extend(group)
            q.committed(len(group), 0.001)

    owner = threading.Thread(target=own)
    owner.start()
    offered: list[Append] = []
    for n in range(2000):
        one = append()
        offered.append(one)
        q.offer(one)
        if n % 7 == 0:
            await asyncio.sleep(0)
    q.close()
    owner.join(DEADLINE_S)
    assert not owner.is_alive()
    assert [id(one) for one in taken] == [id(one) for one in offered]
