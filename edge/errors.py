"""The errors of the station agent, told apart by whose fault they are."""

from __future__ import annotations


class EdgeError(Exception):
    """Root of everything `edge` raises on purpose."""


class BadSettings(EdgeError):
    """Their configuration: a table cannot be used as it stands.

    `key` is the dotted path inside the table ("" for the table itself); `suggestion` is the known key that
    was probably meant, or None.
    """

    def __init__(self, key: str, detail: str, suggestion: str | None = None) -> None:
        meant = f" (did you mean {suggestion!r}?)" if suggestion else ""
        where = f"{key}: " if key else ""
        super().__init__(f"{where}{detail}{meant}")
        self.key = key
        self.detail = detail
        self.suggestion = suggestion


class BadDriver(EdgeError):
    """Their code: a driver's package cannot be imported, or holds no driver of that name."""


class BadCapture(EdgeError):
    """Their file: the folder of a capture cannot be read, or its codec is not to be had here."""


class ContractBroken(EdgeError):
    """Our bug: a caller did what an interface forbids, such as reading a device that is not open."""


class TryAgain(EdgeError):
    """The world is not ready: the same call may work later. Only the runner and the uplink retry."""


class LinkLost(TryAgain):
    """A device that was open went away: unplugged, powered off, or its port failed."""


class HardwareAbsent(TryAgain):
    """A device or its bus is not there, may not be opened, or cannot be set as asked: a status, no crash."""
