"""Takes a hub's receipt for a log that was carried to it, if the log's own chain says that it is true."""

from __future__ import annotations

from dataclasses import dataclass

from edge.buffer.api import StationLog
from edge.buffer.exporting import LogName
from protocol.chain import Position
from protocol.errors import BadInput
from protocol.receipts import Receipt


@dataclass(frozen=True, slots=True)
class ReceiptTaken:
    """`acked` entries more than before are known to be at the hub, 0 if it was known; `unacked` are left."""

    acked: int
    unacked: int


async def take_receipt(log: StationLog, name: LogName, receipt: Receipt) -> ReceiptTaken:
    """Remember how far the hub has read. Nothing changes on an error, or where the hub is known to have more.

    Raises `BadInput` ("not-our-receipt": of another station, store or stream; "wrong-receipt": it tells of other
    entries than this log holds), and what the log raises.
    """
    theirs = LogName(receipt.store, receipt.station, receipt.stream)
    if theirs != name:
        raise BadInput(
            "not-our-receipt",
            f"it is for {theirs.stream} of {theirs.station} in {theirs.store}, this is {name.stream} of"
            f" {name.station} in {name.store}",
        )
    view = log.view
    if receipt.depth > view.depth:
        raise BadInput("wrong-receipt", f"it tells of {receipt.depth} entries, and this log has had {view.depth}")
    epoch, seq = view.at_depth(receipt.depth)
    digest = (await log.digests(epoch, [seq]))[seq]
    unacked = log.stats.unacked
    if digest is not None and digest != receipt.at.digest:
        raise BadInput("wrong-receipt", f"the hub has other entries than this log up to {epoch}:{seq}")
    # A digest that is gone is of entries long pruned, which the hub was known to have.
    if digest is None or receipt.depth <= log.view.depth - unacked:
        return ReceiptTaken(0, unacked)
    await log.acked(Position(epoch, seq, digest))
    left = log.stats.unacked
    return ReceiptTaken(unacked - left, left)
