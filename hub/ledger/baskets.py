"""What follows for the books where a person ends a basket that its station cannot close any more.

What is in a basket was taken off the shelf up to its sale's lead before it was scanned; what became of it since, the
person says. Each line then makes movements that no log holds, as crossings of tags are (`hub.ledger.sources`).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from hub.ledger.counting import COUNTS_STATION
from hub.ledger.entries import EVER_US, Delta
from protocol.decisions import BasketFate
from protocol.events import Reason
from protocol.identity import EntryId, Epoch

LEGS: Final = 3
"""The most movements that a line makes."""
_GENERATION: Final = 3
"""Of the epochs of these movements; those of count sessions are of generation 1, those of tags of 2."""
_SEQS: Final = 2**59


def line_entry(line: EntryId, leg: int) -> EntryId:
    """Name a movement that a line of a basket makes, whoever computes it.

    Two of a station share an id once in 2**59.
    """
    nonce = int.from_bytes(blake2b(f"{line.station}/{line.epoch}".encode(), digest_size=8).digest(), "big")
    seq = 1 + int.from_bytes(blake2b(f"{line.seq}:{leg}".encode(), digest_size=8).digest(), "big") % _SEQS
    return EntryId(COUNTS_STATION, Epoch(_GENERATION, nonce), seq)


def movements(fate: BasketFate, sale: Delta, at_us: int, document: str) -> tuple[Delta, ...]:
    """Give what a line does to the books by what a person said at `at_us` (UTC) became of the goods.

    `sale` is what it had been if its station had closed the basket as sold, by the line's own id. `document` is what
    movements are found by that are no sales.

    *Sold* is the sale. *Returned*: off the shelf as for a sale, and back on it at some time between the scan and the
    person's word. *Unknown*: off the shelf, and written off; whether they were put back, nobody knows. So on-hand may
    be higher by them until somebody counts who began after that word:

        scan ──────────── count? ──────────── word ──────────── count
          -q, up to a lead before               -q ever until now, +q: nothing, with a doubt of q
    """
    out = replace(sale, id=line_entry(sale.id, 0), reason=Reason.ADJUSTMENT, document=document)
    match fate:
        case BasketFate.SOLD:
            return (replace(sale, id=line_entry(sale.id, 0)),)
        case BasketFate.RETURNED:
            since_us = min(sale.t_us - sale.err_us, at_us)
            err_us = (at_us - since_us + 1) // 2
            # As an error and not as a lag, for these goods lay aside while nobody was in the area, too.
            put = replace(out, id=line_entry(sale.id, 1), qty_milli=-sale.qty_milli, t_us=at_us - err_us, err_us=err_us)
            return (out, replace(put, lead_us=0, lag_us=0))
        case BasketFate.UNKNOWN:
            maybe = replace(out, id=line_entry(sale.id, 1), t_us=at_us, err_us=0, lead_us=EVER_US, lag_us=0)
            level = replace(maybe, id=line_entry(sale.id, 2), qty_milli=-sale.qty_milli, lead_us=0)
            return (out, maybe, level)
