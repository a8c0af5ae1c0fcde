"""The door through which decisions enter the journal: held against what is known, made once, in force at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from hub.errors import BadInput, ContractBroken, TryAgain
from hub.ledger.floorplan import OF_THEIR_OWN, home_words_at
from hub.store import basket_ends, checking, count_checking, entry_bounds, own_fields, stated
from hub.store.books import StoredBooks
from hub.store.epochs import EpochRow, EpochRows
from hub.store.floor import StoreFloor, home_words, in_tree_order
from hub.store.lines import Lines
from hub.store.once import Keyed, Once
from hub.store.periods import declaration
from hub.store.places import all_days, days_of
from hub.store.progress import lag
from hub.store.sql import Sql
from hub.store.stated import Stated
from hub.store.words import Words
from protocol.configured import StationConfigured
from protocol.count_decisions import CountPlanned, CountRuled
from protocol.dated_words import DatedWord, FloorWord, HomeGiven, PlaceGiven, SourceDeclared
from protocol.decisions import (
    Adjustment,
    BasketEnded,
    HeldWord,
    PromiseWord,
)
from protocol.events import Reason, encode_entry
from protocol.hq_decisions import ConflictAnswer, ConflictAnswered, FieldWritten, OwnField
from protocol.identity import EntryId
from protocol.identity_words import IdentityWord
from protocol.period_words import Finality
from protocol.releases import ReleaseSaid
from protocol.service_tokens import TokenSaid


@dataclass(frozen=True, slots=True)
class Deciding:
    """Works in the writer's transactions."""

    once: Once
    epochs: EpochRows
    words: Words
    books: StoredBooks
    stated: Stated
    lines: Lines

    def decide(self, sql: Sql, decision: Keyed, now_us: int) -> tuple[EntryId, bool]:
        """Append a decision unless its key has made one; give the entry, and whether it was there before.

        Raises `BadInput` as `Once.made` and the `check` of each kind do, and "not-reserved".
        """
        made = self.once.made(sql, decision, now_us)
        if made is not None:
            return made, True
        entry_bounds.check(decision)
        if isinstance(decision, Finality):
            raise ContractBroken("a period is declared by `declare`")
        if isinstance(decision, CountPlanned | CountRuled):
            count_checking.check(sql, self.epochs, StoreFloor, decision)
        if isinstance(decision, BasketEnded):
            basket_ends.check(sql, self.epochs, self.lines, decision)
        if isinstance(decision, Adjustment | CountPlanned | CountRuled | SourceDeclared | BasketEnded):
            return self.once.make(sql, decision, now_us), False
        if isinstance(decision, ConflictAnswered):
            return self._answer(sql, decision, now_us), False
        if isinstance(decision, FieldWritten):
            return self._write(sql, decision, now_us), False
        if isinstance(decision, PromiseWord):
            checking.check_promise(sql, decision)
            return self.say(sql, decision, now_us), False
        checking.check(sql, decision)
        followers = _followers(sql, decision) if isinstance(decision, PlaceGiven) else ()
        entry, *_ = [self.say(sql, word, now_us) for word in (decision, *followers)]
        self.words.misread.note(sql)
        return entry, False

    def convert(self, sql: Sql, parts: Sequence[Adjustment], now_us: int) -> tuple[list[EntryId], bool]:
        """Append adjustments that are one deed, all or none; give their entries, and whether they were there before.

        Each has a key of its own, or none has. Raises `BadInput` as `Once.made` and `entry_bounds.check` do.
        """
        made = [entry for part in parts if (entry := self.once.made(sql, part, now_us)) is not None]
        if made and len(made) == len(parts):
            return made, True
        if made:
            raise BadInput("key-reused", f"it made {made[0]}, a part of something else")
        for part in parts:
            entry_bounds.check(part)
        return [self.once.make(sql, part, now_us) for part in parts], False

    def declare(self, sql: Sql, asked: Finality, now_us: int) -> tuple[EntryId, bool]:
        """Append the lines that declare a period final; give the first, and whether its key had made it before.

        Raises `BadInput` as `Once.made` and `hub.store.periods.declaration` do, `TryAgain` while the fold lags.
        """
        made = self.once.made(sql, asked, now_us)
        if made is not None:
            return made, True
        entry_bounds.check(asked)
        left = lag(sql)
        if left:
            raise TryAgain(f"the fold has {left} entries to go")
        self.books.begin(sql)
        lines = declaration(sql, self.words.periods, self.books, asked)
        entry, *_ = [self.say(sql, line, now_us) for line in lines]
        return entry, False

    def _answer(self, sql: Sql, word: ConflictAnswered, now_us: int) -> EntryId:
        """Append an answer, and behind it what it posts."""
        off_milli = stated.check(sql, word)
        posted = Adjustment(
            word.at_us, word.item, word.area, off_milli, Reason.ADJUSTMENT, word.document, word.author, word.note
        )
        if word.answer is ConflictAnswer.ACCEPT_HQ:
            entry_bounds.check(posted)
        entry = self.once.make(sql, word, now_us)
        if word.answer is ConflictAnswer.ACCEPT_HQ:
            self.once.make(sql, posted, now_us)
        self.stated.take(sql, self._epoch_of(sql, entry), entry.seq, encode_entry(word), word)
        return entry

    def _write(self, sql: Sql, word: FieldWritten, now_us: int) -> EntryId:
        """Append a word on a field, and behind it those on where the item is at home. Raises `BadInput` as `check`."""
        checking.check_item(sql, word.item)
        checking.check_area(sql, word.area, word.at_us)
        if (
            word.field is OwnField.SHELF
            and word.place
            and not own_fields.is_shelf(sql, word.place, word.area, word.at_us)
        ):
            raise BadInput("not-a-shelf", f"{word.place} is no shelf of {word.area}")
        entry, *_ = [self.say(sql, each, now_us) for each in own_fields.with_homes(sql, word)]
        self.words.misread.note(sql)
        return entry

    def _epoch_of(self, sql: Sql, entry: EntryId) -> EpochRow:
        row = self.epochs.of_entry(sql, entry)
        if row is None:
            raise ContractBroken(f"{entry} was appended and its epoch is not there")
        return row

    def lay_out(self, sql: Sql, words: Sequence[FloorWord], now_us: int) -> int:
        """Append those of many words that say something new; count them. Raises `BadInput` for the first that is wrong.

        Places come before what is a part of them, and before homes.
        """
        news = 0
        for word in words:
            if not _is_known(sql, word):
                entry_bounds.check(word)
                checking.check(sql, word)
                self.say(sql, word, now_us)
                news += 1
        self.words.misread.note(sql)
        return news

    def say(
        self,
        sql: Sql,
        word: DatedWord
        | HeldWord
        | PromiseWord
        | Finality
        | IdentityWord
        | StationConfigured
        | ReleaseSaid
        | TokenSaid
        | FieldWritten,
        now_us: int,
    ) -> EntryId:
        """Append a word and take it, as the fold will once more."""
        entry = self.once.make(sql, word, now_us)
        row, line = self._epoch_of(sql, entry), encode_entry(word)
        if isinstance(word, FieldWritten):
            own_fields.take(sql, row, entry.seq, line, word)
        else:
            self.words.take(sql, row, entry.seq, line, word)
        return entry


def _followers(sql: Sql, word: PlaceGiven) -> Iterable[PlaceGiven]:
    """Give the words by which what stands on a place goes with it into its area."""
    days = all_days(sql)
    words = [held for each in days.values() if (held := each.at(word.from_us)) is not None]
    moved = {word.place}
    for held in in_tree_order(words):
        if held.parent in moved and held.kind not in OF_THEIR_OWN and held.area != word.area:
            moved.add(held.place)
            yield replace(word, place=held.place, parent=held.parent, kind=held.kind, key="")


def _is_known(sql: Sql, word: FloorWord) -> bool:
    """Say whether a word changes nothing of what holds from its moment on."""
    if isinstance(word, HomeGiven):
        held = home_words_at(home_words(sql, word.item), word.from_us)
        return any(each.place == word.place and each.to_us == word.to_us for each in held)
    days = days_of(sql, word.place)
    now = days.at(word.from_us)
    if now is None or days.words[-1] is not now:
        return False
    return (now.parent, now.area, now.kind) == (word.parent, word.area, word.kind)
