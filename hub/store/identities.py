"""The book of identities: who may be a station of this store, said in the journal, and what each is by all of it.

What follows from a word is said with it, in one transaction: a station that enrols stands at its position from then on,
the one it replaces is retired, and one that ends leaves its position. So no two live stations ever stand at one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from msgspec.structs import replace

from hub.errors import BadInput as Refused
from hub.errors import ContractBroken
from hub.store import chunks, entry_bounds, identity_rows, positions
from hub.store.audit import AuditWord, audit
from hub.store.checking import check
from hub.store.database import Database
from hub.store.deciding import Deciding
from hub.store.places import STORE_AREA
from hub.store.positions import PositionRow
from hub.store.sql import Sql
from protocol.dated_words import PositionGiven
from protocol.decisions import decode_journal_entry
from protocol.draining import DrainOpened, DrainTaken
from protocol.enrolment import Role
from protocol.errors import BadInput
from protocol.identity import EntryId, StationId
from protocol.identity_words import Certified, End, Ended, HandedOver, IdentityWord, Invited, Standing, after


@dataclass(frozen=True, slots=True)
class IdentityDesk:
    """Works in the writer's transactions."""

    deciding: Deciding

    def say(self, sql: Sql, word: IdentityWord, now_us: int) -> Standing:
        """Append a word, and what follows from it, unless its key has made one; give the standing after it.

        Raises the protocol's `BadInput` as `Identities.say` says.
        """
        try:
            if not isinstance(word, Certified | DrainTaken | HandedOver):
                made = self.deciding.once.made(sql, word, now_us)
                if made is not None:
                    return _known(sql, self._identity_of(sql, made))
            entry_bounds.check(word)
            before = identity_rows.standing(sql, word.identity)
            standing = after(before, word)
            if standing is before:
                return standing
            if isinstance(word, Invited):
                _check_invited(sql, standing, word.at_us)
            for each in (word, *_follows(sql, standing, word)):
                self.deciding.say(sql, each, now_us)
            self.deciding.words.misread.note(sql)
        except Refused as error:
            raise BadInput(error.name, error.detail) from error
        return _known(sql, word.identity)

    def _identity_of(self, sql: Sql, entry: EntryId) -> str:
        row = self.deciding.epochs.of_entry(sql, entry)
        chunk = None if row is None else chunks.holding(sql, row.id, entry.seq)
        if chunk is None:
            raise ContractBroken(f"{entry} was made and is not there")
        word = decode_journal_entry(chunk.lines[entry.seq - chunk.first])
        if not isinstance(word, Invited | Ended | DrainOpened):
            raise ContractBroken(f"{entry} is no word on an identity")
        return word.identity


class Identities:
    """Opened and closed with the store. Every method raises `TryAgain` when the disk would not take or give it."""

    def __init__(self, database: Database, desk: IdentityDesk, now_us: Callable[[], int]) -> None:
        self._database = database
        self._desk = desk
        self._now_us = now_us

    async def say(self, word: IdentityWord) -> Standing:
        """Commit a word, and what follows from it, and give the standing after it, all or nothing.

        One under a key that was said before is not said again; the standing as it is now is given. Raises the
        protocol's `BadInput`: as `protocol.identity_words.after` and `hub.store.entry_bounds.check` do; "key-reused",
        "area-unknown"; "position-taken" where another live station stands that is not to be replaced,
        "position-differs" where the one to be replaced does not stand.
        """
        return await self._database.write(lambda c: self._desk.say(c, word, self._now_us()))

    async def standing(self, identity: StationId) -> Standing | None:
        """Give what an identity is; None: nothing was ever said of it."""
        return await self._database.read(lambda c: identity_rows.standing(c, identity))

    async def invited_by(self, token_sha256: str) -> Standing | None:
        """Give the identity whose last invitation has this token."""
        return await self._database.read(lambda c: identity_rows.invited_by(c, token_sha256))

    async def standings(self) -> tuple[Standing, ...]:
        """List all identities, ended ones too, by name."""
        return await self._database.read(identity_rows.standings)

    async def history(self, identity: StationId) -> tuple[IdentityWord, ...]:
        """List what was said of an identity, the first first."""
        return await self._database.read(lambda c: identity_rows.history(c, identity))

    async def audit(self) -> tuple[AuditWord, ...]:
        """List what was said of all identities and of service tokens, the first first."""
        return await self._database.read(audit)


def _known(sql: Sql, identity: str) -> Standing:
    standing = identity_rows.standing(sql, identity)
    if standing is None:
        raise ContractBroken(f"nothing is known of {identity}, of which something was just said")
    return standing


def _check_invited(sql: Sql, standing: Standing, at_us: int) -> None:
    """Refuse what could not come true: another's position, an area that is none."""
    asked = standing.invitation
    if asked.role is not Role.STATION:
        return
    _check_free(sql, standing, at_us)
    check(sql, _position(standing, at_us))
    if asked.replaces:
        replaced = identity_rows.standing(sql, asked.replaces)
        if replaced is None:
            raise BadInput("identity-unknown", f"{asked.replaces} was never invited")
        if replaced.terms.position != asked.position:
            raise BadInput("position-differs", f"{asked.replaces} is of {replaced.terms.position}")


def _check_free(sql: Sql, standing: Standing, at_us: int) -> None:
    position, replaces = standing.invitation.position, standing.invitation.replaces
    # By the last word, too, whatever a clock that was set back says of when it was.
    for moment_us in (at_us, entry_bounds.MAX_TIME_US):
        there = positions.station_at(sql, position, moment_us)
        if there is None or there in (standing.identity, replaces):
            continue
        other = identity_rows.standing(sql, there)
        if other is not None and other.enrolled:
            raise BadInput("position-taken", f"{there} stands at {position}")


def _follows(sql: Sql, standing: Standing, word: IdentityWord) -> Iterator[PositionGiven | Ended]:
    """Give what follows from a word."""
    asked, at_us = standing.invitation, word.at_us
    renews = isinstance(word, Certified) and word.renews
    if asked.role is not Role.STATION or not isinstance(word, Certified | Ended) or renews:
        return
    held = _held(sql, standing.identity, at_us)
    if isinstance(word, Certified):
        _check_free(sql, standing, at_us)
        yield from _stands(sql, standing, at_us)
        replaced = identity_rows.standing(sql, asked.replaces) if asked.replaces else None
        if replaced is not None and replaced.end is None and replaced.terms.position == asked.position:
            note = f"replaced by {standing.identity} at {asked.position}"
            yield Ended(at_us, replaced.identity, End.RETIRED, word.author, note)
        held = [row for row in held if row.position != asked.position]
    for row in held:
        from_us, note = max(at_us, row.from_us), f"{standing.identity} left it"
        yield PositionGiven(at_us, row.position, None, row.area, from_us, word.author, note)


def _held(sql: Sql, station: StationId, at_us: int) -> list[PositionRow]:
    """List where a station stands at a moment, or by the last word, which a clock may have dated ahead."""
    rows = (*positions.positions(sql, at_us), *positions.positions(sql, entry_bounds.MAX_TIME_US))
    return list({(row.position, row.from_us): row for row in rows if row.station == station}.values())


def _stands(sql: Sql, standing: Standing, at_us: int) -> Iterator[PositionGiven]:
    """Say that a station stands at its position from a moment on, whatever was said to hold later."""
    given = _position(standing, at_us)
    now, last = (positions.position_at(sql, given.position, each) for each in (at_us, entry_bounds.MAX_TIME_US))
    if now is None or (now.station, now.area) != (given.station, given.area):
        yield given
    if last is not None and last.from_us > at_us and last.station != given.station:
        yield replace(given, from_us=last.from_us)


def _position(standing: Standing, at_us: int) -> PositionGiven:
    asked, station = standing.invitation, standing.identity
    return PositionGiven(
        at_us, asked.position, station, asked.area or STORE_AREA, at_us, asked.author, f"{station} enrolled"
    )
