"""`shelfwire edge ...`: run the agent of a station, check its settings, find its devices, look into its logs."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import sys
from pathlib import Path

import msgspec

from edge.errors import BadSettings, EdgeError
from edge.settings import Machine, Settings, load_machine
from edge.whoever import load_station
from shelfwire.diagnosis import commands as diagnosis

NUMBERED = re.compile(r"/dev/(tty(USB|ACM)|input/event|hidraw)\d+")
"""Paths that follow the order of plugging in. A soldered port (ttyAMA0, ttyS0) keeps its number."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `edge` and what it can do."""
    parser = subparsers.add_parser("edge", help="the agent of a station", description="The agent of a station.")
    commands = parser.add_subparsers(dest="edge_command", required=True, metavar="COMMAND")
    run_parser = commands.add_parser("run", help="read the devices and talk to the hub until stopped")
    check_parser = commands.add_parser("check", help="say whether the settings can be used")
    _add_probe(commands)
    _add_replay(commands)
    buffer_parser = commands.add_parser("buffer", help="look into the station's logs")
    buffer_commands = buffer_parser.add_subparsers(dest="buffer_command", required=True, metavar="COMMAND")
    status_parser = buffer_commands.add_parser("status", help="say what is kept, and what the hub has not got")
    carrying = _add_carrying(buffer_commands)
    for one in (status_parser, *carrying):
        one.add_argument("--json", action="store_true", help="one JSON object")
    diagnosis.add_to_edge(commands)
    handover_parser = _add_handover(commands)
    forget_parser = commands.add_parser(
        "forget",
        help="erase the station's identity",
        description="Erase key, certificate and papers, with the agent stopped. The logs stay, and stay sealed to who"
        " the station was; enrolled as the same again, it sends what it has not sent.",
    )
    forget_parser.add_argument("--yes", action="store_true", required=True, help="really")
    for one in (run_parser, check_parser, handover_parser, forget_parser, status_parser, *carrying):
        one.add_argument("--config", type=Path, default=Path("edge.toml"), metavar="edge.toml")


def _add_handover(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        "handover",
        help="walk through the station's devices: the hand-over check",
        description="Ask the running agent how the hand-over check stands, or begin one and answer it. It is sealed"
        " once every step has come out, and goes to the hub by itself.",
    )
    words = ("show", "begin", "yes", "no", "skip", "again", "finish", "leave", "who")
    parser.add_argument("do", nargs="?", default="show", choices=words, help="what to do (default: show)")
    parser.add_argument("text", nargs="?", default="", help="why (skip), which step (again), a name (who)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _add_carrying(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
) -> tuple[argparse.ArgumentParser, ...]:
    verify = commands.add_parser(
        "verify",
        help="read all of it and say whether it is sound",
        description="Read every entry kept and prove the chain over them. With the agent stopped, or given a copy of"
        " a log's file, also look at every page and checkpoint of the file. Exit code 1 if anything is wrong.",
    )
    verify.add_argument("file", nargs="?", type=Path, metavar="COPY.db", help="a copy of a log's file, with its -wal")
    export = commands.add_parser(
        "export",
        help="write it to a file that is carried to the hub",
        description="Write entries to a file that `shelfwire hub import --station-log` takes. The agent may run.",
    )
    begin = export.add_mutually_exclusive_group()
    begin.add_argument("--since-acked", action="store_true", help="what the hub is not known to have (the default)")
    begin.add_argument("--all", action="store_true", help="everything that is kept")
    begin.add_argument("--from", dest="begin", metavar="EPOCH:SEQ", help="that entry and what follows")
    export.add_argument("--stream", choices=("stock", "chatter"), default="stock", help="which log (stock)")
    export.add_argument("--sealed", metavar="NAME", help="of another station's log, set aside here: see `status`")
    export.add_argument("--readable", action="store_true", help="say in words, beside each entry, what it means")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="compressed if named .zst")
    ack = commands.add_parser(
        "ack",
        help="take the hub's receipt for a file that was carried to it",
        description="Let go, in time, of what the hub has. A receipt that is not true of this log does nothing.",
    )
    ack.add_argument("receipt", type=Path, metavar="RECEIPT")
    return verify, export, ack


def _add_probe(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "probe",
        help="find devices and say how to set them up",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Without PATH: list what is attached, and propose a driver and its table.\n"
            "With PATH: find out what that device is, or how a scanner was set."
        ),
        epilog=(
            "examples:\n"
            "  shelfwire edge probe\n"
            "  shelfwire edge probe /dev/serial/by-id/usb-FTDI_X-if00\n"
            "      listen, sending nothing: put goods on the scale, scan a code\n"
            "  shelfwire edge probe /dev/serial/by-id/usb-FTDI_X-if00 --ask\n"
            "      ask for a weight, in every dialect there is\n"
            "  shelfwire edge probe /dev/input/by-id/usb-X-event-kbd --scan 4006381333931\n"
            "      scan a code of which you know the text; <GS> stands for GS"
        ),
    )
    parser.add_argument("path", nargs="?", metavar="PATH", help="of one device")
    parser.add_argument("--scan", metavar="TEXT", help="a code with this text will be scanned now")
    parser.add_argument("--ask", action="store_true", help="send questions that change nothing, such as W for a weight")
    parser.add_argument("--seconds", type=float, metavar="S", help="how long to wait (3; 30 for a scan)")
    parser.add_argument("--capture", type=Path, metavar="FOLDER", help="where to record what is heard")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    # For tests and for looking at a copy of another machine's files.
    parser.add_argument("--sys", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dev", type=Path, help=argparse.SUPPRESS)


def _add_replay(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "replay",
        help="run a capture of a device through its codec",
        description="Print what a capture reads, one JSON object a line. Exit code 1 if that differs from its"
        " readings.jsonl, where it has one.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with codec.toml and input.hex")
    parser.add_argument("--codec", metavar="NAME", help="read it as this dialect, whatever codec.toml says")
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help='and with this option, written as in TOML (unit="kg"); may be given again',
    )


def run(args: argparse.Namespace) -> int:
    """Run the chosen command; give its exit code."""
    try:
        match args.edge_command:
            case "probe":
                from shelfwire import probe

                return probe.run(args)
            case "replay":
                from shelfwire import replay

                return replay.run(args)
            case "diagnose":
                return diagnosis.diagnose_station(args)
        if args.edge_command == "buffer" and args.buffer_command == "verify" and args.file is not None:
            from shelfwire.buffer_verify import run_on_copy

            return run_on_copy(args)
        match args.edge_command:
            case "run":
                return _run(load_machine(args.config))
            case "check":
                return _check(args.config, load_machine(args.config))
            case "handover":
                from shelfwire import edge_handover

                return edge_handover.run(load_machine(args.config), args)
            case "forget":
                from shelfwire.edge_forget import forget

                return forget(load_machine(args.config))
            case _:
                return _buffer(args)
    except BadSettings as error:
        print(f"shelfwire: {args.config}: {error}", file=sys.stderr)
        return 2
    except EdgeError as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1


def _run(machine: Machine) -> int:
    from edge.agent import Agent, Ready
    from shelfwire.cli import installed_version
    from shelfwire.loading import serve_evenly
    from shelfwire.logs import log_json_lines
    from shelfwire.supervised import our_supervisor, watched
    from shelfwire.turns import take_short_turns

    supervisor = our_supervisor()

    def tell(ready: Ready) -> None:
        serve_evenly()
        supervisor.ready(f"ready to scan as {ready.station}" if ready.enrolled else "waits for an invitation")
        _name_time_server(ready.hub)
        print(msgspec.json.encode({"event": "ready", **msgspec.to_builtins(ready)}).decode(), flush=True)

    agent = Agent(machine, installed_version(), tell)
    log_json_lines()
    take_short_turns()
    asyncio.run(watched(agent.run(), supervisor, agent.stopping, agent.answers))
    return 0


def _name_time_server(hub: str) -> None:
    """Leave the hub's address in the folder that systemd gave us, for a unit that asks it what time it is."""
    folder = os.environ.get("RUNTIME_DIRECTORY", "")
    if folder and hub:
        file = Path(folder) / "time-server"
        with contextlib.suppress(OSError):
            file.write_text(f"{hub}\n", encoding="ascii", errors="replace")
            file.chmod(0o644)


def _check(path: Path, machine: Machine) -> int:
    from edge.agent import build_devices
    from edge.drivers.unloadable import Unloadable

    peripherals, _ = build_devices(machine)
    devices = ", ".join(f"{one.id} ({one.kind})" for one in peripherals) or "no devices"
    if isinstance(machine, Settings):
        who = f"station {machine.station} of {machine.store}, {machine.mode} at {machine.place}"
    else:
        from shelfwire.identity_words import tell_identity

        who = tell_identity(machine)
    print(f"{path}: {who}; {devices}")
    for one in peripherals:
        if isinstance(one.device, Unloadable):
            print(f"  {one.id} will not work: {one.device.health().note}")
        if one.experimental:
            print(f"  {one.id} is experimental: {one.kind} is {one.experimental}")
        for numbered in (path for path in one.paths if NUMBERED.fullmatch(path)):
            print(f"  {one.id}: {numbered} may be another device after a restart; see `shelfwire edge probe`")
    return 0


def _buffer(args: argparse.Namespace) -> int:
    if args.buffer_command == "export" and args.sealed is not None:
        from shelfwire import buffer_export

        return buffer_export.run_on_sealed(load_machine(args.config), args)
    settings = load_station(args.config)
    match args.buffer_command:
        case "verify":
            from shelfwire import buffer_verify

            return buffer_verify.run(settings, args)
        case "export":
            from shelfwire import buffer_export

            return buffer_export.run(settings, args)
        case "ack":
            from shelfwire import buffer_ack

            return buffer_ack.run(settings, args)
        case _:
            return _buffer_status(settings, as_json=args.json)


def _buffer_status(settings: Settings, *, as_json: bool) -> int:
    from shelfwire.buffer_status import buffer_status

    status = buffer_status(settings)
    if as_json:
        print(msgspec.json.encode(status).decode())
        return 0
    print(f"station {status.station}, agent {'running' if status.running else 'stopped'}")
    for log in status.logs:
        told = "the hub has all of it" if log.unacked == 0 else f"{log.unacked} not known to be at the hub"
        print(f"{log.stream:8} epoch {log.epoch}  seq {log.head}  {log.entries} entries, {log.bytes} bytes; {told}")
    for name in status.sealed:
        print(f"set aside: {name}, which only `shelfwire edge buffer export --sealed` reads")
    if status.storage is not None:
        card = status.storage
        written = "" if card.written_day_bytes is None else f"; {card.written_day_bytes / 1e6:.1f} MB written a day"
        hours = "" if card.room_hours is None else f" for {card.room_hours} h at today's rate"
        print(f"room is {card.room}{hours}, {card.free_bytes / 1e6:.0f} MB free{written}")
    return 0
