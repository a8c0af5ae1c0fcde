"""Tags and what is said of them, for the store's tests."""

from __future__ import annotations

from typing import NamedTuple

from protocol.epc.reading import write_epc
from protocol.epc.value import Epc
from protocol.events import Delta, Presence, Reason, Sweep, TagChange
from tests.unit.hub_store.shop import SECOND_US, TEA_CODE, Station

PREFIX, REFERENCE = TEA_CODE[:7], f"0{TEA_CODE[7:12]}"


class Tagged(NamedTuple):
    """A piece of tea: its tag, and the code that is printed on it."""

    epc: str
    code: str


def tagged(serial: int) -> Tagged:
    """Make the piece of tea with a serial number."""
    epc = write_epc(Epc("sgtin-96", 1, (PREFIX, REFERENCE, str(serial)))).hex().upper()
    return Tagged(epc, f"(01){TEA_CODE.zfill(14)}(21){serial}")


class Reader(Station):
    """A station with RFID readers, and perhaps a scanner, that says what became of tags."""

    def change(
        self, epc: str, zone: str, what: Presence = Presence.ARRIVED, after_s: float = 1.0, seen_ago_s: float = 0
    ) -> int:
        """Say that something became of a tag, last read a while before it is said."""
        self.up_us += int(after_s * SECOND_US)
        when = self.when()
        seen_us = when.wall_us - int(seen_ago_s * SECOND_US)
        return self.say(TagChange(when, "reader", 1, epc, what, zone, None, seen_us, 2, -6000), 0)

    def sweep(self, place: str, *epcs: str, session: str = "night", after_s: float = 1.0) -> int:
        """Sweep a place in a second."""
        self.up_us += int(after_s * SECOND_US)
        return self.say(Sweep(self.when(), self.up_us - SECOND_US, "reader", place, session, 1, 1, 1, epcs), 0)

    def move(
        self, code: str, qty_milli: int, reason: Reason = Reason.SALE, place: str = "shop", device: str = "scanner"
    ) -> int:
        """Scan a code a second later."""
        self.up_us += SECOND_US
        return self.say(Delta(self.when(), device, code, None, qty_milli, reason, place), 0)
