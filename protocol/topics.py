"""MQTT topics of one store, built and parsed in one place.

shelfwire/1/{store}/s/{station}/log/{stream}      edge -> hub    frames, hello, trace
shelfwire/1/{store}/s/{station}/cursor/{stream}   hub -> edge    cursor, traced
shelfwire/1/{store}/s/{station}/live|state|want|reply            edge -> hub
shelfwire/1/{store}/s/{station}/cat|cmd                          hub -> edge
shelfwire/1/{store}/feed/log|cursor               the store feed, on HQ's broker
shelfwire/1/{store}/hq/cat|doc, hq/cursor/{log}   HQ's logs and the hub's cursors in them
shelfwire/1/{store}/journal/log|cursor            the hub journal, where HQ is its second medium
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from protocol.errors import BadInput
from protocol.identity import StationId, StoreId, parse_station, parse_store

ROOT = "shelfwire/1"


class Stream(StrEnum):
    """The two logs of a station; chatter never delays stock."""

    STOCK = "stock"
    CHATTER = "chatter"


class Channel(StrEnum):
    """What a topic under a station carries."""

    LOG = "log"
    CURSOR = "cursor"
    LIVE = "live"
    STATE = "state"
    WANT = "want"
    CATALOGUE = "cat"
    COMMAND = "cmd"
    REPLY = "reply"


_STREAMED = (Channel.LOG, Channel.CURSOR)


@dataclass(frozen=True, slots=True)
class StationTopic:
    """A topic under `s/{station}`; `stream` is set for log and cursor only."""

    station: StationId
    channel: Channel
    stream: Stream | None = None


@dataclass(frozen=True, slots=True)
class StoreTopics:
    """Every topic of one store."""

    store: StoreId

    @property
    def root(self) -> str:
        """The prefix all of the store's topics share."""
        return f"{ROOT}/{self.store}"

    def station(self, topic: StationTopic) -> str:
        """Build a station's topic."""
        tail = f"/{topic.stream}" if topic.stream is not None else ""
        return f"{self.root}/s/{topic.station}/{topic.channel}{tail}"

    def every_station(self, channel: Channel) -> str:
        """Build the filter that matches `channel` of all stations."""
        return f"{self.root}/s/+/{channel}" + ("/+" if channel in _STREAMED else "")

    @property
    def feed_log(self) -> str:
        """The store feed, hub to HQ."""
        return f"{self.root}/feed/log"

    @property
    def feed_cursor(self) -> str:
        """HQ's cursor in the store feed."""
        return f"{self.root}/feed/cursor"

    @property
    def hq_catalogue(self) -> str:
        """HQ's catalogue log, HQ to hub."""
        return f"{self.root}/hq/cat"

    @property
    def hq_documents(self) -> str:
        """HQ's documents, HQ to hub."""
        return f"{self.root}/hq/doc"

    def hq_cursor(self, log: str) -> str:
        """Build the hub's cursor topic in HQ's log `log` ("cat" or "doc")."""
        return f"{self.root}/hq/cursor/{log}"

    @property
    def journal_log(self) -> str:
        """The hub journal, hub to HQ as its second medium."""
        return f"{self.root}/journal/log"

    @property
    def journal_cursor(self) -> str:
        """HQ's cursor in the hub journal."""
        return f"{self.root}/journal/cursor"


def parse_station_topic(text: str) -> tuple[StoreId, StationTopic]:
    """Read a topic under `s/{station}`. Raises `BadInput` ("bad-topic", or the bad name's)."""
    parts = text.split("/")
    if len(parts) not in (6, 7) or f"{parts[0]}/{parts[1]}" != ROOT or parts[3] != "s":
        raise BadInput("bad-topic", text[:200])
    try:
        channel = Channel(parts[5])
        stream = Stream(parts[6]) if len(parts) == 7 else None
    except ValueError as error:
        raise BadInput("bad-topic", text[:200]) from error
    if (stream is not None) != (channel in _STREAMED):
        raise BadInput("bad-topic", text[:200])
    return parse_store(parts[2]), StationTopic(parse_station(parts[4]), channel, stream)
