"""`python -m shelfwire.asyncapi`: what goes over MQTT, as an AsyncAPI 3 document made of the structs that say it.

The document describes the hub: it *receives* what stations and head office send, and *sends* what they read. A payload
is a header line and, in frames and snapshots, so many lines of a log after it; which entries those are is said of each
channel under `x-lines`, since JSON Schema speaks of one value and not of lines.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import msgspec

from protocol.catalogue import CatalogueRow
from protocol.decisions import JournalEntry
from protocol.documents import HqDocument
from protocol.events import StationEntry
from protocol.feed import FeedEntry
from protocol.frames import ReaderHeader, WriterHeader
from protocol.identity import StationId, StoreId
from protocol.live import Live
from protocol.state import StationState
from protocol.topics import Channel, StationTopic, StoreTopics, Stream

FRAMES: Final = "application/vnd.shelfwire.lines"
"""One line of JSON and then lines as they are stored, all of it zstd (RFC 8878) if it begins with its magic number."""
JSON: Final = "application/json"
_SCHEMAS: Final = "#/components/schemas/"
SHORT: Final = 100

STATION_LOG, HUB_JOURNAL, CATALOGUE_LOG, FEED, DOCUMENTS = (
    "StationEntry",
    "JournalEntry",
    "CatalogueRow",
    "FeedEntry",
    "HqDocument",
)
_VALUES: Final[Mapping[str, Any]] = {
    STATION_LOG: StationEntry,
    HUB_JOURNAL: JournalEntry,
    CATALOGUE_LOG: CatalogueRow,
    FEED: FeedEntry,
    DOCUMENTS: HqDocument,
    "WriterHeader": WriterHeader,
    "ReaderHeader": ReaderHeader,
    "Live": Live,
    "StationState": StationState,
}


class Broker(StrEnum):
    """Whose broker a channel is on."""

    STORE = "store"
    HQ = "hq"


@dataclass(frozen=True, slots=True)
class Spoken:
    """A channel: its address, what is said on it, and which way. `lines` are those after the header, if any."""

    name: str
    address: str
    action: str
    payload: str
    says: str
    broker: Broker
    qos: int = 1
    retained: bool = False
    lines: str | None = None


def channels() -> tuple[Spoken, ...]:
    """Give every channel of a store, as the hub sees it."""
    topics = StoreTopics(StoreId("{store}"))
    one = StationId("{station}")

    def station(channel: Channel, stream: Stream | None = None) -> str:
        return topics.station(StationTopic(one, channel, stream)).replace(f"/{Stream.STOCK}", "/{stream}")

    store, hq = Broker.STORE, Broker.HQ
    writer, reader = "WriterHeader", "ReaderHeader"
    log = station(Channel.LOG, Stream.STOCK)
    cursor = station(Channel.CURSOR, Stream.STOCK)
    live, state = station(Channel.LIVE), station(Channel.STATE)
    want, cat = station(Channel.WANT), station(Channel.CATALOGUE)
    return (
        Spoken("stationLog", log, "receive", writer, "Frames and hello of a station's log.", store, lines=STATION_LOG),
        Spoken("stationCursor", cursor, "send", reader, "How far the hub has committed it.", store),
        Spoken("live", live, "receive", "Live", "The newest scans while a backlog drains; never counted.", store, 0),
        Spoken("state", state, "receive", "StationState", "Birth, health and last will.", store, retained=True),
        Spoken("want", want, "receive", reader, "How far a station holds the catalogue.", store),
        Spoken("catalogue", cat, "send", writer, "The catalogue log, or a snapshot.", store, lines=CATALOGUE_LOG),
        Spoken("feedLog", topics.feed_log, "send", writer, "The store feed: CloudEvents objects.", hq, lines=FEED),
        Spoken("feedCursor", topics.feed_cursor, "receive", reader, "How far head office has it.", hq),
        Spoken("hqCatalogue", topics.hq_catalogue, "receive", writer, "The catalogue log.", hq, lines=CATALOGUE_LOG),
        Spoken("hqDocuments", topics.hq_documents, "receive", writer, "Its documents.", hq, lines=DOCUMENTS),
        Spoken("hqCursor", topics.hq_cursor("{log}"), "send", reader, "How far the hub has its logs.", hq),
        Spoken("journalLog", topics.journal_log, "send", writer, "The hub journal, kept twice.", hq, lines=HUB_JOURNAL),
        Spoken("journalCursor", topics.journal_cursor, "receive", reader, "How far that copy is.", hq),
    )


def document() -> dict[str, Any]:
    """Make the document."""
    spoken = channels()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Shelfwire over MQTT",
            "version": "1",
            "description": (
                "MQTT 5, clean start. The log is the queue: a PUBACK is no acknowledgement, the reader's cursor is. "
                "Made by `python -m shelfwire.asyncapi` from the structs that read and write these bytes."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": FRAMES,
        "servers": {
            Broker.STORE.value: _server("the store's own broker"),
            Broker.HQ.value: _server("head office's broker, which the hub dials"),
        },
        "channels": {each.name: _channel(each) for each in spoken},
        "operations": {f"{each.action}_{each.name}": _operation(each) for each in spoken},
        "components": {"messages": {each.name: _message(each) for each in spoken}, "schemas": _schemas()},
    }


def _server(what: str) -> dict[str, Any]:
    return {
        "host": "{host}",
        "protocol": "mqtt",
        "protocolVersion": "5",
        "description": what,
        "variables": {"host": {"description": "name or address and port"}},
    }


_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "store": {"description": "the store's name"},
    "station": {"description": "the station's identity"},
    "stream": {"description": "which of its two logs", "enum": [each.value for each in Stream]},
    "log": {"description": "which of head office's logs", "enum": ["cat", "doc"]},
}


def _channel(spoken: Spoken) -> dict[str, Any]:
    return {
        "address": spoken.address,
        "description": spoken.says,
        "servers": [{"$ref": f"#/servers/{spoken.broker}"}],
        "parameters": {name: said for name, said in _PARAMETERS.items() if f"{{{name}}}" in spoken.address},
        "messages": {spoken.name: {"$ref": f"#/components/messages/{spoken.name}"}},
    }


def _operation(spoken: Spoken) -> dict[str, Any]:
    return {
        "action": spoken.action,
        "channel": {"$ref": f"#/channels/{spoken.name}"},
        "messages": [{"$ref": f"#/channels/{spoken.name}/messages/{spoken.name}"}],
        "bindings": {"mqtt": {"qos": spoken.qos, "retain": spoken.retained, "bindingVersion": "0.2.0"}},
    }


def _message(spoken: Spoken) -> dict[str, Any]:
    framed = spoken.payload in ("WriterHeader", "ReaderHeader")
    said: dict[str, Any] = {
        "contentType": FRAMES if framed else JSON,
        "payload": {"$ref": f"{_SCHEMAS}{spoken.payload}"},
    }
    if spoken.lines is not None:
        said["x-lines"] = {"$ref": f"{_SCHEMAS}{spoken.lines}"}
    return said


def _schemas() -> dict[str, Any]:
    roots, named = msgspec.json.schema_components(_VALUES.values(), ref_template=f"{_SCHEMAS}{{name}}")
    fields = {found.__name__: found for value in _VALUES.values() for found in _structs(value)}
    schemas = {name: _named_fields(schema, fields.get(name)) for name, schema in named.items()}
    for name, schema in zip(_VALUES, roots, strict=True):
        if name not in schemas:
            schemas[name] = schema
    return {name.lstrip("_"): _titled(_plain(schema)) for name, schema in sorted(schemas.items())}


def _structs(value: Any) -> Iterator[type[msgspec.Struct]]:
    """Give every struct that a value is made of."""
    waiting, seen = [msgspec.inspect.type_info(value)], set[type]()
    while waiting:
        found = waiting.pop()
        if isinstance(found, msgspec.inspect.StructType):
            if found.cls in seen:
                continue
            seen.add(found.cls)
            yield found.cls
            waiting += [field.type for field in found.fields]
        waiting += _inside(found)


def _inside(found: Any) -> Iterable[Any]:
    for name in ("types", "item_types"):
        yield from getattr(found, name, ())
    for name in ("item_type", "key_type", "value_type"):
        if (inner := getattr(found, name, None)) is not None:
            yield inner


def _named_fields(schema: dict[str, Any], struct: type[msgspec.Struct] | None) -> dict[str, Any]:
    """Say of each place of an array what stands there, which msgspec leaves out."""
    places = schema.get("prefixItems")
    if struct is None or places is None:
        return schema
    names = list(struct.__struct_fields__)
    names = ["kind"] * (len(places) - len(names)) + names
    said = [{"title": name} | place for place, name in zip(places, names, strict=True)]
    return schema | {"prefixItems": said}


def _titled(schema: dict[str, Any]) -> dict[str, Any]:
    return schema | {"title": schema["title"].lstrip("_")} if "title" in schema else schema


def _plain(node: Any) -> Any:
    """Give texts as paragraphs, and references without the underscore of what is private in Python."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if isinstance(node, str):
        return " ".join(node.replace(f"{_SCHEMAS}_", _SCHEMAS).split())
    return node


def to_yaml(node: Any, indent: str = "") -> str:
    """Write a document of mappings, lists and scalars as YAML 1.2, of which JSON is a part: what is short is JSON."""
    if isinstance(node, dict):
        return "\n".join(f"{indent}{_key(key)}:{_below(value, indent)}" for key, value in node.items())
    return "\n".join(f"{indent}-{_below(value, indent)}" for value in node)


def _below(value: Any, indent: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict | list) and len(indent) + len(text) > SHORT:
        return f"\n{to_yaml(value, indent + '  ')}"
    return f" {text}"


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and not key[0].isdigit() else json.dumps(key)


if __name__ == "__main__":
    sys.stdout.write(to_yaml(document()) + "\n")
