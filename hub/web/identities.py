"""Identities over REST: listed, invited, ended, and all that was ever said of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from hub.store.audit import AuditWord
from hub.store.page_tokens import from_token, token
from hub.store.store import HubStore
from hub.web.adjusting import read_key
from hub.web.audit_models import Audit, Said
from hub.web.enrolling import Enrolling, InvitationAsked, InvitationGiven
from hub.web.floor import Key
from hub.web.hand_over_models import HandOver, HandOvers
from hub.web.identities_judged import IdentityLine, State, judge_identities, judge_identity
from hub.web.identity_models import (
    Identity,
    IdentityPage,
    InvitationTold,
    NewDrain,
    NewEnd,
    NewInvitation,
)
from hub.web.outside import Outside
from hub.web.overview import judged
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, After, Limit, json_only
from protocol.identity import StationId
from protocol.identity_words import IdentityWord, Standing

IdentityPath = Annotated[str, Path(max_length=63)]
_log = logging.getLogger(__name__)


class IdentityDesk:
    """What both REST and the pages do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    @property
    def enrolling(self) -> Enrolling:
        """Who enrols. Raises `Problem` ("enrolment-off")."""
        if self._outside.enrolling is None:
            raise Problem("enrolment-off", "the hub's settings have no [enrolment]")
        return self._outside.enrolling

    async def lines(self) -> tuple[IdentityLine, ...]:
        """Judge all identities."""
        store, now_us = self._store, self._outside.now_us()
        stations = judged(await store.stations(), await store.devices(), await store.catalogue_hash(), now_us)
        return judge_identities(await store.identities.standings(), stations, now_us)

    async def line(self, identity: str) -> IdentityLine:
        """Judge one. Raises `Problem` ("identity-unknown")."""
        for line in await self.lines():
            if line.standing.identity == identity:
                return line
        raise Problem("identity-unknown", "nobody was ever invited by this name")

    async def history(self, identity: str) -> Sequence[IdentityWord]:
        """List what was said of an identity, the newest first."""
        return tuple(reversed(await self._store.identities.history(StationId(identity))))

    async def audit(self) -> Sequence[AuditWord]:
        """List what was said of all identities and service tokens, the newest first."""
        return tuple(reversed(await self._store.identities.audit()))

    async def invite(self, asked: NewInvitation, key: str | None = None) -> InvitationGiven:
        """Invite. The digits go to whoever asked, and nowhere else."""
        given = await self.enrolling.invite(
            InvitationAsked(
                position=asked.position,
                place=asked.place,
                area=asked.area or "",
                mode=asked.mode,
                replaces=None if asked.replaces is None else StationId(asked.replaces),
                again=None if asked.again is None else StationId(asked.again),
                valid_s=asked.valid_s,
                author=asked.author,
                note=asked.note,
                key="" if key is None else read_key(key),
            )
        )
        invited = given.standing.invitation
        _log.info(
            "station invited",
            extra={"identity": invited.identity, "position": invited.position, "by": asked.author},
        )
        return given

    async def end(self, identity: str, asked: NewEnd, key: str | None = None) -> Standing:
        """End an identity."""
        read = "" if key is None else read_key(key)
        standing = await self.enrolling.end(StationId(identity), asked.end, asked.author, asked.note, read)
        _log.warning(
            "identity ended",
            extra={"identity": identity, "end": asked.end.value, "by": asked.author, "why": asked.note},
        )
        return standing

    async def open_drain(self, identity: str, asked: NewDrain, key: str | None = None) -> Standing:
        """Let a log of a retired station come in, once."""
        read = "" if key is None else read_key(key)
        standing = await self.enrolling.open_drain(
            StationId(identity), asked.stream, asked.valid_s, asked.author, asked.note, read
        )
        _log.warning(
            "drain opened",
            extra={"identity": identity, "stream": asked.stream.value, "by": asked.author, "why": asked.note},
        )
        return standing


def identity_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/identities`."""
    router = APIRouter(prefix=PREFIX, tags=["identities"], responses=BAD)
    desk = IdentityDesk(store, outside)

    @router.get("/identities")
    async def identities(
        after: After = None,
        limit: Limit = 100,
        state: Annotated[State | None, Query(description="only those in this state")] = None,
    ) -> IdentityPage:
        """All that were ever invited to be a station of this store, in the order of their names."""
        last = "" if after is None else _last(after)
        found = sorted(await desk.lines(), key=lambda line: line.standing.identity)
        found = [line for line in found if line.standing.identity > last and state in (None, line.state)]
        more = len(found) > limit
        return IdentityPage(
            identities=[Identity.of(line) for line in found[:limit]],
            next=token(found[limit - 1].standing.identity) if more else None,
        )

    @router.get("/identities/audit")
    async def audit(
        identity: Annotated[str | None, Query(max_length=63, description="of this one only")] = None,
        after: After = None,
        limit: Limit = 100,
    ) -> Audit:
        """What was said of identities, by whom and why, the newest first: all of it stands in the journal.

        Among it is who made and who revoked which service token, unless only one identity is asked for.
        """
        words: Sequence[AuditWord] = await (desk.audit() if identity is None else desk.history(identity))
        # Counted from the first, which stays the first whatever is said meanwhile.
        left = len(words) if after is None else from_token(after, int)[0]
        found = words[len(words) - min(max(left, 0), len(words)) :]
        return Audit(
            words=[Said.of(word) for word in found[:limit]],
            next=token(len(found) - limit) if len(found) > limit else None,
        )

    @router.get("/identities/{identity}")
    async def one(identity: IdentityPath) -> Identity:
        """One identity, with its certificates."""
        return Identity.of(await desk.line(identity))

    @router.get("/identities/{identity}/checks")
    async def checks(identity: IdentityPath) -> HandOvers:
        """The hand-over checks of a station, the newest first, each with the record as the station signed it."""
        told = (await desk.line(identity)).standing.handed_over
        return HandOvers(checks=[HandOver.of(word) for word in reversed(told)])

    @router.post("/identities", status_code=201, dependencies=[Depends(json_only)])
    async def invite(asked: NewInvitation, idempotency_key: Key = None) -> InvitationTold:
        """Invite a station, and be told the 80 digits that it enrols by: this once, for they are kept nowhere.

        Under an `Idempotency-Key` an invitation is made once; a repeat answers 409 ("key-used"), since its digits were
        told then. Whoever did not get them invites the same identity `again`.
        """
        given = await desk.invite(asked, idempotency_key)
        return InvitationTold.of(judge_identity(given.standing, None, outside.now_us()), given.digits)

    @router.post("/identities/{identity}/end", dependencies=[Depends(json_only)])
    async def end(identity: IdentityPath, asked: NewEnd, idempotency_key: Key = None) -> Identity:
        """Retire an identity, or revoke it: it is never used again, and its certificates are good no more.

        To end one that has ended so changes nothing. An `Idempotency-Key` works as for adjustments.
        """
        await desk.end(identity, asked, idempotency_key)
        return Identity.of(await desk.line(identity))

    @router.post("/identities/{identity}/drain", dependencies=[Depends(json_only)])
    async def drain(identity: IdentityPath, asked: NewDrain, idempotency_key: Key = None) -> Identity:
        """Let the log of a retired station come in by import, once: 409 ("already-drained") where it did.

        The first log that has something new spends it; that very one may be brought again until it is whole. One that
        was revoked is not believed (409, "identity-revoked"). An `Idempotency-Key` works as for adjustments.
        """
        await desk.open_drain(identity, asked, idempotency_key)
        return Identity.of(await desk.line(identity))

    return router


def _last(after: str) -> str:
    last: str = from_token(after, str)[0]
    return last
