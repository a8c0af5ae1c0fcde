"""What nobody should send, to every door of a running shop: a named error or a quarantine row with its bytes, no more.

What is sent is in `bad_payloads`. Each test sells before and after: through processes of the same ids, and every good
scan is in the books. Beyond 300 lines because all doors are those of one shop, which takes as long to open as all this.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial

import httpx
import msgspec
import pytest
import pytest_asyncio

from hub.store.reader_logs import HQ_CATALOGUE
from protocol.catalogue import CodeLink, Item, Unit
from protocol.chain import Position
from protocol.codes import read_code
from protocol.frames import encode_reader_message
from protocol.identity import Epoch
from protocol.replication.messages import Cursor, Refusal, Traced
from protocol.topics import Channel, Stream
from tests.integration.bad_payloads import BAD_CURSORS, HOSTILE_REQUESTS, MALFORMED
from tests.integration.store.freezing import frozen
from tests.integration.store.odd_station import odd_station
from tests.integration.store.shop import CODES, Shop
from tests.integration.store.stranger import TOPICS, stranger, topic_of
from tests.integration.store.wrong import (
    STATION_CURSOR,
    greeting,
    held_back,
    miscounted,
    nothing_waits,
    of_schema_99,
    quarantined,
    refused,
    sale,
    says,
    share_nothing,
    told_at_hub,
)

pytestmark = [pytest.mark.needs_mosquitto, pytest.mark.asyncio(loop_scope="module")]

MILK, TEA, COLA, BISCUITS, PASTA = CODES
BEYOND_ALL_TIME = 2**63 - 1
NOWHERE = Position(Epoch(1, 1), 1, bytes(32))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with Shop(tmp_path_factory.mktemp("shop"), {"till-1": "sale"}) as shop:
        await shop.open()
        yield shop


@pytest_asyncio.fixture(loop_scope="module")
async def unharmed(shop: Shop) -> AsyncIterator[Counter[str]]:
    """Sells a milk before a test and a tea after it; expects these in the books, and what the test adds to this."""
    till = shop.stations["till-1"]
    processes = shop.supervisor.processes
    expected: Counter[str] = Counter(await shop.hub.stock())
    pids = [process.pid for process in processes]
    assert await till.scanner.scan(MILK) is True
    expected["milk"] -= 1000
    yield expected
    assert await till.scanner.scan(TEA) is True
    expected["tea"] -= 1000
    await shop.until_stock(expected)
    await shop.until_caught_up([till])
    assert [process.pid for process in processes] == pids
    # A new epoch leaves an open end ("whatever followed"); nothing that there was may be lost.
    assert [loss for loss in (await shop.hub.losses()).rows if loss.last is not None] == []


# At the scanner


@pytest.mark.parametrize(
    ("noise", "name"),
    [
        (b"\x80\xff\xfe 4006381333931\r", "not-text"),
        (b"40063\x00\x0181333931\r", "control-character"),
        (b"]E0\r", "empty-code"),
        (bytes(range(128, 256)) * 20 + b"\r", "not-text"),
        (b"4006381333932\r", "check-digit"),
        (b"]E04006381333932\r", "check-digit"),
        (b"SW1:MODE:FREE-FOR-ALL\r", "bad-card"),
        (b"x" * 1_000_000 + b"\r", "too-long"),
    ],
)
async def test_the_scanner_says_nonsense(shop: Shop, unharmed: Counter[str], noise: bytes, name: str) -> None:
    till = shop.stations["till-1"]
    before = (await till.health()).status.refusals.get(name, 0)
    await till.scanner.garbage(noise)

    async def counted() -> str | None:
        refusals = (await till.health()).status.refusals
        return None if refusals.get(name, 0) == before + 1 else f"{refusals}"

    await shop.until(f"{name} to be counted", counted)


async def test_an_unknown_item_waits_in_quarantine_until_the_catalogue_knows_it(
    shop: Shop, unharmed: Counter[str]
) -> None:
    till = shop.stations["till-1"]
    unknown = "9780201379624"
    assert await till.scanner.scan(unknown) is True
    row = await quarantined(shop, lambda row: row.reason == "unknown-item")
    entry = msgspec.json.decode(bytes.fromhex(row.body_hex))
    assert entry[3] == unknown
    await shop.hq.write([Item("book", "Book", Unit.EACH), CodeLink(read_code(unknown, None).lookup, "book")])
    unharmed["book"] -= 1000
    await shop.until_stock(unharmed)

    async def released() -> str | None:
        rows = await shop.hub.quarantine()
        return f"{rows}" if row.seq in [one.seq for one in rows if one.log == row.log] else None

    await shop.until("the entry to leave quarantine", released)


# On the station's log


@pytest.mark.parametrize("whose", ["till-1", "nobody-knows-me"])
async def test_malformed_payloads_are_refused_by_name(shop: Shop, unharmed: Counter[str], whose: str) -> None:
    log, cursor = topic_of(whose, Channel.LOG, Stream.STOCK), topic_of(whose, Channel.CURSOR, Stream.STOCK)
    async with stranger(shop.broker_port) as somebody:
        reasons = {what: await refused(somebody, log, cursor, payload) for what, (payload, _) in MALFORMED.items()}
    assert reasons == {what: name for what, (_, name) in MALFORMED.items()}


async def test_a_bad_entry_in_a_good_frame_is_quarantined_alone(shop: Shop, unharmed: Counter[str]) -> None:
    bad = [
        b"",
        b"\xff\xfe\x00",
        b'["d"]',
        b'["z", 1, 2]',
        b'{"kind": "sale"}',
        b"[" * 5000,
        sale(COLA, qty_milli=10**18),
        sale("4006381333932"),
        sale(COLA).replace(b'"sale"', b'"theft"'),
        msgspec.json.encode(["r", ["0123456789ab", 1, 1, True], "scanner", "no epoch", 1]),
    ]
    lines = [sale(BISCUITS), *(line for one in bad for line in (one, sale(BISCUITS)))]
    async with odd_station(shop.broker_port, "odd-lines", lines) as backlog:
        await shop.until("all of the log to be acknowledged", partial(nothing_waits, backlog))
    unharmed["biscuits"] -= 1000 * (len(bad) + 1)
    await shop.until_stock(unharmed)
    held = await held_back(shop, "s/odd-lines/stock", len(bad))
    rows = {row.seq: bytes.fromhex(row.body_hex) for row in held}
    assert rows == {2 * place: line for place, line in enumerate(bad, 1)}
    assert (await shop.hub.stations())["odd-lines"].quarantined == len(bad)


async def test_entries_of_a_newer_release_are_kept_until_the_hub_can_read_them(
    shop: Shop, unharmed: Counter[str]
) -> None:
    """The hub refuses the frames, the station halves them down to one entry and then flags that."""
    lines = [sale(PASTA) for _ in range(5)]
    async with odd_station(shop.broker_port, "from-tomorrow", lines, of_schema_99) as backlog:
        await shop.until("all of the log to be acknowledged", partial(nothing_waits, backlog))
    rows = await held_back(shop, "s/from-tomorrow/stock", len(lines))
    assert [(row.seq, bytes.fromhex(row.body_hex)) for row in rows] == list(enumerate(lines, 1))
    assert {row.reason for row in rows} == {"refused-frame"}


async def test_a_station_that_cannot_count_is_taken_entry_by_entry(shop: Shop, unharmed: Counter[str]) -> None:
    """Its frames announce one entry too many, so none can be trusted but a flagged one, which needs no counting."""
    lines = [sale(PASTA) for _ in range(3)]
    async with odd_station(shop.broker_port, "miscounts", lines, miscounted) as backlog:
        await shop.until("all of the log to be acknowledged", partial(nothing_waits, backlog))
    rows = await held_back(shop, "s/miscounts/stock", len(lines))
    assert [(row.seq, bytes.fromhex(row.body_hex)) for row in rows] == list(enumerate(lines, 1))


# On other topics


async def test_topics_that_mean_nothing_are_told_of_and_dropped(shop: Shop, unharmed: Counter[str]) -> None:
    root = TOPICS.root
    topics = {
        f"{root}/s/till-1/log/gossip": "bad-topic",
        f"{root}/s/TILL_1/log/stock": "bad-station",
        f"{root}/s/kässe-1/log/stock": "bad-station",
        f"{root}/s//log/stock": "bad-station",
        f"{root}/s/hub/log/stock": "bad-log",
        f"{root}/s/{'x' * 200}/state": "bad-station",
    }
    async with stranger(shop.broker_port) as somebody:
        for topic, name in topics.items():
            await told_at_hub(shop, somebody, topic, b"{}", name)
        for topic in (f"{root}/s/till-1/log/stock/extra", f"{root}/s", "shelfwire/2/oak-street/s/till-1/state", "$x/y"):
            somebody.post(topic, b"{}")


async def test_a_topic_that_is_no_text_ends_its_own_connection_only(shop: Shop, unharmed: Counter[str]) -> None:
    for name in (b"\xff\xfe\xfd", TOPICS.root.encode() + b"/s/till-1/log/\xc3\x28", b"a\x00b", b"s/+/log/stock"):
        reader, writer = await asyncio.open_connection("127.0.0.1", shop.broker_port)
        writer.write(b"\x10\x11\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x04evil")  # CONNECT, MQTT 5 section 3.1
        assert (await asyncio.wait_for(reader.readexactly(1), 60)) == b"\x20"
        publish = len(name).to_bytes(2) + name + b"\x00{}"
        writer.write(b"\x30" + bytes([len(publish)]) + publish)  # PUBLISH, section 3.3
        await asyncio.wait_for(reader.read(), 60)  # to its end, which the broker makes
        writer.close()


async def test_states_that_cannot_be_are_no_trouble_to_anyone_who_looks(shop: Shop, unharmed: Counter[str]) -> None:
    topic = topic_of("nobody-knows-me", Channel.STATE)
    refused_states = [b"", b"online", b"[]", b'{"at_us": 1}', b'{"state": 1}', b"x" * 100_000, b"\xff"]
    strange: list[dict[str, object]] = [
        {"state": "on fire"},
        {"state": "online", "at_us": 2**62, "backlog": 2**62, "free_bytes": -(2**62), "sync_p99_us": -1},
        {"state": "online", "at_us": 10**30, "backlog": 10**30, "chatter_backlog": -(10**30)},
        {"state": "online", "at_us": -(2**62), "place": "<script>alert(1)</script>", "standing": "\u202e" * 1000},
        {"state": "online", "catalogue": {"epoch": "never", "seq": -1, "rows": -1, "set_hash": "zz"}},
        {"state": "online", "devices": [{"device": f"d{n}", "kind": "", "state": ""} for n in range(1000)]},
    ]
    async with stranger(shop.broker_port) as somebody:
        for payload in refused_states:
            await told_at_hub(shop, somebody, topic, payload, "bad-state")
        for state in strange:
            somebody.post(topic, json.dumps(state).encode())
            await shop.until("the state to be known", partial(says, shop, "nobody-knows-me", str(state["state"])))
            for path in ("/", "/metrics", "/api/v1/stations", "/quarantine"):
                response = await shop.hub.page(path)
                assert response.status_code == httpx.codes.OK, f"{path} with {state}"
                assert "<script>alert" not in response.text or response.headers["content-type"] == "application/json"
        somebody.post(topic, b'{"state":"offline"}')


async def test_wants_that_make_no_sense_are_told_of_and_dropped(shop: Shop, unharmed: Counter[str]) -> None:
    topic = topic_of("nobody-knows-me", Channel.WANT)
    async with stranger(shop.broker_port) as somebody:
        for payload, name in BAD_CURSORS:
            await told_at_hub(shop, somebody, topic, payload, name)
        for message in (
            Cursor(NOWHERE, reader=1, credit=0, snapshot=True),
            Cursor(NOWHERE, reader=1, credit=2**60, re=7, challenge=8, held=True, sealed=9),
            Cursor(None, reader=2, credit=1, refused=Refusal(3, "why not")),
            Traced(2**50, -1, 4),
        ):
            somebody.post(topic, encode_reader_message(message))


# Towards the station


async def test_cursors_that_make_no_sense_are_dropped_at_the_station(shop: Shop, unharmed: Counter[str]) -> None:
    log = shop.stations["till-1"].process.log
    async with stranger(shop.broker_port) as somebody:
        for payload, name in BAD_CURSORS:
            before = len(log.read_bytes())
            somebody.post(STATION_CURSOR, payload)

            async def told(since: int = before, word: bytes = b'"error":"%b"' % name.encode()) -> str | None:
                said = log.read_bytes()[since:]
                return None if b"hub message refused" in said and word in said else f"{said!r}"

            await shop.until(f"the station to tell of {name} for {payload[:80]!r}", told)


async def test_a_hub_that_lies_costs_nothing_once_the_true_one_is_back(shop: Shop, unharmed: Counter[str]) -> None:
    """Well-formed lies in answer to the station's own greeting and traces, while the true hub stands still."""
    till = shop.stations["till-1"]
    log = (await till.health()).stock
    own, wrong = Epoch.parse(log.epoch), bytes(32)
    believed = [  # enough to look for what is shared, of which the liar says that it is nothing
        Cursor(Position(own, log.head - 1, wrong), 0, 100),
        Cursor(Position(Epoch(7, 7), 3, wrong), 0, 100),
    ]
    lies = [
        *believed,
        Cursor(None, 0, 100),
        Cursor(None, 0, 100, snapshot=True),
        Cursor(Position(own, 10**9, wrong), 0, 100),
        Cursor(Position(Epoch(999_999_999, 1), 3, wrong), 0, 100),
        Cursor(Position(own, 0, wrong), 0, credit=0, hub_us=2**50),
        Cursor(None, 0, credit=2**63),
        Cursor(None, 0, 100, hub_us=BEYOND_ALL_TIME),
        Cursor(None, 0, 100, held=True),
        Cursor(None, 0, 100, challenge=5),
        Cursor(None, 0, 100, refused=Refusal(5, "x" * 1000)),
    ]
    with frozen(shop.hub.process):
        async with stranger(shop.broker_port) as liar:
            for number, lie in enumerate(lies):
                ask = await greeting(liar)
                said = encode_reader_message(dataclasses.replace(lie, reader=1000 + number, re=ask))
                liar.post(STATION_CURSOR, said.replace(b"%d" % BEYOND_ALL_TIME, b"9" * 30))
                if lie in believed:
                    liar.post(STATION_CURSOR, encode_reader_message(Traced(2**50, -(2**50), ask)))
                    await share_nothing(liar)
            await greeting(liar)
        assert len(believed) + own.generation <= Epoch.parse((await till.health()).stock.epoch).generation < 100
        assert await till.scanner.scan(COLA) is True
        unharmed["cola"] -= 1000
    assert "uplink broke" not in till.process.log.read_text(), till.process.tail(60)


async def test_a_catalogue_that_makes_no_sense_is_refused_by_name(shop: Shop, unharmed: Counter[str]) -> None:
    catalogue, want = topic_of("till-1", Channel.CATALOGUE), topic_of("till-1", Channel.WANT)
    async with stranger(shop.broker_port) as somebody:
        reasons = {what: await refused(somebody, catalogue, want, payload) for what, (payload, _) in MALFORMED.items()}
    assert reasons == {what: name for what, (_, name) in MALFORMED.items()}
    await shop.until_same_catalogue()


# From head office


async def test_bad_rows_from_head_office_are_quarantined_and_the_good_ones_count(
    shop: Shop, unharmed: Counter[str]
) -> None:
    bad = [b"", b"\xff", b'["p", "milk"]', b'["i", "", "", "each"]', b'["q"]', b"{}"]
    await shop.hq._log.append(bad)
    await shop.hq.write([Item("soap", "Soap", Unit.EACH), CodeLink(read_code("4000177050002", None).lookup, "soap")])
    await shop.until_same_catalogue()
    held = await held_back(shop, HQ_CATALOGUE, len(bad))
    assert [bytes.fromhex(row.body_hex) for row in held] == bad


async def test_malformed_payloads_from_head_office_are_refused_by_name(shop: Shop, unharmed: Counter[str]) -> None:
    async with stranger(shop.hq_broker_port) as somebody:
        reasons = {
            what: await refused(somebody, TOPICS.hq_catalogue, TOPICS.hq_cursor("cat"), payload)
            for what, (payload, _) in MALFORMED.items()
        }
        for topic in (TOPICS.feed_cursor, TOPICS.journal_cursor):
            for payload, name in BAD_CURSORS:
                await told_at_hub(shop, somebody, topic, payload, name)
    assert reasons == {what: name for what, (_, name) in MALFORMED.items()}


# At the local API


@pytest.mark.parametrize("what", HOSTILE_REQUESTS)
async def test_a_hostile_request_is_a_named_problem(shop: Shop, unharmed: Counter[str], what: str) -> None:
    asked, status = HOSTILE_REQUESTS[what]
    request: dict[str, object] = {"content": b'{"code": "4006381333931"}'} | asked
    headers = {"content-type": "application/json"} | msgspec.convert(asked.get("headers", {}), dict[str, str])
    content = msgspec.convert(request["content"], bytes)
    try:
        response = await shop.stations["till-1"].api.post("/v1/scan", headers=headers, content=content)
    except httpx.WriteError:
        # The answer was given and the connection closed while the body was still being sent.
        assert what == "too much"
        return
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["name"]


async def test_what_is_no_request_ends_its_own_connection_only(shop: Shop, unharmed: Counter[str]) -> None:
    port = shop.stations["till-1"].api_port
    for noise in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET " + b"/" * 200_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/scan HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: -1\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\n" + b"x: y\r\n" * 50_000 + b"\r\n",
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(noise)
        answer = await asyncio.wait_for(reader.read(65_536), 60)
        assert answer.startswith(b"HTTP/1.1 4"), answer[:100]
        writer.close()


async def test_clients_that_say_nothing_keep_nobody_else_waiting(shop: Shop, unharmed: Counter[str]) -> None:
    """A hundred connections with half a request each."""
    till = shop.stations["till-1"]
    silent = [await asyncio.open_connection("127.0.0.1", till.api_port) for _ in range(100)]
    for _, writer in silent:
        writer.write(b"POST /v1/scan HTTP/1.1\r\ncontent-len")
    assert (await till.item(MILK)) is not None
    for _, writer in silent:
        writer.close()
