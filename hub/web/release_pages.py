"""The page of updates: which releases are offered to whom, what stations run, and why an update fell back."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hub.store.store import HubStore
from hub.store.views import StationRow
from hub.web.forms import checked, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.releases import NewRelease, Release, ReleaseWords
from protocol.state import MachineState

PAGE: Final = "/releases"
_OFFER, _WITHDRAW = "offer", "withdraw"
_TICKED: Final = "yes"


@dataclass(frozen=True, slots=True)
class Running:
    """What one station says that it runs; `position` is where it stands ("": nobody said)."""

    station: str
    position: str
    version: str
    machine: MachineState


def running(row: StationRow) -> Running | None:
    """Read it from a station's last word; None where it has never said anything."""
    report = row.report
    if report is None:
        return None
    position = "" if report.settings is None else report.settings.position
    return Running(str(row.station), position, report.version, report.machine or MachineState())


def release_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the page."""
    router = APIRouter(include_in_schema=False)
    words = ReleaseWords(store, outside)

    @router.get(PAGE)
    async def releases() -> HTMLResponse:
        stations = [each for row in await store.stations() if (each := running(row)) is not None]
        return HTMLResponse(
            pages.render(
                "releases.html",
                here=PAGE,
                rows=await words.standing(),
                stations=sorted(stations, key=lambda each: (not each.machine.update_failed, each.station)),
                runs=Counter(each.version for each in stations),
                key=secrets.token_hex(16),
            )
        )

    @router.post(PAGE)
    async def say(request: Request) -> Response:
        form = read_form(await request.body())
        key = form.pop("key", None)
        await words.say(_asked(form, await words.standing()), key)
        return RedirectResponse(PAGE, status_code=303)

    return router


def _asked(form: dict[str, str], known: list[Release]) -> NewRelease:
    """Make the word of the form: about a release that was spoken of before. Raises `Problem` ("bad-request")."""
    named = form.get("release", "")
    of = next((each for each in known if each.release == named), None)
    if of is None:
        raise Problem("bad-request", "no such release was ever added")
    what = form.get("what", "")
    if what not in (_OFFER, _WITHDRAW):
        raise Problem("bad-request", "the form wants a word: offer or withdraw")
    whom: dict[str, object] = {
        "stations": tuple(form.get("stations", "").replace(",", " ").split()),
        "percent": form.get("percent", "100"),
        "anytime": form.get("anytime") == _TICKED,
        "older": form.get("older") == _TICKED,
    }
    if what == _WITHDRAW:  # as it was offered
        for name in whom:
            whom[name] = getattr(of, name)
    same = {name: getattr(of, name) for name in ("release", "version", "compatible", "size")}
    who = {"author": form["author"], "note": form["note"], "offered": what == _OFFER}
    return checked(NewRelease, {**same, **whom, **who})
