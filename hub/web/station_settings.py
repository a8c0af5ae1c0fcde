"""Settings of positions over REST and as pages: what holds, what stations say they run, drift, and what was before."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from hub.store.configured import ConfiguredRow
from hub.store.configuring import Given
from hub.store.store import HubStore
from hub.store.views import StationRow
from hub.web.adjusting import read_key
from hub.web.floor import Key
from hub.web.forms import checked, read_form
from hub.web.outside import Outside
from hub.web.pages import Pages
from hub.web.problems import Problem
from hub.web.rest import BAD, PREFIX, json_only
from hub.web.station_settings_models import (
    AllPositionSettings,
    NewSettings,
    PositionLine,
    PositionSettings,
    SettingsGiven,
    SettingsVersion,
    StationRuns,
)
from protocol.configured import StationConfigured, write_document
from protocol.identity import parse_place
from protocol.state import SettingsState
from protocol.station_settings import as_toml, check_settings

_log = logging.getLogger(__name__)

Position = Annotated[str, Path(max_length=63, description="where a station stands")]


class _Desk:
    """What both REST and the pages do."""

    def __init__(self, store: HubStore, outside: Outside) -> None:
        self._store = store
        self._outside = outside

    async def give(self, position: str, asked: NewSettings, key: str | None = None) -> Given:
        """Give a position settings. Raises `Problem`, and what the store raises."""
        settings = await self._settings_of(parse_place(position), asked)
        said = "" if key is None else read_key(key)
        restores = asked.restores or 0
        word = StationConfigured(
            self._outside.now_us(), position, 0, settings, restores, asked.author, asked.note, said
        )
        made = await self._store.station_settings.give(word, asked.replaces)
        _log.info("settings given", extra={"position": position, "version": made.number, "by": asked.author})
        return made

    async def position(self, position: str) -> PositionSettings:
        rows = await self._store.station_settings.history(position)
        runs = _running(await self._store.stations(), {row.word.position: row for row in rows[:1]})
        stations = runs.get(position, [])
        if not rows and not stations:
            raise Problem("position-unknown", "nothing was given to it and nobody says to stand there", 404)
        told = [SettingsVersion.of(row) for row in rows]
        return PositionSettings(position=position, holds=told[0] if told else None, history=told, stations=stations)

    async def all(self) -> AllPositionSettings:
        newest = {row.word.position: row for row in await self._store.station_settings.newest()}
        runs = _running(await self._store.stations(), newest)
        lines = [
            PositionLine(
                position=name,
                holds=SettingsVersion.of(newest[name]) if name in newest else None,
                stations=runs.get(name, []),
            )
            for name in sorted({*newest, *runs})
        ]
        return AllPositionSettings(positions=lines)

    async def _settings_of(self, position: str, asked: NewSettings) -> str:
        if (asked.settings is None) is (asked.restores is None):
            raise Problem("bad-request", "either settings or the version that is to be restored")
        if asked.settings is not None:
            return write_document(check_settings(asked.settings))
        for row in await self._store.station_settings.history(position):
            if row.word.number == asked.restores:
                return row.word.settings
        raise Problem("version-unknown", f"{position} has had no version {asked.restores}", 404)


def station_settings_rest(store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes under `/api/v1/station-settings`."""
    router = APIRouter(prefix=PREFIX, tags=["station settings"], responses=BAD)
    desk = _Desk(store, outside)

    @router.get("/station-settings")
    async def positions() -> AllPositionSettings:
        """All positions: the settings that hold, and what the stations there say they run."""
        return await desk.all()

    @router.get("/station-settings/{position}")
    async def position(position: Position) -> PositionSettings:
        """One position, with every version there was."""
        return await desk.position(position)

    @router.post("/station-settings/{position}", status_code=201, dependencies=[Depends(json_only)])
    async def give(
        position: Position, asked: NewSettings, response: Response, idempotency_key: Key = None
    ) -> SettingsGiven:
        """Give a position settings, as its next version; whichever station stands there gets them.

        It checks them with its own drivers, takes them in an idle moment, and goes back by itself to those it had if
        its devices do not come up. What its own file says otherwise stays as that says, and is told as an override.
        An `Idempotency-Key` works as for adjustments.
        """
        made = await desk.give(position, asked, idempotency_key)
        if made.repeated:
            response.status_code = 200
        return SettingsGiven(entry=str(made.entry), number=made.number, repeated=made.repeated)

    return router


def station_settings_pages(pages: Pages, store: HubStore, outside: Outside) -> APIRouter:
    """Make the routes of the pages."""
    router = APIRouter(include_in_schema=False)
    desk = _Desk(store, outside)

    @router.get("/station-settings")
    async def positions() -> HTMLResponse:
        told = await desk.all()
        return HTMLResponse(pages.render("station_settings.html", here="/station-settings", rows=told.positions))

    @router.get("/station-settings/{position}")
    async def position(position: Position) -> HTMLResponse:
        told = await desk.position(position)
        return HTMLResponse(
            pages.render(
                "station_settings_position.html",
                here="",
                told=told,
                toml="" if told.holds is None else as_toml(told.holds.settings),
                written={each.number: as_toml(each.settings) for each in told.history},
            )
        )

    @router.post("/station-settings")
    async def first(request: Request) -> Response:
        return await _post(read_form(await request.body()))

    @router.post("/station-settings/{position}")
    async def give(position: Position, request: Request) -> Response:
        return await _post({**read_form(await request.body()), "position": position})

    async def _post(form: dict[str, str]) -> Response:
        position = form.pop("position", "")
        asked: dict[str, object] = dict(form)
        if "restores" not in form:
            asked["settings"] = _read_toml(form.get("toml", ""))
        asked.pop("toml", None)
        await desk.give(position, checked(NewSettings, asked))
        return RedirectResponse(f"/station-settings/{quote(position, safe='')}", status_code=303)

    return router


def _read_toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Problem("bad-request", f"not TOML: {str(error)[:200]}") from error


def _running(rows: Iterable[StationRow], newest: dict[str, ConfiguredRow]) -> dict[str, list[StationRuns]]:
    """List by position the stations that say to stand there."""
    found: dict[str, list[StationRuns]] = {}
    for row in rows:
        said = None if row.report is None else row.report.settings
        if said is None:
            continue
        given = newest.get(said.position)
        told = StationRuns.of(row.station, row.state == "online", row.state_us, said, verdict(said, given))
        found.setdefault(said.position, []).append(told)
    return found


def verdict(said: SettingsState, given: ConfiguredRow | None) -> str:
    """Say in a word whether a station runs what its position was given."""
    name = "" if given is None else given.word.version.name
    if said.doing:
        return said.doing
    return "current" if said.applied == name else "failed" if said.failed == name else "behind"
