"""A reader and the log it reads, as the tests of the reader have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

from protocol.chain import Chapter, Position, extend
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, Frame, Hello, SnapshotPart, Trace, Traced
from protocol.replication.ports import ReaderState
from protocol.replication.reader import LogReader
from protocol.replication.reader_actions import Commit, ForkSeen, LookUpRead, OutOfReach, ReaderAction, Reply, Stage

FIRST = Chapter(Epoch(1, 0xA))
LINES = tuple(b"line %d" % n for n in range(1, 10))
WRITER, OTHER = 71, 72


def at(seq: int, chapter: Chapter = FIRST, lines: tuple[bytes, ...] = LINES) -> Position:
    return Position(chapter.epoch, seq, extend(chapter.origin().digest, lines[:seq]))


def frame(first: int, last: int, lines: tuple[bytes, ...] = LINES) -> Frame:
    before = at(first - 1, lines=lines)
    return Frame(before.epoch, first, before.digest, lines[first - 1 : last])


class Side:
    """A reader and everything it asks for, with commits made durable only when the test says so."""

    def __init__(
        self,
        state: ReaderState | None = None,
        out_of_reach: OutOfReach = OutOfReach.RECORD_LOSS,
        *,
        staged: bool = False,
    ) -> None:
        numbers = count(1000)
        self.reader = LogReader(state or ReaderState(), 5, lambda: next(numbers), out_of_reach, 100, staged=staged)
        self.stages: list[Stage] = []
        self.commits: list[Commit] = []
        self.said: list[Cursor] = []
        self.traced: list[Traced] = []
        self.forks: list[ForkSeen] = []
        self.chains: dict[tuple[Epoch, int], bytes | None] = {}

    def work(self) -> None:
        for action in self._actions():
            match action:
                case Commit():
                    self.commits.append(action)
                case Stage():
                    self.stages.append(action)
                case Reply(message=Cursor() as cursor):
                    self.said.append(cursor)
                case Reply(message=Traced() as traced):
                    self.traced.append(traced)
                case ForkSeen():
                    self.forks.append(action)
                case LookUpRead():
                    self.reader.looked_up({entry: self.chains.get(entry) for entry in action.entries})

    def _actions(self) -> Iterator[ReaderAction]:
        while (action := self.reader.next_action()) is not None:
            yield action

    def take(self, *messages: Hello | Frame | Trace | SnapshotPart, durable: bool = True) -> None:
        for message in messages:
            self.reader.receive(message)
            self.work()
        if durable:
            self.make_durable()

    def make_durable(self) -> None:
        if self.commits and self.commits[-1].state != self.reader.state:
            self.reader.committed(self.commits[-1].serial)
            self.work()

    def greet(self, hello: Hello) -> None:
        """Say hello, answer the challenge, let what follows become durable."""
        self.take(replace(hello, echo=None))
        self.take(replace(hello, ask=hello.ask + 1, echo=self.said[-1].challenge))


def hello(head: int, *, first: int = 0, writer: int = WRITER, lines: tuple[bytes, ...] = LINES) -> Hello:
    return Hello((FIRST,), at(first, lines=lines), at(head, lines=lines), writer, ask=1)


def reading(upto: int, out_of_reach: OutOfReach = OutOfReach.RECORD_LOSS, *, staged: bool = False) -> Side:
    side = Side(None, out_of_reach, staged=staged)
    side.greet(hello(upto))
    if upto:
        side.take(frame(1, upto))
    assert side.reader.state.at == at(upto)
    return side
