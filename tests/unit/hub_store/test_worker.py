"""The thread that the store's file lives in."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hub.store.worker import Worker


async def test_jobs_are_done_one_by_one_in_their_order_in_a_thread_of_that_name() -> None:
    worker = Worker("disk")
    done: list[tuple[int, str]] = []
    jobs = [worker.run(lambda n=n: done.append((n, threading.current_thread().name))) for n in range(50)]  # type: ignore[misc]
    await asyncio.gather(*jobs)
    worker.stop()
    assert done == [(n, "disk") for n in range(50)]


async def test_what_a_job_gives_or_raises_goes_to_who_asked() -> None:
    worker = Worker("disk")
    assert await worker.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: 8) == 8
    worker.stop()


async def test_a_caller_who_goes_away_stops_the_waiting_and_not_the_job() -> None:
    worker = Worker("disk")
    begun, go_on = threading.Event(), threading.Event()
    done: list[int] = []

    def job() -> None:
        begun.set()
        assert go_on.wait(10)
        done.append(1)

    waiting = asyncio.create_task(worker.run(job))
    await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    await asyncio.wait([waiting])
    go_on.set()
    await worker.run(lambda: done.append(2))
    worker.stop()
    assert done == [1, 2]


async def test_stopping_finishes_what_waits_and_twice_is_harmless() -> None:
    worker = Worker("disk")
    done: list[int] = []
    jobs = [asyncio.ensure_future(worker.run(lambda n=n: done.append(n))) for n in range(5)]  # type: ignore[misc]
    await asyncio.sleep(0)
    worker.stop()
    worker.stop()
    await asyncio.gather(*jobs)
    assert done == [0, 1, 2, 3, 4]
