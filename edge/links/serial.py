"""Serial ports: real ones, USB adapters and ptys, as asyncio byte pipes.

Set up with termios directly. pyserial would do, but its `open` throws away what the kernel has already received
(`serialposix.Serial.open` ends in `tcflush`), and that is a shopper's scan.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import termios
from dataclasses import dataclass

from edge.errors import BadSettings, HardwareAbsent
from edge.links.descriptor_link import TwoWayLink

_FRAME = re.compile(r"([78])([NEO])([12])")
_UNIX98_PTY_MAJORS = range(136, 144)
"""Device numbers of pty slaves (kernel Documentation/admin-guide/devices.txt)."""


@dataclass(frozen=True, slots=True)
class SerialLine:
    """How a serial port is set: `frame` is data bits, parity (N, E, O) and stop bits, such as "7E1"."""

    port: str
    baud: int = 9600
    frame: str = "8N1"
    write_timeout_s: float = 1.0

    def __post_init__(self) -> None:
        """Raises `BadSettings` for a frame or speed that no port has."""
        if not _FRAME.fullmatch(self.frame):
            raise BadSettings("frame", f"{self.frame!r} is not like 8N1, 7E1 or 7O1")
        if not hasattr(termios, f"B{self.baud}") or self.baud <= 0:
            raise BadSettings("baud", f"{self.baud} is not a speed of a serial port")


class SerialLink(TwoWayLink):
    """One serial port, held by this process alone.

    ``async with SerialLink(SerialLine("/dev/ttyUSB0")) as link: await link.read()``

    A pty has no parity and no 7-bit characters: the kernel refuses such settings there (drivers/tty/pty.c,
    `pty_set_termios`), so a pty is always used as 8N1.
    """

    def __init__(self, line: SerialLine) -> None:
        super().__init__(line.port, line.write_timeout_s)
        self._line = line

    async def _open(self) -> int:
        """Open and set the port. Raises `HardwareAbsent`: not there, not allowed, taken, or no serial port."""
        port = self._line.port
        try:
            descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise HardwareAbsent(f"{port}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _set(descriptor, self._line)
        except (OSError, termios.error) as error:
            os.close(descriptor)
            raise HardwareAbsent(f"{port}: {_reason(error)}") from error
        return descriptor


def _set(descriptor: int, line: SerialLine) -> None:
    """Raw bytes both ways, no echo, no flow control, modem lines ignored (termios(3), `cfmakeraw`)."""
    bits, parity, stop = tuple("8N1" if _is_pty(descriptor) else line.frame)
    control = termios.CREAD | termios.CLOCAL | (termios.CS7 if bits == "7" else termios.CS8)
    if parity != "N":
        control |= termios.PARENB | (termios.PARODD if parity == "O" else 0)
    if stop == "2":
        control |= termios.CSTOPB
    # A byte with a parity error becomes NUL, which no code and no weight contains.
    checked = termios.INPCK if parity != "N" else 0
    speed: int = getattr(termios, f"B{line.baud}")
    characters = termios.tcgetattr(descriptor)[6]
    characters[termios.VMIN] = 1
    characters[termios.VTIME] = 0
    termios.tcsetattr(descriptor, termios.TCSANOW, [checked, 0, control, 0, speed, speed, characters])


def _is_pty(descriptor: int) -> bool:
    return os.major(os.fstat(descriptor).st_rdev) in _UNIX98_PTY_MAJORS


def _reason(error: BaseException) -> str:
    number = error.args[0] if error.args else None
    if number in (errno.EWOULDBLOCK, errno.EAGAIN):
        return "another program holds it"
    if number == errno.ENOTTY:
        return "not a serial port"
    return os.strerror(number) if isinstance(number, int) else str(error)
