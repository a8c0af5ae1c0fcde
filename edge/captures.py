"""Reads captures of devices from their folders, and runs one through its codec.

A capture is a folder (tests/captures/README.md)::

    codec.toml       codec = "mt8217", source = "field: ..." or "derived: ...", and the codec's [options]
    input.hex        the bytes in order; "gap" alone on a line: the device fell silent; "#" starts a comment line
    readings.jsonl   what must come out, one reading a line; may be missing
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.codecs.base import Codec
from edge.codecs.readings import AntennaState, CardTap, Reading, Refused, Scan, TagRead, Weight
from edge.errors import BadCapture

HEX_BYTES_A_LINE = 24
"""How captures are written: three lines make a HID-POS report, one is a key event."""

Row = dict[str, Any]
"""A reading as a line of readings.jsonl holds it."""

_SOURCE = re.compile(r"(field|derived): .+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Capture:
    """One capture. `stretches` are the bytes between one silence and the next; `expected` None if none were written."""

    codec: str
    source: str
    options: Mapping[str, object]
    stretches: tuple[bytes, ...]
    expected: tuple[Row, ...] | None


def read_capture(folder: Path) -> Capture:
    """Read a folder. Raises `BadCapture` with the file that is wrong."""
    table = _toml(folder / "codec.toml")
    codec, source, options = table.get("codec"), table.get("source"), table.get("options", {})
    if not isinstance(codec, str) or not isinstance(source, str) or not isinstance(options, dict):
        raise BadCapture(f"{folder / 'codec.toml'}: needs codec, source and a table of options")
    if not _SOURCE.fullmatch(source):
        raise BadCapture(f"{folder / 'codec.toml'}: source starts with neither 'field: ' nor 'derived: '")
    return Capture(codec, source, options, tuple(_stretches(folder / "input.hex")), _rows(folder / "readings.jsonl"))


def write_capture(folder: Path, capture: Capture) -> None:
    """Write a new folder. Raises `BadCapture` if it is there already or cannot be written."""
    options = "".join(f"{key} = {json.dumps(value)}\n" for key, value in capture.options.items())
    head = f"codec = {json.dumps(capture.codec)}\nsource = {json.dumps(capture.source)}\n"
    lines: list[str] = []
    for number, stretch in enumerate(capture.stretches):
        lines += ["gap"] if number else []
        lines += [stretch[at : at + HEX_BYTES_A_LINE].hex(" ") for at in range(0, len(stretch), HEX_BYTES_A_LINE)]
    try:
        folder.mkdir(parents=True)
        (folder / "codec.toml").write_text(head + (f"\n[options]\n{options}" if options else ""), "utf-8")
        (folder / "input.hex").write_text("".join(f"{line}\n" for line in lines), "ascii")
        if capture.expected is not None:
            rows = (json.dumps(row, ensure_ascii=True) + "\n" for row in capture.expected)
            (folder / "readings.jsonl").write_text("".join(rows), "utf-8")
    except OSError as error:
        raise BadCapture(f"{folder}: {error.strerror}") from error


def replay(
    codec: Codec, stretches: Sequence[bytes], cut: Callable[[bytes], Iterable[bytes]] = lambda stretch: (stretch,)
) -> Iterator[Row]:
    """Feed every stretch, cut into parts, with a silence between two; give the readings as they come."""
    for number, stretch in enumerate(stretches):
        if number:
            codec.gap()
        for part in cut(stretch):
            codec.feed(part)
            yield from _drained(codec)
    yield from _drained(codec)


def row_of(reading: Reading) -> Row:
    """Give a reading as a line of readings.jsonl holds it: bytes in hexadecimal, what is for people left out."""
    match reading:
        case Scan():
            return {"scan": reading.text, "aim": reading.aim, "raw": reading.raw.hex()}
        case Weight():
            return {
                "weight": reading.grams,
                "state": reading.state.value,
                "net": reading.net,
                "confirmed": reading.confirmed,
                "raw": reading.raw.hex(),
            }
        case TagRead():
            return {
                "tag": reading.epc.hex(),
                "antenna": reading.antenna,
                "rssi_cdbm": reading.rssi_cdbm,
                "seen_us": reading.seen_us,
                "reads": reading.reads,
                "tid": None if reading.tid is None else reading.tid.hex(),
                "raw": reading.raw.hex(),
            }
        case AntennaState():
            return {"antenna": reading.antenna, "connected": reading.connected, "seen_us": reading.seen_us}
        case CardTap():
            return {"card": reading.uid.hex(), "standard": reading.standard, "raw": reading.raw.hex()}
        case Refused():
            return {"refused": reading.name, "raw": reading.raw.hex()}


def _drained(codec: Codec) -> Iterator[Row]:
    while (reading := codec.next_reading()) is not None:
        yield row_of(reading)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise BadCapture(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadCapture(f"{file}: {error}") from error


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as error:
        raise BadCapture(f"{file}: {error}") from error


def _stretches(file: Path) -> Iterator[bytes]:
    stretch = bytearray()
    for number, line in enumerate(_text(file).splitlines(), 1):
        if line == "gap":
            yield bytes(stretch)
            stretch.clear()
        elif not line.startswith("#"):
            try:
                stretch += bytes.fromhex(line)
            except ValueError as error:
                raise BadCapture(f"{file}:{number}: {error}") from error
    yield bytes(stretch)


def _rows(file: Path) -> tuple[Row, ...] | None:
    if not file.exists():
        return None
    rows: list[Row] = []
    for number, line in enumerate(_text(file).splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadCapture(f"{file}:{number}: {error}") from error
        if not isinstance(row, dict):
            raise BadCapture(f"{file}:{number}: no reading")
        rows.append(row)
    return tuple(rows)
