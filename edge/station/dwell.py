"""Which scans of a presentation scanner are one and the same sight of a code.

    sight    A....A....A.........................A      a code in view is sent again and again
    window   [----[----[------)                  [--    each sight begins its window anew, however long it goes on
    does     sold  held held                     sold

A scanner with a trigger reads once a pull, so two reads are two pieces: its window is 0, which is off. A scanner that
reads whatever it sees cannot tell one can held still from the next one. Its makers count the time out of view (Zebra
DS4308 Product Reference Guide, parameter 137), and so does this. Codes are told apart, so that two labels in view do
not open each other's windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.station.actions import Where
from protocol.identity import DeviceId

CODES = 16
"""How many codes of one device are watched; of more, the one out of sight longest is forgotten."""


@dataclass(slots=True)
class Sight:
    """A code in view: when it was seen last (boot time), the entry it was taken by once that is on disk."""

    last_us: int
    kept: Where | None = None
    repeats: int = 0


class Dwell:
    """The codes in view of each device that has a window."""

    def __init__(self, dwell_us: Mapping[DeviceId, int]) -> None:
        self._dwell_us = {device: us for device, us in dwell_us.items() if us > 0}
        self._sights: dict[DeviceId, dict[str, Sight]] = {}

    def again(self, device: DeviceId, code: str, up_us: int) -> Sight | None:
        """Say whether a code read now is the same sight as before, and then that it is still in view."""
        sights = self._sights.get(device)
        sight = None if sights is None else sights.get(code)
        if sights is None or sight is None:
            return None
        if up_us - sight.last_us >= self._dwell_us[device]:
            del sights[code]
            return None
        # Put at the end: the one out of sight longest comes first.
        del sights[code]
        sights[code] = sight
        sight.last_us = up_us
        sight.repeats += 1
        return sight

    def taken(self, device: DeviceId, code: str, up_us: int) -> None:
        """Begin a window: a code is taken."""
        if device not in self._dwell_us:
            return
        sights = self._sights.setdefault(device, {})
        sights.pop(code, None)
        while len(sights) >= CODES:
            del sights[next(iter(sights))]
        sights[code] = Sight(up_us)

    def kept(self, device: DeviceId, code: str, where: Where) -> None:
        """Learn where the entry stands that a code was taken by."""
        sight = self._sights.get(device, {}).get(code)
        if sight is not None:
            sight.kept = where

    def forget(self, device: DeviceId, code: str) -> None:
        """End the window of a code: it was not taken after all."""
        self._sights.get(device, {}).pop(code, None)

    def forget_device(self, device: DeviceId) -> None:
        """End the windows of a device: what is read next there is meant."""
        self._sights.pop(device, None)

    def clear(self) -> None:
        """End all windows."""
        self._sights.clear()
