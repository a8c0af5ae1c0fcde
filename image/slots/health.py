"""Whether what was started is good enough to stay: the machine's mounts, and the station's own word on itself.

Never asks for the hub or the internet: a shop whose line is cut must not lose an update for it. What is asked:

    mounts     /data is there, is the data partition, and a file written to it is read back
    agent      its local API answers
    log        the station's log is open and took something since the agent started, and synced it: a mark comes
               in the first minute (enrolled stations). That files were written to says nothing: opening them writes
    devices    those at work before the update are at work; where nobody noted that, none has failed

On a hub's machine its page is asked in place of an agent: it answers only while the store does.
A device that was not at work before cannot condemn the update: it may simply not be plugged in.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

DATA: Final = "data"
_PROBE: Final = "slots/probe"
AT_WORK: Final = frozenset({"ready"})
BROKEN: Final = frozenset({"failed"})


class _Device(msgspec.Struct, frozen=True):
    device: str
    status: str
    note: str = ""


class _Status(msgspec.Struct, frozen=True):
    devices: tuple[_Device, ...] = ()


class _Log(msgspec.Struct, frozen=True):
    refused: int = 0
    sync_p50_us: int = 0


class AgentHealth(msgspec.Struct, frozen=True):
    """The part of the answer of `GET /v1/health` that matters here; `stock` None: the station is not enrolled."""

    version: str
    status: _Status
    stock: _Log | None = None

    @property
    def ready(self) -> tuple[str, ...]:
        """List the devices that are at work."""
        return tuple(sorted(each.device for each in self.status.devices if each.status in AT_WORK))


@dataclass(frozen=True, slots=True)
class Sick:
    """What is wrong now; a moment later it may be well."""

    reason: str


def read_health(data: bytes) -> AgentHealth | Sick:
    """Read an agent's answer."""
    try:
        return msgspec.json.decode(data, type=AgentHealth)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Sick(f"the agent's answer cannot be read: {error}")


def judge(told: AgentHealth, ready_before: tuple[str, ...] | None) -> Sick | None:
    """Judge an agent's answer; None: it is well."""
    if told.stock is not None and told.stock.sync_p50_us == 0:
        refused = f"; it refused {told.stock.refused}" if told.stock.refused else ""
        return Sick(f"the station's log has taken nothing yet{refused}")
    if ready_before is None:
        failed = ", ".join(f"{each.device} ({each.note})" for each in told.status.devices if each.status in BROKEN)
        return Sick(f"devices failed: {failed}") if failed else None
    now = {each.device: each for each in told.status.devices}
    lost = sorted(set(ready_before) - set(told.ready))
    if lost:
        words = (f"{name} ({_word(now.get(name))})" for name in lost)
        return Sick(f"devices that worked before do not: {', '.join(words)}")
    return None


def check_mounts(root: Path) -> Sick | None:
    """Look whether the data partition is there and takes a file; None: it does."""
    data = root / DATA
    if root == Path("/") and not os.path.ismount(data):
        return Sick("/data is not mounted")
    probe, word = data / _PROBE, secrets.token_bytes(512)
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, word)
            os.fsync(descriptor)
            same = os.pread(descriptor, len(word), 0) == word
        finally:
            os.close(descriptor)
            os.unlink(probe)
    except OSError as error:
        return Sick(f"/data does not take a file: {error.strerror}")
    return None if same else Sick("/data gives back other than was written")


def _word(device: _Device | None) -> str:
    if device is None:
        return "not configured"
    return f"{device.status}: {device.note}" if device.note else device.status
