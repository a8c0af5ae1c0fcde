"""`shelfwire edge buffer ack`: has the station's log take a hub's receipt, and so let go of what the hub has."""

from __future__ import annotations

import sys
from argparse import Namespace

import msgspec

from edge.errors import EdgeError
from edge.settings import Settings
from protocol.errors import BadInput
from protocol.receipts import MAX_RECEIPT_BYTES, decode_receipt
from shelfwire import interruptible
from shelfwire.station_logs import hand_in_receipt


def run(settings: Settings, args: Namespace) -> int:
    """Run the command. Raises `EdgeError`."""
    try:
        with args.receipt.open("rb") as file:
            data: bytes = file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise EdgeError(f"cannot read {args.receipt}: {error.strerror}") from error
    try:
        receipt = decode_receipt(data)
        taken = interruptible.run(hand_in_receipt(settings, receipt.stream, data))
    except BadInput as error:
        print(f"shelfwire: {args.receipt}: {error}", file=sys.stderr)
        return 1
    if args.json:
        print(msgspec.json.encode(taken).decode())
        return 0
    at = f"{receipt.at.epoch}:{receipt.at.seq}"
    new = f"{taken.acked} entries more than was known" if taken.acked else "nothing that was not known"
    print(f"the hub has {receipt.stream} up to {at}: {new}; {taken.unacked} are not known to be at the hub")
    return 0
