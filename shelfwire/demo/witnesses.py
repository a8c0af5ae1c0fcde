"""What stations and the hub say of themselves over their public interfaces, as an outsider reads it."""

from __future__ import annotations

import re
from typing import TypeVar

import httpx
import msgspec

TIMEOUT_S = 3.0
_PAGE = 500
_MAX_PAGES = 1000

_LOGS_TO_HQ = ("feed", "journal")
_LAG = re.compile(r'^shelfwire_hq_lag_entries\{log="(?:feed|journal)"\} (\S+)$', re.MULTILINE)

T = TypeVar("T")


class DeviceView(msgspec.Struct, frozen=True):
    """A peripheral."""

    device: str
    status: str


class StatusView(msgspec.Struct, frozen=True):
    """What a station is doing."""

    mode: str
    accepted: int
    refused: int
    devices: tuple[DeviceView, ...]


class LogView(msgspec.Struct, frozen=True):
    """A station's log: entries in it, and those that the hub has not acknowledged."""

    entries: int
    unacked: int
    sync_p99_us: int


class CatalogueView(msgspec.Struct, frozen=True):
    """The catalogue a station holds."""

    rows: int
    set_hash: str


class UplinkView(msgspec.Struct, frozen=True):
    """Whether a station reaches its hub."""

    connected: bool
    standing: str


class StationHealth(msgspec.Struct, frozen=True):
    """`GET /v1/health` of a station."""

    station: str
    status: StatusView
    stock: LogView
    catalogue: CatalogueView | None
    hub: UplinkView


class MoneyView(msgspec.Struct, frozen=True):
    """A price in minor units."""

    minor: int
    currency: str


class ItemView(msgspec.Struct, frozen=True):
    """`GET /v1/items/{code}` of a station."""

    item: str
    name: str
    price: MoneyView | None


class HubStation(msgspec.Struct, frozen=True):
    """A station as the hub knows it; `committed`, `folded` and `movements` count entries of its stock log."""

    station: str
    state: str
    committed: int
    folded: int
    movements: int
    quarantined: int
    losses: int


class HubStations(msgspec.Struct, frozen=True):
    """`GET /api/v1/stations` of the hub."""

    stations: tuple[HubStation, ...]
    catalogue_hash: str


class StockView(msgspec.Struct, frozen=True):
    """An item's stock in one area."""

    item: str
    area: str
    on_hand_milli: int


class ItemStock(msgspec.Struct, frozen=True):
    """`GET /api/v1/items/{item}` of the hub."""

    stock: tuple[StockView, ...]


class StockPage(msgspec.Struct, frozen=True):
    """`GET /api/v1/stock` of the hub."""

    rows: tuple[StockView, ...]
    next: str | None


class StatementView(msgspec.Struct, frozen=True):
    """A part of a stock statement of HQ's."""

    document: str
    items: int
    compared_us: int | None
    differing: int


class StatementPage(msgspec.Struct, frozen=True):
    """`GET /api/v1/hq/statements` of the hub."""

    statements: tuple[StatementView, ...]


class Unreachable(Exception):
    """Nobody answered, or not what was asked for."""


class Witness:
    """Asks one HTTP interface; every method raises `Unreachable`."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self.url = url

    async def get(self, path: str, kind: type[T], params: dict[str, str] | None = None) -> T:
        """Ask for JSON of a known shape."""
        answer = await self._answer(path, params)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise Unreachable(f"{self.url}{path}: {error}") from error

    async def post(self, path: str, body: dict[str, str | int], headers: dict[str, str]) -> None:
        """Have something done."""
        try:
            answer = await self._client.post(self.url + path, json=body, headers=headers, timeout=TIMEOUT_S)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url}{path}: {type(error).__name__} {error}") from error

    async def _answer(self, path: str, params: dict[str, str] | None = None) -> httpx.Response:
        try:
            answer = await self._client.get(self.url + path, params=params, timeout=TIMEOUT_S)
            return answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unreachable(f"{self.url}{path}: {type(error).__name__} {error}") from error


class StationWitness(Witness):
    """A station's local API."""

    async def health(self) -> StationHealth:
        """Ask how it is."""
        return await self.get("/v1/health", StationHealth)

    async def item(self, code: str) -> ItemView:
        """Ask what a code means and costs now."""
        return await self.get(f"/v1/items/{code}", ItemView)


class HubWitness(Witness):
    """The hub's REST interface."""

    async def stations(self) -> HubStations:
        """Ask for all stations and the hash of the hub's catalogue."""
        return await self.get("/api/v1/stations", HubStations)

    async def unsent_to_hq(self) -> int | None:
        """Ask how many entries of feed and journal HQ is not known to have; None if that is not known."""
        text = (await self._answer("/metrics")).text
        found = _LAG.findall(text)
        return sum(int(float(lag)) for lag in found) if len(found) == len(_LOGS_TO_HQ) else None

    async def differing(self, document: str, figures: int) -> int | None:
        """Ask how many of a statement's figures differ from the hub's; None until all of them are compared."""
        page = await self.get("/api/v1/hq/statements", StatementPage, {"limit": str(_PAGE)})
        parts = [each for each in page.statements if each.document == document and each.compared_us is not None]
        return sum(each.differing for each in parts) if sum(each.items for each in parts) == figures else None

    async def write_off(self, item: str, milli: int, why: str) -> None:
        """Take goods out of the books, as a person does at the hub."""
        figures = await self.get(f"/api/v1/items/{item}", ItemStock)
        if not figures.stock:
            raise Unreachable(f"{self.url}: no stock of {item} to write off")
        body: dict[str, str | int] = {
            "item": item,
            "area": figures.stock[0].area,
            "qty_milli": -milli,
            "reason": "waste",
            "author": "manager",
            "note": why,
        }
        await self.post("/api/v1/adjustments", body, {"idempotency-key": f"{item}-written-off"})

    async def stock(self) -> dict[str, int]:
        """Ask for the stock of every item, all areas together, in milli-units."""
        found: dict[str, int] = {}
        after: str | None = None
        for _ in range(_MAX_PAGES):
            params = {"limit": str(_PAGE)} if after is None else {"limit": str(_PAGE), "after": after}
            page = await self.get("/api/v1/stock", StockPage, params)
            for row in page.rows:
                found[row.item] = found.get(row.item, 0) + row.on_hand_milli
            after = page.next
            if after is None:
                return found
        raise Unreachable(f"{self.url}: more than {_MAX_PAGES} pages of stock")
