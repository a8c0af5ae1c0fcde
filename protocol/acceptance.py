"""The record of a hand-over check: what a station found of its own devices, with a technician before it, and signed.

    record      `Acceptance` as JSON, its fields in their order and nothing between them: the canonical bytes
    signature   ECDSA on P-256 with SHA-256 (FIPS 186-5) over exactly these bytes, in DER
    public key  SubjectPublicKeyInfo in DER (RFC 5280 section 4.1): of the certificate that the record names

What is signed is the bytes, which everybody keeps as they came: fields that a later station adds are signed, too, and
ignored by whoever does not know them. Pure; signatures are made in `edge.enrol`, and checked in `provisioning`.
"""

from __future__ import annotations

import base64
import binascii
import re
from enum import StrEnum
from typing import Annotated

import msgspec

from protocol.enrolment import parse_identity
from protocol.errors import BadInput

MAX_RECORD_BYTES = 24 * 1024
MAX_ENVELOPE_BYTES = 2 * MAX_RECORD_BYTES
MAX_STEPS = 24
"""A station has a few devices; what claims to have more is not shown to people."""
MAX_TEXT = 200
LATEST_US = 2**53


class StepKind(StrEnum):
    """What the technician is asked to do."""

    SCAN = "scan"
    """Scan the CHECK card."""
    WEIGH = "weigh"
    """Empty the scale, then put something on it."""
    TAG = "tag"
    """Hold an RFID tag before the antenna."""
    CARD = "card"
    """Hold a contactless card to the reader."""
    BUTTON = "button"
    """Press it."""
    LIGHTS = "lights"
    """Say whether it lit red, and then green."""
    TONE = "tone"
    """Say whether three short tones were heard."""
    READY = "ready"
    """Nothing: the device is there, and nothing more is known of its kind."""


class StepResult(StrEnum):
    """What became of a step."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]
Word = Annotated[str, msgspec.Meta(max_length=63)]
Hex = Annotated[str, msgspec.Meta(max_length=64, pattern="^[0-9a-f]+$")]
MaybeCount = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] | None


class StepDone(msgspec.Struct, frozen=True, kw_only=True):
    """One device, and what it showed.

    `driver` is what kind of device it is by its settings, `model` what is known of the very one: the end of its path,
    which for a USB device names maker, model and serial number. `fault` names why it failed ("absent", "not-done",
    "unstable", …), `note` says it in words: of a skipped step the reason. `seen` is the code that was scanned, or what
    kind of card it was; `grams` what was weighed, `zero_grams` what the empty scale showed; `tags` how many were seen.
    """

    kind: StepKind
    device: Word
    driver: Word
    model: Text = ""
    result: StepResult
    fault: Word = ""
    note: Text = ""
    seen: Text = ""
    grams: Annotated[int, msgspec.Meta(ge=-10_000_000, le=10_000_000)] | None = None
    zero_grams: Annotated[int, msgspec.Meta(ge=-10_000, le=10_000)] | None = None
    tags: MaybeCount = None
    took_ms: Annotated[int, msgspec.Meta(ge=0, le=86_400_000)] = 0


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-over check that was walked to its end.

    `check` are 16 hex digits that were drawn for it. `person` is who did it, "" if nobody said. Times are UTC by the
    hub's clock, `clock_error_us` how far off they may be; None: by the station's own clock, the hub was not met yet.
    `serial` and `certificate` (SHA-256 of its DER, in hex) say by which certificate's key it is signed.
    """

    version: int = 1
    check: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    store: Word
    station: Word
    position: Word
    person: Annotated[str, msgspec.Meta(max_length=100)] = ""
    begun_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)]
    ended_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)]
    clock_error_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)] | None = None
    software: Text
    serial: Hex
    certificate: Hex
    steps: Annotated[tuple[StepDone, ...], msgspec.Meta(max_length=MAX_STEPS)]

    def of(self, result: StepResult) -> tuple[StepDone, ...]:
        """Give the steps that came out so."""
        return tuple(step for step in self.steps if step.result is result)

    @property
    def flawless(self) -> bool:
        """Whether every step was passed."""
        return all(step.result is StepResult.PASSED for step in self.steps)


class SignedAcceptance(msgspec.Struct, frozen=True):
    """What a station sends, and what is kept: the record's bytes as text, signature and public key in base64."""

    record: Annotated[str, msgspec.Meta(max_length=MAX_RECORD_BYTES)]
    signature: Annotated[str, msgspec.Meta(max_length=120)]
    public_key: Annotated[str, msgspec.Meta(max_length=200)]

    @property
    def signature_der(self) -> bytes:
        """The signature in DER. Raises `BadInput` ("bad-acceptance")."""
        return _unbase64(self.signature, "signature")

    @property
    def public_key_der(self) -> bytes:
        """The public key in DER. Raises `BadInput` ("bad-acceptance")."""
        return _unbase64(self.public_key, "public key")


_INERT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]*")
"""What may stand on a page and a terminal: no controls, and nothing that turns the direction of writing."""
_envelope = msgspec.json.Decoder(SignedAcceptance).decode
_record = msgspec.json.Decoder(Acceptance).decode


def record_bytes(record: Acceptance) -> bytes:
    """Write a record's canonical bytes."""
    return msgspec.json.encode(record)


def read_record(data: bytes) -> Acceptance:
    """Read a record's bytes. Raises `BadInput` ("bad-acceptance", "acceptance-size")."""
    if len(data) > MAX_RECORD_BYTES:
        raise BadInput("acceptance-size", f"a record of {len(data)} bytes, more than {MAX_RECORD_BYTES}")
    try:
        record = _record(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-acceptance", f"no record of a check: {str(error)[:200]}") from error
    if record.version != 1:
        raise BadInput("bad-acceptance", f"a record of version {record.version}")
    parse_identity(record.station)
    if record.ended_us < record.begun_us:
        raise BadInput("bad-acceptance", "a check that ended before it began")
    told = (record.store, record.position, record.person, record.software)
    steps = (text for step in record.steps for text in _texts(step))
    if not all(_INERT.fullmatch(text) for text in (*told, *steps)):
        raise BadInput("bad-acceptance", "control characters in a record")
    return record


def read_envelope(body: bytes) -> SignedAcceptance:
    """Read what a station sends. Raises `BadInput` ("bad-acceptance", "acceptance-size")."""
    if len(body) > MAX_ENVELOPE_BYTES:
        raise BadInput("acceptance-size", f"{len(body)} bytes, more than {MAX_ENVELOPE_BYTES}")
    try:
        return _envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad-acceptance", f"no signed record: {str(error)[:200]}") from error


def inert(text: str) -> str:
    """Make anybody's text fit for a record: what may not stand there becomes a question mark."""
    return "".join(char if _INERT.fullmatch(char) else "?" for char in text)


def summary(record: Acceptance) -> str:
    """Say in a line what came of it."""
    said = [
        f"{word}: " + ", ".join(f"{step.device} ({step.fault or step.note or step.kind})" for step in found)
        for word, found in (("failed", record.of(StepResult.FAILED)), ("skipped", record.of(StepResult.SKIPPED)))
        if found
    ]
    by = f", by {record.person}" if record.person else ""
    passed = f"{len(record.of(StepResult.PASSED))} of {len(record.steps)} passed{by}"
    return "; ".join([passed, *said])[:500]


def _texts(step: StepDone) -> tuple[str, ...]:
    return step.device, step.driver, step.model, step.fault, step.note, step.seen


def _unbase64(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadInput("bad-acceptance", f"the {what} is not in base64") from error
