"""A basket through the whole agent: opened, filled, closed over the local API, the plug pulled in between."""

from __future__ import annotations

from pathlib import Path

from edge.agent import CATALOGUE_FILE
from edge.catalogue.replica import CatalogueReplica
from protocol.catalogue import encode_row
from protocol.chain import Position
from protocol.events import BasketLine, Delta, encode_entry
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess
from tests.integration.station_rig import MILK, ROWS, TEA
from tests.unit.hub_store.shop import Station, fold_all, shop


async def test_what_is_in_a_basket_outlives_the_plug_and_is_sold_when_till_software_says_so(tmp_path: Path) -> None:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        table = {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell"}
        agent = AgentProcess(tmp_path, {"counter": table}, selling="basket")
        agent.data_dir.mkdir()
        async with CatalogueReplica(agent.data_dir / CATALOGUE_FILE) as catalogue:
            state = ReaderState(at=Position(Epoch(1, 1), len(ROWS), bytes(32)), generation=1)
            await catalogue.replace([[encode_row(row) for row in ROWS]], state)
        async with agent, agent.client() as client:
            assert await scanner.scan(MILK) is False, "no basket is open"
            assert (await client.get("/v1/basket")).status_code == 404
            opened = (await client.post("/v1/basket", json={"document": "order-17"})).json()
            assert opened["did"] == "basket-opened"
            name = opened["session"]
            assert (await client.post("/v1/basket", json={})).json()["name"] == "basket-open"
            assert [await scanner.scan(text) for text in (MILK, TEA, TEA, "SW1:UNDO")] == [True] * 4
            assert (await client.get("/v1/health")).json()["status"]["basket"] == name
            await agent.kill()
        async with agent, agent.client() as client:
            told = (await client.get("/v1/basket")).json()
            assert (told["session"], told["document"], told["scans"]) == (name, "order-17", 2)
            assert (await client.post("/v1/scan", json={"code": MILK, "qty_milli": 2000})).json()["session"] == name
            wrong = await client.post("/v1/basket/close", json={"basket": "another", "how": "sold"})
            assert (wrong.status_code, wrong.json()["name"]) == (422, "other-basket")
            assert (await client.post("/v1/basket/close", json={"basket": name, "how": "given"})).status_code == 400
            sold = (await client.post("/v1/basket/close", json={"basket": name, "how": "sold"})).json()
            assert (sold["did"], sold["ended"]["total"]["minor"]) == ("basket-sold", 3 * 119 + 249)
            await agent.kill()
        async with agent, agent.client() as client:
            again = (await client.post("/v1/basket/close", json={"basket": name, "how": "sold"})).json()
            assert again["did"] == "basket-sold", "told once more, and nothing sold twice"
            voided = (await client.post("/v1/basket", json={})).json()["session"]
            assert await scanner.scan(TEA) is True
            ended = await client.post("/v1/basket/close", json={"basket": voided, "how": "voided"})
            assert ended.json()["did"] == "basket-voided"
            await client.post("/v1/basket", json={})
            assert await scanner.scan(TEA) is True
            await agent.kill()
        found = await agent.stock()
    lines = [entry.meant for entry in found if isinstance(entry, BasketLine)]
    deltas = [entry for entry in found if isinstance(entry, Delta)]
    assert [(delta.code, delta.qty_milli) for delta in deltas] == [(MILK, -1000), (TEA, -1000), (MILK, -2000)]
    assert [delta.when for delta in deltas] == [lines[0].when, lines[1].when, lines[3].when]
    assert {delta.document for delta in deltas} == {"order-17"}
    log = Station("till-3", lines=[encode_entry(entry) for entry in found])
    (tmp_path / "hub").mkdir()
    async with shop(tmp_path / "hub", list(ROWS)) as store:
        await log.tell(store)
        await fold_all(store)
        assert {row.item: row.on_hand_milli for row in (await store.stock()).rows} == {"milk": -3000, "tea": -1000}
        (row,) = await store.baskets()
        assert (row.station, row.lines) == ("till-3", 1)
        assert not await store.rebuild()
