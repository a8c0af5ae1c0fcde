"""What REST gives of who let whom in: the words of the journal on identities and service tokens."""

from __future__ import annotations

from typing import Literal

from hub.store.audit import AuditWord
from hub.web.models import Model, Next
from protocol.draining import DrainOpened, DrainTaken
from protocol.identity_words import Certified, End, Ended, HandedOver, Invited
from protocol.service_tokens import TokenSaid
from protocol.topics import Stream


class Said(Model):
    """A word on an identity or on a service token, as it stands in the journal: who said it, when and why.

    `position` is of an invitation, `serial` and `not_after_us` of a certificate, `end` of an end; `stream` of a drain,
    with `until_us` where it was opened and `up_to` (EPOCH:SEQ) where a log was taken; null elsewhere. Of a service
    token there are `token` (by which it is listed), `name`, `scopes` and `until_us` (null: it never ends by itself) and
    no `identity`; its `author` is "" where nobody kept who did it, and there is no note.
    """

    kind: Literal[
        "invited", "certified", "ended", "handed-over", "drain-opened", "drain-taken", "token-made", "token-revoked"
    ]
    identity: str | None
    at_us: int
    author: str
    note: str
    position: str | None = None
    replaces: str | None = None
    serial: str | None = None
    renews: str | None = None
    not_after_us: int | None = None
    end: End | None = None
    stream: Stream | None = None
    until_us: int | None = None
    up_to: str | None = None
    token: str | None = None
    name: str | None = None
    scopes: list[str] | None = None

    @classmethod
    def of(cls, word: AuditWord) -> Said:
        match word:
            case Invited():
                return cls(
                    kind="invited", identity=word.identity, at_us=word.at_us, author=word.author, note=word.note,
                    position=word.position, replaces=word.replaces or None,
                )  # fmt: skip
            case Certified():
                return cls(
                    kind="certified", identity=word.identity, at_us=word.at_us, author=word.author, note=word.note,
                    serial=word.serial, renews=word.renews or None, not_after_us=word.not_after_us,
                )  # fmt: skip
            case Ended():
                return cls(
                    kind="ended", identity=word.identity, at_us=word.at_us, author=word.author, note=word.note,
                    end=word.end,
                )  # fmt: skip
            case HandedOver():
                return cls(
                    kind="handed-over", identity=word.identity, at_us=word.at_us, author=word.author, note=word.note,
                    serial=word.serial,
                )  # fmt: skip
            case DrainOpened():
                return cls(
                    kind="drain-opened", identity=word.identity, at_us=word.at_us, author=word.author, note=word.note,
                    stream=word.stream, until_us=word.until_us,
                )  # fmt: skip
            case DrainTaken():
                return cls(
                    kind="drain-taken", identity=word.identity, at_us=word.at_us, author=word.author, note=word.note,
                    stream=word.stream, up_to=f"{word.epoch}:{word.seq}",
                )  # fmt: skip
            case TokenSaid():
                return cls(
                    kind="token-revoked" if word.revoked else "token-made", identity=None, at_us=word.at_us,
                    author=word.author, note="", token=word.token, name=word.name, scopes=list(word.scopes),
                    until_us=word.until_us,
                )  # fmt: skip


class Audit(Model):
    """What was said of identities and of service tokens, the newest first."""

    words: list[Said]
    next: Next
