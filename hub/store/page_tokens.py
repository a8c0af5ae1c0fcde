"""The cursors of pages: what the last row was ordered by, opaque to whoever hands it back; they never go stale."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from hub.errors import BadInput


def token(*values: str | int) -> str:
    """Write what the last row of a page was ordered by."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def from_token(token: str, *kinds: type) -> tuple[Any, ...]:
    """Read a page's token. Raises `BadInput` ("bad-page")."""
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), type=list)
    except (binascii.Error, msgspec.DecodeError, ValueError) as error:
        raise BadInput("bad-page", f"{token[:80]!r} was not given by a page before") from error
    if [type(value) for value in values] != list(kinds) or any(
        isinstance(value, int) and abs(value) >> 63 for value in values
    ):
        raise BadInput("bad-page", f"{token[:80]!r} was not given by a page before")
    return tuple(values)
