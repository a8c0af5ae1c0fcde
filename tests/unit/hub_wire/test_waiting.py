"""What waits for a transaction: bounded batches, each log in order, a scan not behind backlogs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.wire.pacing import FLOOR
from hub.wire.waiting import Waiting
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState, Slice
from protocol.replication.reader_actions import Commit


def commit(serial: int, entries: int) -> Commit:
    lines = tuple(b"x" * 10 for _ in range(entries))
    return Commit(serial, ReaderState(), Slice(Epoch(1, 1), 1, b"", lines), False, None, ())


def test_a_scan_goes_before_the_backlogs_that_came_before_it() -> None:
    waiting = Waiting()
    for serial in range(10):
        waiting.add("a", commit(serial, 1000))
    waiting.add("till", commit(1, 1))
    batch = waiting.gather(2000)
    assert [(log, each.serial) for log, each in batch] == [("till", 1), ("a", 0), ("a", 1)]
    assert waiting.bytes == 8 * 10_000
    assert waiting.holds("a")
    assert not waiting.holds("till")


def test_a_commit_that_is_more_than_a_transaction_may_hold_goes_all_the_same() -> None:
    waiting = Waiting()
    waiting.add("a", commit(1, 5000))
    assert len(waiting.gather(10)) == 1
    assert len(waiting) == waiting.bytes == 0


def test_what_failed_is_forgotten_of_its_logs_only() -> None:
    waiting = Waiting()
    for log in ("a", "b", "a"):
        waiting.add(log, commit(1, 3))
    waiting.drop({"a"})
    assert [log for log, _ in waiting.gather(100)] == ["b"]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from((0, 1, FLOOR, FLOOR + 1, 900))), max_size=40),
    st.integers(1, 3000),
)
def test_each_log_keeps_its_order_nothing_is_lost_and_no_batch_is_much_too_large(
    added: list[tuple[str, int]], most: int
) -> None:
    waiting = Waiting()
    for serial, (log, entries) in enumerate(added):
        waiting.add(log, commit(serial, entries))
    taken: list[tuple[str, int]] = []
    while waiting:
        batch = waiting.gather(most)
        sizes = [len(each.entries.lines) for _, each in batch if each.entries is not None]
        assert sum(sizes[:-1]) < most
        taken += [(log, each.serial) for log, each in batch]
    assert sorted(serial for _, serial in taken) == list(range(len(added)))
    for name in "abc":
        serials = [serial for log, serial in taken if log == name]
        assert serials == sorted(serials)
