"""The few counts of one scope that a batch has to do with: asked for two at a time, whatever the scope's past.

    the books:  C1   C2   C3   C4   …   C4998   C4999   C5000        `around(key)` asks once for the two counts
    here:            C2 = C3                            C5000        between which the key lies, and joins them (=)

What is joined has nothing between it, and stays so while the batch puts counts in and takes them out: whoever takes a
count out has both its neighbours here first. So the books, which know of nothing this batch did, never have to be asked
for a gap that it changed.
"""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import NamedTuple

from msgspec.structs import replace

from hub.ledger.entries import Key, Scope
from hub.ledger.figures import AnchorMoved, Books, CountFigure
from protocol.identity import EntryId

_key = attrgetter("key")


class CountChanges(NamedTuple):
    """What a batch changed among the counts of one scope, as in `Outcome`."""

    counts: list[CountFigure]
    dropped: list[EntryId]
    anchor: AnchorMoved | None


class CountWindow:
    """Counts in key order, mutable for one batch; the last of them is always the last of the scope."""

    __slots__ = ("_anchor", "_books", "_counts", "_joined", "_loaded", "_scope")

    def __init__(self, scope: Scope, anchor: CountFigure | None, books: Books) -> None:
        self._scope = scope
        self._anchor = anchor
        self._books = books
        # As the batch before left them, by id.
        self._loaded: dict[EntryId, CountFigure] = {}
        self._counts: list[CountFigure] = []
        # Whether nothing lies between a count and the one before it here; of the first one, whether it opens the books.
        self._joined: list[bool] = []
        if anchor is not None:
            self._loaded[anchor.id] = anchor
            self._counts.append(anchor)
            self._joined.append(anchor.opening)

    def __len__(self) -> int:
        return len(self._counts)

    def __getitem__(self, at: int) -> CountFigure:
        return self._counts[at]

    @property
    def last(self) -> CountFigure | None:
        """The count of greatest key, which on-hand rests on."""
        return self._counts[-1] if self._counts else None

    def around(self, key: Key) -> int:
        """Have the two counts next to a key here, beside each other; the index of the one at or over it."""
        counts = self._counts
        at = bisect_left(counts, key, key=_key)
        if at == len(counts) or self._joined[at]:
            return at
        for figure in self._books.neighbours(self._scope, key):
            # One loaded before is here as it stands now, or was taken out; then what took its place is here.
            if figure is not None and figure.id not in self._loaded:
                self._loaded[figure.id] = figure
                place = bisect_left(counts, figure.key, key=_key)
                counts.insert(place, figure)
                self._joined.insert(place, figure.opening)
        at = bisect_left(counts, key, key=_key)
        self._joined[at] = True
        return at

    def after(self, at: int) -> int:
        """Have the count after this one here, if there is one; its index. The index given stays right."""
        t_us, identity = self._counts[at].key
        return self.around(Key(t_us, EntryId(identity.station, identity.epoch, identity.seq + 1)))

    def put_in(self, at: int, figure: CountFigure) -> None:
        """Put a count in at the index `around` gave for its key."""
        self._counts.insert(at, figure)
        self._joined.insert(at, True)

    def take_out(self, at: int) -> CountFigure:
        """Take a count out whose neighbours are here, by `around` and `after`."""
        self._joined.pop(at)
        return self._counts.pop(at)

    def restate(self, at: int, figure: CountFigure) -> None:
        """Put other figures of the same count in place of what is here."""
        self._counts[at] = figure

    def changes(self) -> CountChanges:
        """What the batch changed; each count it changed gets its next revision."""
        before = dict(self._loaded)
        changed: list[CountFigure] = []
        for at, figure in enumerate(self._counts):
            if figure != before.pop(figure.id, None):
                self._counts[at] = replace(figure, revision=figure.revision + 1)
                changed.append(self._counts[at])
        was, now = self._anchor, self.last
        key_was = None if was is None else was.key
        key_now = None if now is None else now.key
        moved = None if key_was == key_now else AnchorMoved(self._scope, key_was, key_now)
        return CountChanges(changed, list(before), moved)
