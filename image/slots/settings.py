"""`slots.toml`: the few commands and figures that differ between a Raspberry Pi and a machine that only plays one.

Read from /etc/shelfwire/slots.toml, and over it, key by key, from /data/slots/slots.toml, which updates leave alone:

    tryboot = ["/usr/lib/shelfwire/tryboot"]                           # restart, and try the other slot once; or fail
    writable = ["mount", "-o", "remount,rw", "/boot/config"]           # around a change of autoboot.txt
    readonly = ["mount", "-o", "remount,ro", "/boot/config"]
    install = ["rauc", "install"]                                      # followed by the bundle
    agent = "http://127.0.0.1:8171"                                    # the station's local API; "" on a hub
    hub = ""                                                           # the hub's page, on a hub's machine
    health_within_s = 240                                              # after which a slot on trial is left
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from image.errors import BadInput

PLACES: Final = ("etc/shelfwire/slots.toml", "data/slots/slots.toml")

_Here = Annotated[str, msgspec.Meta(pattern="^(http://(127\\.0\\.0\\.1|localhost):[0-9]+)?$")]
_Command = tuple[Annotated[str, msgspec.Meta(min_length=1)], ...]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file says. An empty command does nothing."""

    tryboot: _Command = ("/usr/lib/shelfwire/tryboot",)
    writable: _Command = ("mount", "-o", "remount,rw", "/boot/config")
    readonly: _Command = ("mount", "-o", "remount,ro", "/boot/config")
    install: _Command = ("rauc", "install")
    agent: _Here = "http://127.0.0.1:8171"
    hub: _Here = ""
    health_within_s: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 240


def load_settings(root: Path) -> Settings:
    """Read them for a machine whose root is at `root`. Raises `BadInput`."""
    said: dict[str, Any] = {}
    for place in PLACES:
        try:
            said |= tomllib.loads((root / place).read_text("utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadInput(f"/{place} cannot be read: {error}") from error
    try:
        return msgspec.convert(said, Settings)
    except msgspec.ValidationError as error:
        raise BadInput(f"slots.toml: {error}") from error
