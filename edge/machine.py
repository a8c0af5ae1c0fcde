"""Watches the machine that the agent runs on, and says how it is: power, heat, card, memory, USB.

Looks once a minute, in a thread, for a sensor may take its time. What comes and goes between two looks is seen where
the kernel or the firmware remembers it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from edge.hardware.board import BoardReading, boot_file_trouble, read_board, usb_numbers
from edge.hardware.slots import SlotsReading, read_slots
from protocol.state import MachineState

LOOK_EVERY_S = 60.0
NO_SLOTS = SlotsReading()

_log = logging.getLogger(__name__)


class MachineDesk:
    """`root` is that of the machine's files, `data` where the logs lie."""

    def __init__(self, data: Path, root: Path = Path("/")) -> None:
        self._root = root
        self._data = data
        self._low = False
        self._slow = False
        self._usb: Mapping[str, int] | None = None
        self._usb_lost = 0
        self.state: MachineState | None = None
        """How it was at the last look; None before the first, and where nothing could be read."""

    async def run(self) -> None:
        """Look every minute, until cancelled."""
        while True:
            self.look(*await asyncio.to_thread(self._read))
            await asyncio.sleep(LOOK_EVERY_S)

    def _read(self) -> tuple[BoardReading, Mapping[str, int], str, SlotsReading]:
        board = read_board(self._root, self._data)
        return board, usb_numbers(self._root), boot_file_trouble(self._root), read_slots(self._root)

    def look(self, board: BoardReading, usb: Mapping[str, int], boot_file: str, slots: SlotsReading = NO_SLOTS) -> None:
        """Take in what was read."""
        self._low = self._low or bool(board.undervoltage)
        self._slow = self._slow or bool(board.throttled)
        if self._usb is not None:
            # Pulled out, or given a number anew: by hand, by its own failing, or by the kernel after an error.
            lost = [port for port, number in self._usb.items() if usb.get(port) != number]
            self._usb_lost += len(lost)
            if lost:
                _log.warning("usb devices gone or enumerated anew", extra={"ports": lost})
        self._usb = usb
        state = MachineState(
            undervoltage=board.undervoltage,
            undervoltage_since_boot=_ever(board.undervoltage_since_boot, board.undervoltage, self._low),
            throttled=board.throttled,
            throttled_since_boot=_ever(board.throttled_since_boot, board.throttled, self._slow),
            temperature_milli_c=board.temperature_milli_c,
            disk_errors=board.disk_errors,
            disk_read_only=board.disk_read_only,
            card_used_percent=board.card_used_percent,
            card_spare_low=board.card_spare_low,
            usb_lost=self._usb_lost if usb or self._usb_lost else None,
            memory_bytes=board.memory_bytes,
            memory_free_bytes=board.memory_free_bytes,
            boot_file=boot_file,
            slot=slots.slot,
            update=slots.update,
            update_failed=slots.update_failed,
        )
        self.state = None if state == MachineState() else state


def _ever(told: bool | None, now: bool | None, seen: bool) -> bool | None:
    """Say whether it was so since boot, as far as anybody knows: who only says what is now was asked each minute."""
    if told is not None:
        return told or seen
    return None if now is None and not seen else seen
