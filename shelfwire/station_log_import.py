"""`shelfwire hub import --station-log`: takes a station's log that was carried to the hub, the hub running or not."""

from __future__ import annotations

import argparse
import asyncio
import http.client
import ipaddress
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from hub.errors import BadInput, HubError, TryAgain
from hub.settings import Settings, WebSettings

if TYPE_CHECKING:
    from hub.wire.carrying import TakenFile

TIMEOUT_S = 1800.0
"""A year's entries take minutes."""


class _Problem(msgspec.Struct, frozen=True):
    name: str = ""
    detail: str = ""
    status: int = 0


class _Unreachable(HubError):
    """Nobody answers where the hub's page should be."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what concerns a station's log."""
    group = parser.add_argument_group("a station's log, from `shelfwire edge buffer export`")
    group.add_argument("--station-log", type=Path, metavar="FILE", help="take what is new in it")
    group.add_argument("--dry-run", action="store_true", help="prove the file and say what would be taken")
    group.add_argument("--accept-loss", action="store_true", help="record entries that nobody has any more as lost")
    receipt = group.add_mutually_exclusive_group()
    receipt.add_argument("--receipt", type=Path, metavar="FILE", help="for the station (FILE.receipt, beside the file)")
    receipt.add_argument("--no-receipt", action="store_true", help="write none")
    group.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the command. Raises `TryAgain`, `BadInput`, `OSError`."""
    if args.file is not None:
        print("shelfwire: hub import: either a FILE.csv or --station-log FILE", file=sys.stderr)
        return 2
    file: Path = args.station_log
    try:
        try:
            taken = asyncio.run(_directly(settings, file, args.dry_run, args.accept_loss))
        except TryAgain as error:
            # Held by the running hub, most likely: then it is the hub that takes the file.
            try:
                taken = _through_hub(settings.web, file, args.dry_run, args.accept_loss)
            except _Unreachable:
                raise error from None
    except (BadInput, TryAgain) as error:
        print(f"shelfwire: {file}: {error}", file=sys.stderr)
        return 1
    _tell(taken, file, as_json=args.json)
    if taken.receipt is None or args.no_receipt:
        return 0
    return _write_receipt(args.receipt or file.with_name(file.name + ".receipt"), taken.receipt, as_json=args.json)


async def _directly(settings: Settings, file: Path, dry_run: bool, accept_loss: bool) -> TakenFile:
    """Take the file into the stopped hub's store. Raises `TryAgain` while the hub runs."""
    from hub.app import seat_of
    from hub.bookkeeping import keep_books
    from hub.clock import wall_us
    from hub.store.store import HubStore
    from hub.wire.broker import nonce
    from hub.wire.carrying import Carrier
    from hub.wire.intake import IntakeDesk
    from protocol.replication.reader_actions import OutOfReach

    async with HubStore(seat_of(settings).engine(), settings.store, wall_us, settings.codes) as store:
        desk = IntakeDesk(store, OutOfReach.RECORD_LOSS, nonce, wall_us, lambda _log, _payload: None)
        carrier = Carrier(store, settings.store, desk, wall_us, settings.data_dir)
        jobs = [asyncio.create_task(desk.run()), asyncio.create_task(keep_books(store, lambda: False))]
        try:
            return await carrier.carry_in(file, dry_run=dry_run, accept_loss=accept_loss)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


def _through_hub(web: WebSettings, file: Path, dry_run: bool, accept_loss: bool) -> TakenFile:
    """Send the file to the running hub. Raises `_Unreachable`, and `BadInput` or `TryAgain` as the hub says."""
    from hub.store.station_files import StationFile
    from hub.web.station_logs import MEDIA_TYPE, PATH
    from hub.wire.carrying import TakenFile

    with StationFile(file):
        pass  # It is a file, and one of ours to read: what is no plain file must not be waited for.
    query = urlencode({"dry_run": str(dry_run).lower(), "accept_loss": str(accept_loss).lower()})
    connection = http.client.HTTPConnection(_reached_at(web.host), web.port, timeout=TIMEOUT_S)
    try:
        with file.open("rb") as body:
            size = body.seek(0, 2)
            body.seek(0)
            headers = {"content-type": MEDIA_TYPE, "content-length": str(size)}
            try:
                connection.request("POST", f"{PATH}?{query}", body, headers)
            except BrokenPipeError:
                pass  # It has said no before the end; the answer says why.
            response = connection.getresponse()
            answer = response.read()
        if response.status == http.client.OK:
            return msgspec.json.decode(answer, type=TakenFile)
        problem = msgspec.json.decode(answer, type=_Problem)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        raise _Unreachable(f"the hub does not answer at {web.host}:{web.port}: {error}") from error
    finally:
        connection.close()
    if response.status in (http.client.SERVICE_UNAVAILABLE, http.client.INTERNAL_SERVER_ERROR):
        raise TryAgain(f"{problem.name}: {problem.detail}")
    raise BadInput(problem.name or str(response.status), problem.detail)


def _reached_at(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _tell(taken: TakenFile, file: Path, *, as_json: bool) -> None:
    carried = taken.carried
    if as_json:
        print(msgspec.json.encode(carried).decode())
        return
    would = "would be taken" if carried.dry_run else "taken"
    print(f"{file}: {carried.entries} entries of {carried.station}'s {carried.stream} log are sound")
    print(f"  {carried.new} new, {would}; {carried.known} known already")
    if carried.first_of_station and carried.new:
        print(f"  this is the first the hub hears of {carried.station}")
    if carried.unreadable:
        print(
            f"  {carried.unreadable} entries cannot be understood by this release: kept, and held back from the books"
        )
    if carried.held_back:
        print(f"  {carried.held_back} entries are held back from the books; the hub's page says why")
    elif carried.held_back is None and not carried.dry_run:
        print("  the books have yet to catch up; the hub's page shows how far they are")
    for loss in carried.losses:
        last = "on" if loss.last is None else str(loss.last)
        print(f"  recorded as lost, if there were any: {loss.epoch} from {loss.first} to {last}")
    if carried.another_log:
        print(f"  NOTE: the hub knew {carried.station} by another log: its card was replaced, or another has its name")
    until = "" if carried.until_us is None else f", until {_utc(carried.until_us)} UTC by its clock"
    has = "would have" if carried.dry_run else "has"
    print(f"  the hub {has} all that the station had when the file was written: up to {carried.up_to}{until}")


def _write_receipt(path: Path, receipt: str, *, as_json: bool) -> int:
    from shelfwire.stick import whole_file

    try:
        with whole_file(path) as out:
            out.write(receipt.encode() + b"\n")
    except OSError as error:
        print(f"shelfwire: imported, but the receipt could not be written: {error}", file=sys.stderr)
        return 1
    if not as_json:
        print(f"receipt: {path} (at the station: shelfwire edge buffer ack {path.name})")
    return 0


def _utc(us: int) -> str:
    try:
        return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return f"{us} µs after 1970"
