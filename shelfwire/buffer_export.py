"""`shelfwire edge buffer export`: writes a station's log to a file that is carried to the hub."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from edge.buffer.sealing import FOLDER, Owner, owner_of, sealed_logs
from edge.errors import EdgeError
from edge.settings import Machine, Settings, as_station
from protocol.cards import Mode
from protocol.errors import BadInput
from protocol.events import decode_station_entry
from protocol.identity import PlaceId
from protocol.station_file import FileEntry, StationFileReader, StationFileWriter
from protocol.topics import Stream
from shelfwire import interruptible
from shelfwire.station_logs import FILES, records, stopped_log
from shelfwire.stick import whole_file

ATTEMPTS = 3
"""A log that is pruned, or begins a new epoch, while it is read has to be read again."""


class Exported(msgspec.Struct, frozen=True):
    """What was written: `entries` from `first` to `last` (EPOCH:SEQ; the same epoch if there are none)."""

    file: str
    store: str
    station: str
    stream: str
    entries: int
    first: str
    last: str
    until_us: int | None
    bytes: int


def run(settings: Settings, args: Namespace) -> int:
    """Run the command. Raises `EdgeError`."""
    begin = "all" if args.all else args.begin or "acked"
    try:
        exported = interruptible.run(
            export_to(settings, Stream(args.stream), begin, args.output, readable=args.readable)
        )
    except BadInput as error:
        print(f"shelfwire: {error.detail}", file=sys.stderr)
        return 2 if error.name == "bad-request" else 1
    if args.json:
        print(msgspec.json.encode(exported).decode())
        return 0
    if exported.entries == 0:
        print(f"{exported.file}: no entries; the hub is known to have everything up to {exported.last}")
    else:
        until = "" if exported.until_us is None else f", until {_utc(exported.until_us)} UTC by the station's clock"
        print(
            f"{exported.file}: {exported.entries} entries of {exported.station}'s {exported.stream} log,"
            f" {exported.first} to {exported.last}{until}; {exported.bytes} bytes. Safe to pull the stick."
        )
    return 0


def run_on_sealed(machine: Machine, args: Namespace) -> int:
    """Run the command on another station's log that was set aside here. Raises `EdgeError`."""
    return run(_as_owner(machine, args.sealed, Stream(args.stream)), args)


def _as_owner(machine: Machine, name: str, stream: Stream) -> Settings:
    """Be the station whose log is set aside under `name`, as far as reading that goes. Raises `EdgeError`."""
    if name not in sealed_logs(machine.data_dir):
        raise EdgeError(f"nothing is set aside under {name}: see `shelfwire edge buffer status`")
    folder = machine.data_dir / FOLDER / name
    path = folder / FILES[stream]
    if not path.exists():
        raise EdgeError(f"there is no {path}")
    owner = asyncio.run(_owner(path))
    return as_station(
        msgspec.structs.replace(machine, data_dir=folder),
        store=owner.store,
        station=owner.station,
        position=owner.station,
        place=PlaceId("none"),
        area=None,
        mode=Mode.SALE,
    )


async def _owner(path: Path) -> Owner:
    async with stopped_log(path) as log:
        owner = owner_of(log)
    if owner is None:
        raise EdgeError(f"{path} does not say whose it is; give an edge.toml with its names, and this as data_dir")
    return owner


async def export_to(settings: Settings, stream: Stream, begin: str, file: Path, *, readable: bool = False) -> Exported:
    """Write a log to `file`, compressed if its name ends in .zst, and check every byte on the way.

    Raises `EdgeError`, or `BadInput` for a `begin` that is none. Nothing stands at `file` then but what was there.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _export_once(settings, stream, begin, file, readable)
        except OSError as error:
            raise EdgeError(f"{file} not written: {error.strerror or error}") from error
        except BadInput as error:
            if error.name != "cut-off" or attempt == ATTEMPTS:
                raise EdgeError(f"the log could not be read to its end: {error}") from error
    raise AssertionError("unreachable")


async def _export_once(settings: Settings, stream: Stream, begin: str, file: Path, readable: bool) -> Exported:
    reader = StationFileReader()
    writer: StationFileWriter | None = None
    with whole_file(file) as raw:
        with _packed(raw, file) as out:
            async for record in records(settings, stream, begin):
                entry = reader.take(record)
                if writer is None and reader.header is not None:
                    writer = StationFileWriter(reader.header)
                    out.write(writer.header() + b"\n")
                elif writer is not None and entry is not None:
                    meant = _meaning(entry) if readable else None
                    out.write(writer.entry(entry.epoch, entry.seq, entry.line, meant) + b"\n")
            header = reader.finish()
            if writer is not None:
                out.write(writer.end() + b"\n")
        size = raw.tell()
    view = header.view
    first = view.at_depth(header.first_depth + 1) if header.entries else (view.head.epoch, view.head.seq)
    return Exported(
        file=str(file),
        store=header.store,
        station=header.station,
        stream=header.stream,
        entries=header.entries,
        first=f"{first[0]}:{first[1]}",
        last=f"{view.head.epoch}:{view.head.seq}",
        until_us=reader.until_us,
        bytes=size,
    )


@contextmanager
def _packed(raw: BinaryIO, file: Path) -> Iterator[BinaryIO]:
    if file.suffix != ".zst":
        yield raw
        return
    with zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(raw, closefd=False) as packed:
        yield packed


def _meaning(entry: FileEntry) -> dict[str, object] | None:
    """Say in words what an entry tells, for a person who looks into the file."""
    try:
        event = decode_station_entry(entry.line)
    except BadInput as error:
        return {"unreadable": error.detail}
    told = {name: msgspec.to_builtins(getattr(event, name)) for name in event.__struct_fields__}
    when = getattr(event, "when", None)
    if when is not None:
        told["when"] = f"{_utc(when.wall_us)} UTC" + ("" if when.synced else ", by a clock that was not set")
    return {"kind": type(event).__name__.lower(), **told}


def _utc(us: int) -> str:
    try:
        return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{us} µs after 1970"
