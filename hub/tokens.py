"""Bearer tokens of programs and people: made, told once, kept as hashes in a file beside the hub's, and recognised.

    shelfwire_1f0c9a7be2_nF3w...43 characters, 256 random bits
              |          `-- the secret: only its SHA-256 is kept
              `-- the name by which it is listed and revoked

A secret of 256 random bits needs no slow hash: nobody can try them all. The file is apart from the store's because a
backup put back must not bring back a token revoked since, nor a stolen one tell anybody even hashes. Who made and who
revoked a token stands in it, too, for the command may run while no hub does: `hub.token_keeping` tells the journal.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import hmac
import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec.structs import replace

from hub.errors import BadInput
from hub.store.whole_files import finish, unfinished
from protocol.service_tokens import MAX_AUTHOR, MAX_NAME, TokenSaid

FILE: Final = "tokens.json"
_PRESENTED: Final = re.compile(r"shelfwire_([0-9a-f]{10})_([A-Za-z0-9_-]{43})")
_log = logging.getLogger(__name__)


class Scope(StrEnum):
    """What a token allows."""

    STOCK_READ = "stock:read"
    STOCK_DECIDE = "stock:decide"
    COUNTS = "counts"
    TRANSFERS = "transfers"
    CATALOGUE = "catalogue"
    HUB = "hub"
    PROVISION = "provision"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a token; times are UTC microseconds. `until_us` None: it never ends by itself.

    `made_by` and `revoked_by` are "" where nobody kept who did it, as in files of earlier releases.
    """

    id: str
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
    sha256: str
    scopes: tuple[Scope, ...]
    made_us: int
    until_us: int | None = None
    revoked_us: int | None = None
    made_by: str = ""
    revoked_by: str = ""

    def valid(self, now_us: int) -> bool:
        """Whether it still opens anything."""
        return self.revoked_us is None and (self.until_us is None or now_us < self.until_us)


class Tokens:
    """All tokens ever made. `made`: there are some, so that nothing is open to those who bring none."""

    def __init__(
        self, tokens: Sequence[Token] = (), *, damaged: bool = False, refused: AbstractSet[str] = frozenset()
    ) -> None:
        """`damaged`: the file could not be read. Then nobody is let in, for there may have been tokens.

        The tokens named in `refused` open nothing, whatever the file says of them.
        """
        self.all = tuple(tokens)
        self.made = bool(tokens) or damaged
        self._by_id = {token.id: token for token in tokens if token.id not in refused}

    def find(self, presented: str, now_us: int) -> Token | None:
        """Recognise what somebody presents; None for what is unknown, revoked or past its end."""
        parts = _PRESENTED.fullmatch(presented)
        token = None if parts is None else self._by_id.get(parts[1])
        if parts is None or token is None or not token.valid(now_us):
            return None
        return token if hmac.compare_digest(_hash(parts[2]), token.sha256) else None


NO_TOKENS: Final = Tokens()


def make_token(
    name: str, scopes: Sequence[Scope], until_us: int | None, now_us: int, random: Callable[[int], str], by: str = ""
) -> tuple[Token, str]:
    """Make a token; give it and what its bearer presents. `random` is as `secrets.token_urlsafe`, `by` who makes it.

    Raises `BadInput` ("bad-token-name", "bad-author").
    """
    if not (0 < len(name) <= MAX_NAME and name.isprintable()):
        raise BadInput("bad-token-name", f"1 to {MAX_NAME} printable characters")
    _check_author(by)
    secret = random(32)
    identity = _hash(random(16))[:10]
    scopes = tuple(dict.fromkeys(scopes))
    token = Token(
        id=identity, name=name, sha256=_hash(secret), scopes=scopes, made_us=now_us, until_us=until_us, made_by=by
    )
    return token, f"shelfwire_{identity}_{secret}"


def words_of(tokens: Tokens) -> tuple[TokenSaid, ...]:
    """Say in words for the journal what was done to tokens, and when, the first first."""
    words = list[TokenSaid]()
    for token in tokens.all:
        made = TokenSaid(
            at_us=token.made_us,
            token=token.id,
            name=token.name,
            scopes=tuple(scope.value for scope in token.scopes),
            until_us=token.until_us,
            revoked=False,
            author=token.made_by[:MAX_AUTHOR],
        )
        words.append(made)
        if token.revoked_us is not None:
            words.append(replace(made, at_us=token.revoked_us, revoked=True, author=token.revoked_by[:MAX_AUTHOR]))
    # By a clock that was set back a token may have ended before it was made.
    return tuple(sorted(words, key=lambda word: (word.at_us, word.revoked)))


class _File(msgspec.Struct, frozen=True):
    version: int
    tokens: tuple[Token, ...]


class TokenFile:
    """The file in a hub's data folder; commands write it, one at a time, and a running hub reads it."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE

    def load(self) -> Tokens:
        """Read the file. Raises `BadInput` ("bad-tokens") for one that is not ours, and `OSError`."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return NO_TOKENS
        try:
            return Tokens(msgspec.json.decode(data, type=_File).tokens)
        except msgspec.DecodeError as error:
            raise BadInput("bad-tokens", f"{self.path}: {error}") from error

    def create(
        self,
        name: str,
        scopes: Sequence[Scope],
        until_us: int | None,
        now_us: int,
        random: Callable[[int], str],
        by: str = "",
    ) -> tuple[Token, str]:
        """Make a token and keep it, as `make_token` does. Raises `BadInput` also ("bad-tokens"), `OSError`."""
        token, presented = make_token(name, scopes, until_us, now_us, random, by)
        with self._locked():
            self._write((*self.load().all, token))
        return token, presented

    def revoke(self, identity: str, now_us: int, by: str = "") -> Token:
        """End a token for ever; it stays listed, by whom it was ended first.

        Raises `BadInput` ("token-unknown", "bad-author", "bad-tokens"), `OSError`.
        """
        _check_author(by)
        with self._locked():
            tokens = self.load().all
            token = next((each for each in tokens if each.id == identity), None)
            if token is None:
                raise BadInput("token-unknown", f"no token {identity!r}")
            if token.revoked_us is None:
                token = replace(token, revoked_us=now_us, revoked_by=by)
                self._write(tuple(token if each.id == identity else each for each in tokens))
        return token

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, tokens: tuple[Token, ...]) -> None:
        part = unfinished(self.path)
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_File(1, tokens)), indent=1) + b"\n")
        finish(self.path)


class TokenWatch:
    """What the file says, as a running hub knows it."""

    def __init__(self, file: TokenFile) -> None:
        self._file = file
        self._seen: tuple[int, ...] | None = None
        self._tokens: Tokens | None = None

    def latest(self) -> Tokens:
        """Give them. Before the first look nobody is let in."""
        return Tokens(damaged=True) if self._tokens is None else self._tokens

    async def look(self) -> None:
        """Read the file if it has changed."""
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        try:
            told = self._file.path.stat()
            seen: tuple[int, ...] = (told.st_ino, told.st_mtime_ns, told.st_size)
        except FileNotFoundError:
            seen = ()
        except OSError as error:
            _log.warning("tokens not looked at", extra={"error": str(error)})
            return
        if seen == self._seen:
            return
        try:
            self._tokens = self._file.load()
        except (BadInput, OSError) as error:
            # What was known may have been revoked in what cannot be read.
            self._tokens = Tokens(damaged=True)
            _log.error("tokens not read: nobody is let in", extra={"error": str(error)})
        self._seen = seen


def _check_author(by: str) -> None:
    if len(by) > MAX_AUTHOR or not by.isprintable():
        raise BadInput("bad-author", f"at most {MAX_AUTHOR} printable characters")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
