"""A station's session, its held-back scans and its transfers, through the whole process and a plug that is pulled."""

from __future__ import annotations

from pathlib import Path

from edge.agent import CATALOGUE_FILE
from edge.catalogue.replica import CatalogueReplica
from protocol.cards import PlaceCard, card_text
from protocol.catalogue import encode_row
from protocol.chain import Position
from protocol.events import Delta, Restored, Reversal, Suppressed
from protocol.identity import Epoch, PlaceId
from protocol.replication.ports import ReaderState
from shelfwire.simulators.scanner import SimulatedScanner
from tests.integration.agent_process import AgentProcess
from tests.integration.station_rig import MILK, ROWS, TEA


async def test_a_session_goes_on_a_double_is_restored_and_a_transfer_is_whole_after_the_plug_was_pulled(
    tmp_path: Path,
) -> None:
    async with SimulatedScanner(tmp_path / "scanner", ack=True) as scanner:
        table = {"driver": "serial-scanner", "port": str(scanner.path), "ack": "honeywell", "dwell_ms": 10_000}
        agent = AgentProcess(tmp_path, {"counter": table})
        agent.data_dir.mkdir()
        async with CatalogueReplica(agent.data_dir / CATALOGUE_FILE) as catalogue:
            state = ReaderState(at=Position(Epoch(1, 1), len(ROWS), bytes(32)), generation=1)
            await catalogue.replace([[encode_row(row) for row in ROWS]], state)
        async with agent:
            assert [await scanner.scan(text) for text in (MILK, MILK, TEA)] == [True] * 3
            await agent.kill()
        async with agent, agent.client() as client:
            (held,) = (await client.get("/v1/suppressed")).json()["scans"]
            assert (held["code"], held["entry"]["seq"]) == (MILK, 2)
            entry = held["entry"]
            restored = await client.post(f"/v1/suppressed/{entry['epoch']}/{entry['seq']}/restore", json={})
            assert restored.json()["did"] == "restored"
            session = (await client.get("/v1/session")).json()
            assert (session["scans"], session["total"]) == (3, {"minor": 119 + 249 + 119, "currency": "EUR"})
            assert await scanner.scan(card_text(PlaceCard(PlaceId("stockroom")))) is True
            assert await scanner.scan(MILK) is True
            await agent.kill()
        async with agent:
            assert await scanner.scan("SW1:UNDO") is True
            await agent.kill()
        found = await agent.stock()
    sold = [entry for entry in found if isinstance(entry, Delta) and entry.counter_place is None]
    assert [entry.code for entry in sold] == [MILK, TEA, MILK]
    assert {entry.session for entry in sold} == {session["session"]}
    assert [entry.seq for entry in found if isinstance(entry, Restored)] == [2]
    assert sum(isinstance(entry, Suppressed) for entry in found) == 1
    legs = [
        (seq, entry.place) for seq, entry in enumerate(found, 1) if isinstance(entry, Delta) and entry.counter_place
    ]
    assert [place for _, place in legs] == ["shop", "stockroom"]
    assert [entry.seq for entry in found if isinstance(entry, Reversal)] == [seq for seq, _ in legs]
