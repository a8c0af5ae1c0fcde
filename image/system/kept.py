"""What the machine keeps of the technician's file: /data/network/taken.json, for root alone, replaced whole.

It is the one place that decides. A power cut at any moment leaves it as it was before a step or after it, so that what
was taken over is done to the end at the next start, once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from image.system.boot_file import BootFile
from image.system.files import get, put, put_if_other

NAME: Final = "taken.json"


class ToDo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was taken over and is to be done once."""

    invitation: str = ""
    factory_reset: str = ""
    ssh_key: str = ""
    ssh_hours: int = 0


class Taken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What holds. `file` is the last good one, blotted; `password` that of its wireless network.

    `original` are the bytes of a file whose secrets are still to be blotted out, b"" for none.
    """

    file: BootFile = msgspec.field(default_factory=BootFile)
    password: str = ""
    to_do: ToDo = msgspec.field(default_factory=ToDo)
    original: bytes = b""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Taken).decode


def read_taken(folder: Path) -> Taken:
    """Read it. One that cannot be read is none: then the technician's file, if there is one, holds anew."""
    try:
        return _decode(get(folder / NAME) or b"{}")
    except (msgspec.DecodeError, OSError):
        return Taken()


def keep_taken(folder: Path, taken: Taken) -> None:
    """Replace it, if it is another. Raises `OSError`."""
    put_if_other(folder / NAME, _encode(taken), 0o600)


def forget_taken(folder: Path) -> None:
    """Begin anew."""
    put(folder / NAME, _encode(Taken()), 0o600)
