"""What REST gives of hand-over checks: what each record says, and the record itself as it was signed."""

from __future__ import annotations

from typing import Literal

from hub.web.models import Model
from protocol.acceptance import Acceptance, read_record
from protocol.identity_words import HandedOver


class CheckedStep(Model):
    """A step of a hand-over check: one device, and what it showed (`protocol.acceptance.StepDone`)."""

    kind: str
    device: str
    driver: str
    model: str
    result: Literal["passed", "failed", "skipped"]
    fault: str
    note: str
    seen: str
    grams: int | None
    zero_grams: int | None
    tags: int | None


class HandOver(Model):
    """A hand-over check: what its record says, and the record itself as it was signed.

    `record` is signed by `signature` (ECDSA on P-256 with SHA-256, DER in base64) with the key `public_key` (SPKI, DER
    in base64), of the certificate `serial`: its SHA-256 is the `key_sha256` that this certificate was given for.
    """

    identity: str
    received_us: int
    check: str
    position: str
    person: str
    begun_us: int
    ended_us: int
    clock_error_us: int | None
    software: str
    serial: str
    flawless: bool
    steps: list[CheckedStep]
    record: str
    signature: str
    public_key: str

    @classmethod
    def of(cls, word: HandedOver) -> HandOver:
        record = record_of(word)
        return cls(
            identity=word.identity,
            received_us=word.at_us,
            check=record.check,
            position=record.position,
            person=record.person,
            begun_us=record.begun_us,
            ended_us=record.ended_us,
            clock_error_us=record.clock_error_us,
            software=record.software,
            serial=record.serial,
            flawless=record.flawless,
            steps=[
                CheckedStep(
                    kind=step.kind.value, device=step.device, driver=step.driver, model=step.model,
                    result=step.result.value, fault=step.fault, note=step.note, seen=step.seen, grams=step.grams,
                    zero_grams=step.zero_grams, tags=step.tags,
                )
                for step in record.steps
            ],
            record=word.record,
            signature=word.signature,
            public_key=word.public_key,
        )  # fmt: skip


class HandOvers(Model):
    """The hand-over checks of a station, the newest first."""

    checks: list[HandOver]


def record_of(word: HandedOver) -> Acceptance:
    """Give the record that a word of the journal holds; it was read before the word was taken."""
    return read_record(word.record.encode())
