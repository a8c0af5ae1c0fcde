"""What is said of service tokens: a word of the hub journal for each that was made, and for each that was revoked.

    ["token said"]  ["f", at_us, token, name, scopes, until_us, revoked, author]

Nothing here opens anything: neither the secret nor its hash is ever said. What is in force stands in a file of the
hub's (`hub.tokens`); this is who did it. Fields are only ever added at the end.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from protocol.errors import BadInput

MAX_NAME: Final = 100
MAX_AUTHOR: Final = 100
_TOKEN: Final = re.compile(r"[0-9a-f]{10}")
_SCOPE: Final = re.compile(r"[a-z]+(:[a-z]+)?")
_MAX_SCOPE, _MAX_SCOPES = 32, 32


class TokenSaid(msgspec.Struct, frozen=True, array_like=True, tag="f"):
    """At `at_us` (UTC) a token was made, or, `revoked`, ended for ever.

    `token` is the name by which it is listed, 10 hex digits; `name` says whose it is, `scopes` what it allows and
    `until_us` when it ends by itself, None: never. `author` is who did it, "" where nobody kept that. There is one word
    of each sort for a token, and no more.
    """

    at_us: int
    token: str
    name: str
    scopes: tuple[str, ...]
    until_us: int | None
    revoked: bool
    author: str


def check_token_word(word: TokenSaid) -> None:
    """Hold a word on a token to its bounds, its times aside. Raises `BadInput` ("bad-entry")."""
    if not _TOKEN.fullmatch(word.token):
        raise BadInput("bad-entry", f"a token by the name of {word.token[:40]!r}")
    if not 0 < len(word.name) <= MAX_NAME or len(word.author) > MAX_AUTHOR:
        raise BadInput("bad-entry", f"token {word.token}: a name or an author of too many characters, or none")
    if len(word.scopes) > _MAX_SCOPES or not all(len(s) <= _MAX_SCOPE and _SCOPE.fullmatch(s) for s in word.scopes):
        raise BadInput("bad-entry", f"token {word.token}: scopes that there cannot be")
