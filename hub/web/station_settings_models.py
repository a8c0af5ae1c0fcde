"""What REST takes and gives of the settings of positions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from hub.store.configured import ConfiguredRow
from hub.web.models import Line, Model
from protocol.state import SettingsState

Number = Annotated[int, Field(ge=1, le=2**53)]
Table = Annotated[
    dict[str, Any],
    Field(description="keys and tables as in edge.toml: mode, place, area, scale, codes, limits, presence, zones, ..."),
]


class NewSettings(Model):
    """The settings that a position is to have from now on, whole; or `restores`, the number of an earlier version.

    `replaces`, if it is said, is the version that this was made from: where another holds by now, nothing is done. A
    secret is never said, only the name of a file at the station that holds it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: Table | None = None
    restores: Number | None = None
    replaces: Annotated[int, Field(ge=0, le=2**53)] | None = None
    author: Line
    note: Line


class SettingsGiven(Model):
    """The version that was made; `repeated` if its key had made it before."""

    entry: str
    number: int
    repeated: bool


class SettingsVersion(Model):
    """A version; `name` is what stations call it: its number and a digest of the settings."""

    number: int
    name: str
    settings: Table
    at_us: int
    restores: Annotated[int | None, Field(description="the version whose settings these are again")]
    author: str
    note: str
    entry: str

    @classmethod
    def of(cls, row: ConfiguredRow) -> SettingsVersion:
        version, word = row.word.version, row.word
        return cls(
            number=word.number,
            name=version.name,
            settings=version.settings,
            at_us=word.at_us,
            restores=word.restores or None,
            author=word.author,
            note=word.note,
            entry=str(row.entry),
        )


class Override(Model):
    """A local override: what is set at the station and wins there, and what the hub gives; both as JSON, cut short."""

    what: str
    local: str
    hub: str


class StationRuns(Model):
    """What a station says of the settings of its position. Versions by name; empty: none."""

    station: str
    online: bool
    at_us: Annotated[int | None, Field(description="when it said so")]
    held: Annotated[str, Field(description="came with the catalogue")]
    applied: Annotated[str, Field(description="what it runs; empty: its own file alone")]
    failed: Annotated[str, Field(description="did not fit or did not come up, and is not tried again")]
    reason: str
    doing: Annotated[str, Field(description="waiting for an idle moment, or trying; empty: neither")]
    drifts: Annotated[int, Field(description="local overrides, of which `drift` holds the first")]
    drift: list[Override]
    verdict: Annotated[str, Field(description="current, behind, waiting, trying or failed")]

    @classmethod
    def of(cls, station: str, online: bool, at_us: int | None, said: SettingsState, verdict: str) -> StationRuns:
        return cls(
            station=station,
            online=online,
            at_us=at_us,
            held=said.held,
            applied=said.applied,
            failed=said.failed,
            reason=said.reason,
            doing=said.doing,
            drifts=said.drifts,
            drift=[Override(what=each.what, local=each.local, hub=each.hub) for each in said.drift],
            verdict=verdict,
        )


class PositionSettings(Model):
    """The settings of a position: what holds, what came before, the newest first, and who runs what of it."""

    position: str
    holds: SettingsVersion | None
    history: list[SettingsVersion]
    stations: list[StationRuns]


class PositionLine(Model):
    """A position in the list; `holds` null: nothing was ever given to it."""

    position: str
    holds: SettingsVersion | None
    stations: list[StationRuns]


class AllPositionSettings(Model):
    """Every position that was given settings, or where a station says it stands."""

    positions: list[PositionLine]
