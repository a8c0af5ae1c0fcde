"""What lines about tags, and sales of single units, are to `hub.ledger.tags`: signs and deals. Pure."""

from __future__ import annotations

from typing import Final

from hub.ledger.entries import Entry
from hub.ledger.sources import told_by
from hub.ledger.tags import SIGN, Sign
from hub.ledger.timefit import Timed
from hub.store.epochs import EpochRow
from hub.store.tag_rows import DealRow, SignRow, sign_number, unit_of
from protocol.events import Delta, Reason, Sweep, TagChange
from protocol.variable_measure import CodeRules

SAYS_OF_TAGS: Final = (b'["t"', b'["e"')
"""How the lines begin that tell of tags."""
_LONGEST_US: Final = 30 * 86_400_000_000
"""The longest that a tag was last read before it was told of; else a clock had been set between."""


def signs_in(epoch: EpochRow, seq: int, event: TagChange | Sweep, timed: Timed) -> list[SignRow]:
    """Give the signs of tags that a line tells, at the times when the tags were read."""
    row, t_us, err_us = epoch.id, timed.t_us, timed.err_us
    if isinstance(event, Sweep):
        seen = sign_number(Sign.SEEN)
        return [SignRow(epc, row, seq, t_us, err_us, seen, event.place) for epc in event.epcs]
    ago_us = event.when.wall_us - event.seen_us
    if 0 < ago_us <= _LONGEST_US:
        t_us -= ago_us
    return [SignRow(event.epc, row, seq, t_us, err_us, sign_number(SIGN[event.change]), event.zone)]


def deal_in(epoch: EpochRow, seq: int, event: Delta, read: Entry, rules: CodeRules) -> DealRow | None:
    """Give what a movement says of the one unit that its code names, by the store's rules; None if it names none."""
    unit = unit_of(event.code, event.aim, rules)
    sign = _sign(event)
    if not unit or sign is None:
        return None
    return DealRow(
        epoch.id, seq, unit, read.t_us, read.err_us, sign_number(sign), event.place, event.reason.value,
        told_by(event.device).value,
    )  # fmt: skip


def _sign(event: Delta) -> Sign | None:
    if event.reason is Reason.WASTE and event.qty_milli < 0:
        return Sign.LEFT
    if event.reason in (Reason.SALE, Reason.RETURN):
        return Sign.SOLD if event.qty_milli < 0 else Sign.RETURNED
    return None
