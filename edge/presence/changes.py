"""What comes out of the engine, and what it can be begun with again."""

from __future__ import annotations

from dataclasses import dataclass

from protocol.events import Presence
from protocol.identity import DeviceId


@dataclass(frozen=True, slots=True)
class Change:
    """Something changed about a tag.

    `seen_us` is when it was last read (UTC): for an arrival or a move that is the read which showed it. `device` and
    `antenna` made that read. `zone` is where the tag is now, or was last if it departed or is unknown. `from_zone` is
    the zone it moved out of, or, when it arrives, the one it was last known in before it became unknown.
    `reads` is how many reads show the change, 0 where their absence does; `rssi_cdbm` is their mean.
    """

    change: Presence
    epc: bytes
    device: DeviceId
    antenna: int
    zone: str
    from_zone: str | None
    seen_us: int
    reads: int
    rssi_cdbm: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A tag as its last change left it; `present` is False if nobody knows whether it is still there."""

    epc: bytes
    device: DeviceId
    antenna: int
    zone: str
    seen_us: int
    present: bool


@dataclass(slots=True)
class Counts:
    """What the engine did not take for a new read, by why; all since it was made.

    `repeated`: known already. `late`: before what the tag's last state rests on. `too_old`: too old to say anything of
    now. `ahead`: from the future, taken as of now. `no_zone`: of an antenna in no zone. `bad_epc`: none, or too long.
    `refused`: a new tag beyond the bound. `put_off`: changes that waited because nobody took those before.
    """

    repeated: int = 0
    late: int = 0
    too_old: int = 0
    ahead: int = 0
    no_zone: int = 0
    bad_epc: int = 0
    refused: int = 0
    put_off: int = 0
