"""`shelfwire edge buffer verify`: says whether a station's logs are sound, and if not, what is wrong and where.

The file of a running agent is never opened. Its entries are read through the agent, and the chain over them is proved
from the first one kept to the last; pages and stored checkpoints are for when it is stopped, or for a copy.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import msgspec

from edge.agent import AlreadyRunning, only_agent
from edge.buffer.checking import MOST_TOLD, check_file
from edge.errors import EdgeError
from edge.settings import Settings
from protocol.errors import BadInput
from protocol.events import decode_station_entry
from protocol.station_file import StationFileReader
from protocol.topics import Stream
from shelfwire import interruptible
from shelfwire.station_logs import FILES, records

IN_FILE = ("pages", "bounds", "epochs", "chain", "checkpoints", "entries")
THROUGH_AGENT = ("epochs", "chain", "entries")


class FaultFound(msgspec.Struct, frozen=True):
    """What is wrong, by a short stable name, and where."""

    name: str
    detail: str


class LogVerdict(msgspec.Struct, frozen=True):
    """One log: what was checked, up to where, and what is wrong with it. `untold` counts faults beyond those told."""

    log: str
    checked: tuple[str, ...]
    epoch: str
    head: int
    entries: int
    faults: tuple[FaultFound, ...]
    untold: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """All logs looked at."""

    sound: bool
    running: bool
    logs: tuple[LogVerdict, ...]


def run(settings: Settings, args: Namespace) -> int:
    """Run the command on a station's own logs. Raises `EdgeError`."""
    if not settings.data_dir.exists():
        raise EdgeError(f"there is no {settings.data_dir}: the agent has not run yet")
    try:
        with only_agent(settings.data_dir):
            logs = [_from_file(path, str(stream)) for stream, path in _files(settings) if path.exists()]
            running = False
    except AlreadyRunning:
        logs = [interruptible.run(_through_agent(settings, stream)) for stream in Stream]
        running = True
    if not logs:
        raise EdgeError(f"there is no log in {settings.data_dir}: the agent has not run yet")
    return _tell(Verdict(not any(log.faults for log in logs), running, tuple(logs)), as_json=args.json)


def run_on_copy(args: Namespace) -> int:
    """Run the command on a copy of a log's file. Raises `EdgeError`."""
    log = _from_file(args.file, str(args.file))
    return _tell(Verdict(not log.faults, False, (log,)), as_json=args.json)


def _files(settings: Settings) -> list[tuple[Stream, Path]]:
    return [(stream, settings.data_dir / name) for stream, name in FILES.items()]


def _from_file(path: Path, log: str) -> LogVerdict:
    found = check_file(path)
    return LogVerdict(
        log=log,
        checked=IN_FILE,
        epoch=found.epoch,
        head=found.head,
        entries=found.entries,
        faults=tuple(FaultFound(fault.name, fault.detail) for fault in found.faults),
        untold=sum(found.untold.values()),
    )


async def _through_agent(settings: Settings, stream: Stream) -> LogVerdict:
    reader = StationFileReader()
    faults: list[FaultFound] = []
    entries = 0
    try:
        async for record in records(settings, stream, "all"):
            entry = reader.take(record)
            if entry is None:
                continue
            entries += 1
            if reader.unreadable > len(faults) and len(faults) < MOST_TOLD:
                faults.append(FaultFound("entry", f"{entry.epoch}:{entry.seq}: {_why(entry.line)}"))
        reader.finish()
    except BadInput as error:
        faults.append(FaultFound(error.name, error.detail))
    header = reader.header
    return LogVerdict(
        log=str(stream),
        checked=THROUGH_AGENT,
        epoch="" if header is None else str(header.view.head.epoch),
        head=0 if header is None else header.view.head.seq,
        entries=entries,
        faults=tuple(faults),
        untold=max(0, reader.unreadable - MOST_TOLD),
    )


def _why(line: bytes) -> str:
    try:
        decode_station_entry(line)
    except BadInput as error:
        return error.detail
    return ""


def _tell(verdict: Verdict, *, as_json: bool) -> int:
    if as_json:
        print(msgspec.json.encode(verdict).decode())
        return 0 if verdict.sound else 1
    for log in verdict.logs:
        state = "sound" if not log.faults else f"{len(log.faults) + log.untold} FAULTS"
        print(f"{log.log:8} {log.entries} entries up to {log.epoch}:{log.head}: {state} ({', '.join(log.checked)})")
        for fault in log.faults:
            print(f"  {fault.name}: {fault.detail}")
        if log.untold:
            print(f"  and {log.untold} more")
    if verdict.running:
        print("read through the running agent; to look at the files' pages too, stop it, or verify a copy")
    return 0 if verdict.sound else 1
