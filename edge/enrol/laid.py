"""An invitation in a file, as on the partition that a card reader shows: read once, then overwritten.

invitation.txt      the 80 digits, in any rows
shelfwire.toml      invitation = "80 digits"
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from edge.enrol.files import erase, get
from protocol.errors import BadInput
from protocol.invitation import read_invitation


def read_laid(path: Path) -> str | None:
    """Read the digits from a file; None if there is none. Raises `OSError`, and `BadInput` for no invitation."""
    data = get(path)
    if data is None:
        return None
    text = data.decode("utf-8", "replace")
    if path.suffix == ".toml":
        try:
            text = str(tomllib.loads(text).get("invitation", ""))
        except tomllib.TOMLDecodeError as error:
            raise BadInput("invitation-length", f"{path.name} is no TOML") from error
    read_invitation(text)
    return text


def use_up(path: Path) -> None:
    """Overwrite and delete the file: what it holds is a secret, and used. Raises `OSError`."""
    erase(path)
