"""`shelfwire image first-boot|boot-file|reset`: what a machine does as it starts, run by its own units as root."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image.errors import BadInput, ImageError
from image.system.files import put
from image.system.growing import grow_data
from image.system.growing import run as call
from image.system.kept import keep_taken, read_taken
from image.system.taking_over import Places, Readers, take_over

ACCOUNT = "shelfwire"
DONE = ".first-boot-done"
HUB_FOLDER = Path("/data/shelfwire/hub")
BROKER_FOLDER = Path("/data/shelfwire/broker")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    first = commands.add_parser("first-boot", help="on the machine: give /data the rest of the card")
    first.set_defaults(run_image=_first_boot)
    file = commands.add_parser("boot-file", help="on the machine: take over shelfwire.toml of the boot partition")
    file.set_defaults(run_image=_boot_file)
    reset = commands.add_parser(
        "reset",
        help="on the machine: make it as new at its next start",
        description="Make the machine as new at its next start: identity, settings and catalogue go. What was scanned"
        " and not sent stays, and can be carried to the hub by hand; a hub's books go only with --with-unsent-log.",
    )
    how = reset.add_mutually_exclusive_group()
    how.add_argument(
        "--with-unsent-log", dest="everything", action="store_true", help="what was not sent, too; on a hub, its books"
    )
    how.add_argument("--cancel", action="store_true", help="do not, after all")
    reset.add_argument("--yes", action="store_true", required=True, help="really")
    reset.set_defaults(run_image=_reset)
    for one in (first, file, reset):
        # For tests, and to look at the card of another machine.
        one.add_argument("--root", type=Path, default=Path("/"), help=argparse.SUPPRESS)


def _places(root: Path) -> Places:
    hub = (root / "usr/lib/systemd/system/shelfwire-hub.service").exists()
    owner = None
    if os.geteuid() == 0 and root == Path("/"):
        account = pwd.getpwnam(ACCOUNT)
        owner = (account.pw_uid, account.pw_gid)
    return Places(
        config=root / "boot/config",
        data=root / "data",
        run=root / "run",
        base=root / "usr/share/shelfwire/edge.toml",
        kind="hub" if hub else "station",
        owner=owner,
    )


def _first_boot(args: argparse.Namespace) -> int:
    data: Path = args.root / "data"
    try:
        node = Path(call(("findmnt", "--noheadings", "--output", "SOURCE", "--target", str(data))).strip()).resolve()
        grown = grow_data(node)
        put(data / DONE, b"")
    except (ImageError, OSError) as error:
        # The machine works on a small /data too; the next start tries again.
        print(f"shelfwire: /data does not take the rest of the card: {error}", file=sys.stderr)
        return 1
    print(f"/data on {node}: {'takes the rest of the card' if grown else 'has the whole card already'}")
    return 0


def _boot_file(args: argparse.Namespace) -> int:
    root: Path = args.root
    places = _places(root)

    @contextmanager
    def writable() -> Iterator[None]:
        if root != Path("/"):
            yield
            return
        if not places.config.is_mount():
            raise BadInput(f"{places.config} is not mounted")
        call(("mount", "-o", "remount,rw", str(places.config)))
        try:
            yield
        finally:
            call(("mount", "-o", "remount,ro", str(places.config)))

    try:
        outcome = take_over(places, writable, Readers(_check_station, _check_hub))
        if outcome.ssh and root == Path("/"):
            call(("systemctl", "daemon-reload"))
            call(("systemctl", "--no-block", "start", "ssh.service"))
    except (ImageError, OSError) as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    for line in outcome.lines:
        print(f"shelfwire: {line}")
    return 0 if outcome.good else 1


def _check_station(text: str) -> None:
    """Ask the agent's own reader of settings. Raises `BadInput`."""
    from edge.errors import BadSettings
    from edge.settings import parse_machine

    try:
        machine = parse_machine(text, Path("/"))
        if machine.devices or machine.lights is not None:
            from edge.agent import build_devices

            build_devices(machine)
    except BadSettings as error:
        raise BadInput(f"{error}") from error


def _check_hub(text: str) -> tuple[int, ...]:
    """Ask the hub's own reader of settings; give the port of its page, if it serves other machines.

    Raises `BadInput`, also for settings by which the books would be lost: everything outside /data is in RAM.
    """
    from hub.errors import BadInput as HubBadInput
    from hub.settings import parse_settings
    from protocol.loopback import is_loopback

    try:
        settings = parse_settings(text, HUB_FOLDER)
    except HubBadInput as error:
        raise BadInput(error.detail) from error
    if settings.data_dir != HUB_FOLDER:
        raise BadInput(
            f'data_dir: is "." on this machine, not {str(settings.data_dir)!r}: all else is lost at a restart'
        )
    if settings.mosquitto is None or Path(settings.mosquitto.folder) != BROKER_FOLDER:
        raise BadInput(f'mosquitto.folder: is "{BROKER_FOLDER}" on this machine')
    return () if is_loopback(settings.web.host) else (settings.web.port,)


def _reset(args: argparse.Namespace) -> int:
    import msgspec

    places = _places(args.root)
    if places.kind == "hub" and not (args.everything or args.cancel):
        print(
            "shelfwire: a hub holds the books of its store: it is made as new with --with-unsent-log only",
            file=sys.stderr,
        )
        return 2
    how = "" if args.cancel else "everything" if args.everything else "keep-unsent-log"
    try:
        taken = read_taken(places.network)
        to_do = msgspec.structs.replace(taken.to_do, factory_reset=how)
        keep_taken(places.network, msgspec.structs.replace(taken, to_do=to_do))
    except OSError as error:
        print(f"shelfwire: {error}", file=sys.stderr)
        return 1
    print("It stays as it is." if args.cancel else "It is made as new at its next start: systemctl reboot")
    return 0
