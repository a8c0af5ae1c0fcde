"""What people said that holds for more than an entry: places, homes, leads, what is held back, who is where as whom.

The fold asks here how entries are to be read.
"""

from __future__ import annotations

from typing import Final

from hub.store import configured, identity_rows, positions, release_words, swept_rows, tag_rows, token_words
from hub.store.epochs import EpochRow, EpochRows
from hub.store.held_words import HeldWords
from hub.store.leads import Leads
from hub.store.misread import Misread
from hub.store.periods import Periods
from hub.store.places import Places
from hub.store.promises import Promises
from hub.store.sql import Sql
from protocol.configured import StationConfigured
from protocol.dated_words import DatedWord, LeadsGiven, PositionGiven
from protocol.decisions import Dismissed, HeldWord, PromiseWord, Released, ReservationSaid, SafetyGiven
from protocol.draining import DrainOpened, DrainTaken
from protocol.identity_words import Certified, Ended, HandedOver, IdentityWord, Invited
from protocol.period_words import Corrected, Finality, PeriodWord
from protocol.releases import ReleaseSaid
from protocol.service_tokens import TokenSaid

Word = DatedWord | HeldWord | PeriodWord | IdentityWord | PromiseWord | StationConfigured | ReleaseSaid | TokenSaid
WORDS_BEGIN: Final = tuple(
    b'["%b"' % kind
    for kind in (
        b"P",
        b"H",
        b"L",
        b"Q",
        b"R",
        b"D",
        b"F",
        b"K",
        b"I",
        b"C",
        b"X",
        b"A",
        b"V",
        b"N",
        b"B",
        b"Y",
        b"G",
        b"U",
        b"J",
        b"f",
    )
)
"""How the lines of such entries begin."""


class Words:
    """Belongs to the writer's thread; `forget` after a transaction that did not happen."""

    def __init__(self, epochs: EpochRows) -> None:
        self._epochs = epochs
        self.misread = Misread()
        self.places = Places(self.misread)
        self.leads = Leads(self.misread)
        self.held = HeldWords()
        self.periods = Periods()
        self.promises = Promises()

    @property
    def changes(self) -> int:
        """Grows whenever an entry may be read otherwise than before."""
        return self.places.changes + self.leads.changes

    def forget(self) -> None:
        """Read everything from the file again when next asked."""
        self.misread.forget()
        self.places.forget()
        self.leads.forget()
        self.held.forget()
        self.periods.forget()

    def take(self, sql: Sql, teller: EpochRow, seq: int, line: bytes, word: Word) -> None:
        """Take an entry of the journal; one that was taken before changes nothing. `Misread.note` is to follow."""
        if isinstance(word, DatedWord):
            tag_rows.reckon_crossing_again(sql)
            swept_rows.sweep_again(sql, word.from_us)
        match word:
            case LeadsGiven():
                self.leads.take(sql, teller, seq, line, word)
            case Released() | Dismissed():
                self.held.take(sql, teller, seq, line, word, self._epochs)
            case PositionGiven():
                positions.take(sql, teller, seq, line, word)
            case Invited() | Certified() | Ended() | HandedOver() | DrainOpened() | DrainTaken():
                identity_rows.take(sql, teller, seq, line, word)
            case StationConfigured():
                configured.take(sql, teller, seq, line, word)
            case ReleaseSaid():
                release_words.take(sql, teller, seq, line, word)
            case TokenSaid():
                token_words.take(sql, teller, seq, line, word)
            case Finality() | Corrected():
                self.periods.take(sql, teller, seq, line, word)
            case ReservationSaid() | SafetyGiven():
                self.promises.take(sql, teller, seq, line, word)
            case _:
                self.places.take(sql, teller, seq, line, word)
