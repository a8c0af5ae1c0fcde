"""Every capture gives the readings written beside it, however its bytes are cut."""

from __future__ import annotations

import json
import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.codecs.base import Codec
from edge.codecs.readings import AntennaState, CardTap, Reading, Refused, Scan, TagRead, Weight
from tests.dialects.dialect import dialects

CAPTURES = sorted(folder.parent for folder in Path(__file__).parent.glob("*/codec.toml"))
ROUNDS_AT_RANDOM = 20


DIALECTS = dialects()


def make(folder: Path) -> Codec:
    table = tomllib.loads((folder / "codec.toml").read_text("utf-8"))
    assert table["source"].startswith(("derived: ", "field: "))
    return DIALECTS[table["codec"]].make(**table.get("options", {}))


def stretches(folder: Path) -> Iterator[bytes]:
    """The bytes between one silence and the next."""
    stretch = b""
    for line in (folder / "input.hex").read_text("ascii").splitlines():
        if line == "gap":
            yield stretch
            stretch = b""
        elif not line.startswith("#"):
            stretch += bytes.fromhex(line)
    yield stretch


def expected(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "readings.jsonl").read_text("utf-8").splitlines()]


def written(reading: Reading) -> dict[str, Any]:
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


def replay(folder: Path, cut: Callable[[bytes], Iterator[bytes]]) -> list[dict[str, Any]]:
    codec, readings = make(folder), []
    for number, stretch in enumerate(stretches(folder)):
        if number:
            codec.gap()
        for part in cut(stretch):
            codec.feed(part)
            while (reading := codec.next_reading()) is not None:
                readings.append(written(reading))
    while (reading := codec.next_reading()) is not None:
        readings.append(written(reading))
    return readings


def test_there_are_captures_of_every_dialect() -> None:
    dialects = {tomllib.loads((folder / "codec.toml").read_text("utf-8"))["codec"] for folder in CAPTURES}
    assert dialects == set(DIALECTS)


@pytest.mark.parametrize("folder", CAPTURES, ids=lambda folder: folder.name)
def test_replayed_whole(folder: Path) -> None:
    assert replay(folder, lambda stretch: iter([stretch])) == expected(folder)


@pytest.mark.parametrize("folder", CAPTURES, ids=lambda folder: folder.name)
def test_replayed_byte_by_byte(folder: Path) -> None:
    assert replay(folder, lambda stretch: (bytes([byte]) for byte in stretch)) == expected(folder)


@pytest.mark.parametrize("seed", range(ROUNDS_AT_RANDOM))
@pytest.mark.parametrize("folder", CAPTURES, ids=lambda folder: folder.name)
def test_replayed_cut_at_random(folder: Path, seed: int) -> None:
    chance = random.Random(seed)

    def cut(stretch: bytes) -> Iterator[bytes]:
        while stretch:
            size = chance.randint(1, 40)
            yield stretch[:size]
            stretch = stretch[size:]

    assert replay(folder, cut) == expected(folder)
