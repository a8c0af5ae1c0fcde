"""What all of REST takes and gives, as OpenAPI describes it: its words, and what is of no one part.

Quantities are integers in thousandths of the item's unit (`_milli`), money integers in minor units of its currency,
times UTC microseconds (`_us`). Fields are only ever added.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import msgspec.structs
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from hub.store.entry_bounds import MAX_WORD
from hub.store.kept import BackupStatus

Word = Annotated[str, StringConstraints(min_length=1, max_length=MAX_WORD)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Next = Annotated[str | None, Field(description="pass as `after` for the page that follows; null at the end")]


class Model(BaseModel):
    """One schema."""

    model_config = ConfigDict(frozen=True)


def shown(example: dict[str, Any]) -> ConfigDict:
    """Make the configuration of a model that is shown by an example."""
    return ConfigDict(frozen=True, json_schema_extra={"examples": [example]})


class Money(Model):
    """An amount for one unit of the item."""

    minor: int
    currency: Annotated[str, Field(description="ISO 4217")]

    @classmethod
    def of(cls, minor: int | None, currency: str | None) -> Self | None:
        return None if minor is None or currency is None else cls(minor=minor, currency=currency)


class Problem(Model):
    """What went wrong (RFC 9457). Programs go by `name`; `detail` is for people and may be worded anew."""

    model_config = shown(
        {
            "type": "/problems/code-unknown",
            "title": "The catalogue knows no item by this code",
            "status": 404,
            "name": "code-unknown",
            "detail": "no item goes by this code now",
        }
    )

    type: Annotated[str, Field(description="an address at the hub that says what this type of problem is")]
    title: str
    status: int
    name: str
    detail: str


class ProblemType(Model):
    """What a type of problem is."""

    type: str
    title: str
    status: int
    name: str


class NewBackup(Model):
    """A wish for a backup now."""

    author: Line


class Backups(Model):
    """How the second keeping of the hub's file stands. Failures are empty while there is none."""

    configured: bool
    folder: str
    backups: Annotated[int, Field(description="whole ones on the medium")]
    good_us: Annotated[int | None, Field(description="the moment that the newest of them shows")]
    good_file: str
    good_bytes: int
    running: bool
    failure: str
    failed_us: int | None
    archived_us: Annotated[int | None, Field(description="when all that was committed was archived last")]
    archive_failure: str
    same_disk: Annotated[bool, Field(description="the medium is the disk of the hub's own file")]

    @classmethod
    def of(cls, status: BackupStatus | None) -> Self:
        kept = status or BackupStatus("")
        return cls(configured=status is not None, **msgspec.structs.asdict(kept))


class Wellness(Model):
    """Whether the hub can do its work now.

    A trouble is what stands between it and a broker, None when nothing does. `broker_current` is whether the store's
    broker is known to have taken who may speak and who no longer, None where the hub does not look after it.
    """

    status: Literal["ok"]
    broker: bool
    hq: bool | None
    broker_trouble: str | None = None
    hq_trouble: str | None = None
    broker_current: bool | None = None
