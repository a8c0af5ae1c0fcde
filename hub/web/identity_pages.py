"""The pages on which stations are invited, appear as they enrol, and are replaced, retired or revoked."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Annotated, Final

import segno
from fastapi import APIRouter, Query, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.store.store import HubStore
from hub.web.forms import checked, read_form
from hub.web.hand_over_models import record_of
from hub.web.identities import IdentityDesk, IdentityPath
from hub.web.identities_judged import IdentityLine
from hub.web.identity_models import NewDrain, NewEnd, NewInvitation
from hub.web.live import EventStream, Fragments, Live
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from protocol.acceptance import Acceptance, StepKind
from protocol.cards import Mode
from protocol.draining import drain_of
from protocol.identity_words import End, HandedOver, Standing
from protocol.invitation import rows
from protocol.topics import Stream

OVER_SHOWN: Final = 20
HISTORY_SHOWN: Final = 100
VALID_S: Final = ((900, "15 minutes"), (3600, "an hour"), (8 * 3600, "8 hours"), (86_400, "a day"))
_Named = Annotated[str | None, Query(max_length=63)]
_KEY: Final = "key"
ASKED_FOR: Final = {
    StepKind.SCAN.value: "read the CHECK card",
    StepKind.WEIGH.value: "show zero, then a weight",
    StepKind.TAG.value: "see a tag",
    StepKind.CARD.value: "see a card",
    StepKind.BUTTON.value: "be pressed",
    StepKind.LIGHTS.value: "light red, then green",
    StepKind.TONE.value: "sound three tones",
    StepKind.READY.value: "be there",
}


class _Stations:
    """Renders."""

    def __init__(self, pages: Pages, store: HubStore, outside: Outside, desk: IdentityDesk) -> None:
        self._pages = pages
        self._store = store
        self._outside = outside
        self._desk = desk

    async def fragments(self) -> Fragments:
        """Render what is the same for everybody who looks."""
        lines = await self._desk.lines()
        enrolling = self._outside.enrolling
        return {
            "as-of": self._pages.render("_stations_as_of.html"),
            "enrolment": self._pages.render("_enrolment.html", status=None if enrolling is None else enrolling.status),
            "identities": self._pages.render(
                "_identities.html",
                lines=[line for line in lines if not line.over],
                over=sorted((line for line in lines if line.over), key=_over_us, reverse=True)[:OVER_SHOWN],
            ),
        }

    async def all(self, replaces: str | None, again: str | None) -> str:
        """Render the list and the form, filled in for one who is to be replaced, or to come again."""
        named = replaces or again
        like = None if named is None else (await self._desk.line(named)).standing.invitation
        return self._pages.render(
            "stations.html",
            here="/stations",
            fragments=_markup(await self.fragments()),
            like=like,
            replaces=replaces,
            again=None if replaces else again,
            modes=list(Mode),
            valid_s=VALID_S,
            places=await self._store.places(self._outside.now_us()),
            key=secrets.token_hex(16),
        )

    async def invited(self, line: IdentityLine, digits: str) -> str:
        """Render an invitation, whose digits are nowhere else."""
        drawn = segno.make(digits, error="m", micro=False)
        return self._pages.render(
            "invitation.html",
            here="/stations",
            fragments=_markup(await self.fragments()),
            line=line,
            rows=[" ".join(row[at : at + 5] for at in range(0, len(row), 5)) for row in rows(digits)],
            qr=Markup(drawn.svg_inline(scale=1, border=4, light="#fff", omitsize=True)),  # noqa: S704 - of digits
        )

    async def one(self, identity: str) -> str:
        """Render one identity."""
        line = await self._desk.line(identity)
        return self._pages.render(
            "station.html",
            here="/stations",
            line=line,
            words=(await self._desk.history(identity))[:HISTORY_SHOWN],
            checks=[_Checked(word, record_of(word)) for word in reversed(line.standing.handed_over)],
            asked_for=ASKED_FOR,
            ends=[] if line.standing.end is End.REVOKED else [End.REVOKED] if line.standing.end else list(End),
            key=secrets.token_hex(16),
            undrained=[each for each in Stream if not _is_drained(line.standing, each)],
        )

    async def acceptance(self, identity: str) -> str:
        """Render the sheet of the last hand-over check. Raises `Problem` ("not-found")."""
        told = (await self._desk.line(identity)).standing.handed_over
        if not told:
            raise Problem("not-found", "no hand-over check of this station has come to the hub")
        digest = hashlib.sha256(told[-1].record.encode()).hexdigest()
        return self._pages.render(
            "acceptance.html",
            here="/stations",
            word=told[-1],
            record=record_of(told[-1]),
            digest=digest,
            asked_for=ASKED_FOR,
        )


@dataclass(frozen=True, slots=True)
class _Checked:
    """A hand-over check, and what its record says."""

    word: HandedOver
    record: Acceptance


def identity_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the pages about stations."""
    router = APIRouter(include_in_schema=False)
    desk = IdentityDesk(store, outside)
    stations = _Stations(pages, store, outside, desk)
    live = Live(store, stations.fragments, outside.stopping)

    @router.get("/stations")
    async def all_(replaces: _Named = None, again: _Named = None) -> HTMLResponse:
        return HTMLResponse(await stations.all(replaces, again))

    @router.get("/events/stations")
    async def events() -> EventStream:
        return live.listen()

    @router.get("/stations/{identity}")
    async def one(identity: IdentityPath) -> HTMLResponse:
        return HTMLResponse(await stations.one(identity))

    @router.get("/stations/{identity}/acceptance")
    async def acceptance(identity: IdentityPath) -> HTMLResponse:
        return HTMLResponse(await stations.acceptance(identity))

    @router.post("/stations")
    async def invite(request: Request) -> Response:
        form = read_form(await request.body())
        key = form.pop(_KEY, None)
        given = await desk.invite(checked(NewInvitation, form), key)
        return HTMLResponse(await stations.invited(await desk.line(given.standing.identity), given.digits), 201)

    @router.post("/stations/{identity}/end")
    async def end(identity: IdentityPath, request: Request) -> Response:
        form = read_form(await request.body())
        key = form.pop(_KEY, None)
        if form.pop("sure", None) != identity:
            raise Problem("bad-request", "the form wants the station's name once more")
        await desk.end(identity, checked(NewEnd, form), key)
        return RedirectResponse(f"/stations/{identity}", status_code=303)

    @router.post("/stations/{identity}/drain")
    async def drain(identity: IdentityPath, request: Request) -> Response:
        form = read_form(await request.body())
        key = form.pop(_KEY, None)
        await desk.open_drain(identity, checked(NewDrain, form), key)
        return RedirectResponse(f"/stations/{identity}", status_code=303)

    return router


def _is_drained(standing: Standing, stream: Stream) -> bool:
    drain = drain_of(standing.drains, stream)
    return drain is not None and drain.end is not None


def _over_us(line: IdentityLine) -> int:
    return line.standing.ended_us or line.standing.invitation.expires_us


def _markup(fragments: Fragments) -> dict[str, Markup]:
    """Say of what was rendered that it is HTML already."""
    return {name.replace("-", "_"): Markup(html) for name, html in fragments.items()}  # noqa: S704 - of templates
