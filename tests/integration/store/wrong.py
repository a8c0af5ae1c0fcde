"""What is wrong to say to a shop, and where it is looked for afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import msgspec

from hub.web.station_models import Quarantined
from protocol.events import Delta, Reason, When, encode_entry
from protocol.frames import (
    decode_reader_message,
    decode_writer_message,
    encode_frame,
    encode_reader_message,
    payload_mark,
)
from protocol.replication.messages import Cursor, Frame, Hello, Trace, Traced
from protocol.topics import Channel, Stream
from tests.integration.store.shop import Shop
from tests.integration.store.stranger import Stranger, topic_of

STATION_LOG = topic_of("till-1", Channel.LOG, Stream.STOCK)
STATION_CURSOR = topic_of("till-1", Channel.CURSOR, Stream.STOCK)


def sale(code: str, qty_milli: int = 1000) -> bytes:
    """A line that says one piece was sold."""
    when = When("0123456789ab", 1_000_000, 1_750_000_000_000_000, synced=True)
    return encode_entry(Delta(when, "scanner", code, None, -qty_milli, Reason.SALE, "shop"))


def of_schema_99(payload: bytes) -> bytes:
    """Make a frame that a release of the future would write."""
    message = decode_writer_message(payload)
    return encode_frame(dataclasses.replace(message, schema=99)) if isinstance(message, Frame) else payload


def miscounted(payload: bytes) -> bytes:
    """Announce one entry too many, except where only one may be."""
    message = decode_writer_message(payload)
    if not isinstance(message, Frame) or message.flagged:
        return payload
    n = len(message.lines)
    return encode_frame(message).replace(b'"n":%d' % n, b'"n":%d' % (n + 1))


async def refused(somebody: Stranger, topic: str, answers: str, payload: bytes) -> str:
    """Publish a payload; give the reason for which its reader refuses it."""
    mark = payload_mark(payload)

    def pick(said: bytes) -> str | None:
        message = decode_reader_message(said)
        refusal = message.refused if isinstance(message, Cursor) else None
        return refusal.reason if refusal is not None and refusal.payload == mark else None

    somebody.post(topic, payload)
    return await somebody.hear(answers, pick)


async def greeting(liar: Stranger) -> int:
    """Have the station greet anew, by the sign of a reader it never met; give what it asks by."""
    liar.forget()
    liar.post(STATION_CURSOR, encode_reader_message(Cursor(None, reader=1, credit=1)))

    def pick(said: bytes) -> int | None:
        message = decode_writer_message(said)
        return message.ask if isinstance(message, Hello) else None

    return await liar.hear(STATION_LOG, pick)


async def share_nothing(liar: Stranger) -> None:
    """Answer the station's traces until it greets: in an epoch of its own making, with all of its log carried there."""
    asked: set[int] = set()

    def pick(said: bytes) -> Trace | Hello | None:
        message = decode_writer_message(said)
        fits = isinstance(message, Hello) or (isinstance(message, Trace) and message.ask not in asked)
        return message if fits and isinstance(message, Trace | Hello) else None

    liar.forget()
    while isinstance(message := await liar.hear(STATION_LOG, pick), Trace):
        asked.add(message.ask)
        liar.post(STATION_CURSOR, encode_reader_message(Traced(0, 1, message.ask)))


async def quarantined(shop: Shop, fits: Callable[[Quarantined], bool]) -> Quarantined:
    """Wait for a row of quarantine."""
    found: list[Quarantined] = []

    async def there() -> str | None:
        rows = await shop.hub.quarantine()
        found[:] = [row for row in rows if fits(row)]
        return None if found else f"{rows}"

    await shop.until("a row of quarantine", there)
    return found[0]


async def held_back(shop: Shop, log: str, count: int) -> list[Quarantined]:
    """Wait until so many entries of a log are in quarantine; give them by seq."""
    found: list[Quarantined] = []

    async def there() -> str | None:
        found[:] = sorted((row for row in await shop.hub.quarantine() if row.log == log), key=lambda row: row.seq)
        return None if len(found) >= count else f"{found}"

    await shop.until(f"{count} entries of {log} in quarantine", there)
    return found


async def told_at_hub(shop: Shop, somebody: Stranger, topic: str, payload: bytes, name: str) -> None:
    """Publish what the hub is to drop; wait until its log names the error and the topic."""
    before = len(shop.hub.process.log.read_bytes())
    somebody.post(topic, payload)

    async def told() -> str | None:
        lines = shop.hub.process.log.read_bytes()[before:].splitlines()
        said = [msgspec.json.decode(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]
        found = [line.get("error") for line in said if line.get("topic") == topic]
        return None if name in found else f"{found}"

    await shop.until(f"the hub's log to tell of {name} on {topic}, for {payload[:100]!r}", told, 60)


async def nothing_waits(backlog: Callable[[], int]) -> str | None:
    left = backlog()
    return f"{left} entries not acknowledged" if left else None


async def says(shop: Shop, station: str, state: str) -> str | None:
    row = (await shop.hub.stations()).get(station)
    return None if row is not None and row.state == state else f"{row}"
