"""What a machine remembers of its slots, kept as `status.json` on the data partition, and read by every version.

    {"v":1,"committed":"a","versions":{"a":"1.4.0","b":"1.5.0"},
     "trial":{"slot":"b","version":"1.5.0","release":"9f…","at_us":…,"stage":"pending","asked":true,"ready":["scanner"]},
     "falls":[{"at_us":…,"slot":"b","version":"1.5.0","release":"9f…","why":"unhealthy","detail":"…"}]}

Fields are only ever added, each with a default, for an older version reads what a newer one wrote after a fall back.
The committed slot itself is what `autoboot.txt` says, for the firmware reads nothing else; here it is remembered in
case that file is lost. `versions` names the slots that are whole: one that is being written is not among them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from image.errors import BadInput
from image.layout import Slot

MAX_RECORD_BYTES: Final = 256 * 1024
MAX_FALLS: Final = 20
MAX_DETAIL: Final = 500


class Stage(StrEnum):
    """How far an installation has come: the slot is being written, or is whole and waits to prove itself."""

    WRITING = "writing"
    PENDING = "pending"


class Why(StrEnum):
    """Why a version that was to be tried is not the one that runs."""

    INTERRUPTED = "interrupted"
    """It was not written to its end."""
    UNTRIED = "untried"
    """The machine restarted, but not into it."""
    SILENT = "silent"
    """It was started and nothing was heard from it: it could not boot, hung, or lost power."""
    UNHEALTHY = "unhealthy"
    """It came up, and its health check failed."""
    WITHDRAWN = "withdrawn"
    """Somebody chose the committed slot before it was tried."""
    AUTOBOOT = "autoboot"
    """`autoboot.txt` could not be read and was written anew: no version fell, but what is booted may be the older."""
    STRAY = "stray"
    """A slot came up that was neither committed nor on trial."""


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in the slot that is not committed, and how far it has come.

    `release` is the bundle's SHA-256, "" where none was said. `asked`: the firmware was asked to try it. `ready` are
    the devices that were at work before; None where nobody could say. `verdict` is why its health check failed.
    `refusal` is why it could not even be begun, and `again_us` when that is tried again, by the hub's clock.
    """

    slot: Slot
    stage: Stage
    at_us: int
    version: str = ""
    release: str = ""
    asked: bool = False
    ready: tuple[str, ...] | None = None
    verdict: str = ""
    refusal: str = ""
    again_us: int = 0


class Fall(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something did not come to be, and why."""

    at_us: int
    slot: Slot
    why: Why
    detail: str = ""
    version: str = ""
    release: str = ""


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far the way from the hub to a slot was gone, in a word ("current", "downloading", "waiting", "refused",
    "failed") and a sentence. `release` names the offer."""

    at_us: int
    step: str
    detail: str = ""
    version: str = ""
    release: str = ""


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of it. `committed_at_us` is when a health check last made a slot the committed one, 0 for never."""

    v: int = 1
    committed: Slot | None = None
    versions: dict[Slot, str] = {}
    trial: Trial | None = None
    falls: tuple[Fall, ...] = ()
    committed_at_us: int = 0
    news: News | None = None


_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder(Record).decode


def write_record(record: Record) -> bytes:
    """Write a record as its file."""
    return _encode(record) + b"\n"


def read_record(data: bytes) -> Record:
    """Read a file. Raises `BadInput`."""
    if len(data) > MAX_RECORD_BYTES:
        raise BadInput(f"a record of slots with {len(data)} bytes")
    try:
        record: Record = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"the record of slots cannot be read: {error}") from error
    return record
