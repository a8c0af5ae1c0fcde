"""Signed records of hand-over checks, as a machine of a test makes them."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from protocol.acceptance import (
    Acceptance,
    SignedAcceptance,
    StepDone,
    StepKind,
    StepResult,
    record_bytes,
)
from provisioning.desk import Issued
from tests.unit.provisioning.shop import NOON_US, STORE, Machine

STEPS = (
    StepDone(kind=StepKind.SCAN, device="scanner", driver="serial-scanner", result=StepResult.PASSED, seen="SW1:CHECK"),
    StepDone(
        kind=StepKind.WEIGH,
        device="scale",
        driver="scale-8217",
        model="usb-FTDI_FT232R_A50285BI-if00-port0",
        result=StepResult.FAILED,
        fault="overload",
        zero_grams=0,
    ),
)


def record(issued: Issued, **more: Any) -> Acceptance:
    certificate = load_der_x509_certificate(issued.certificate)
    said: dict[str, Any] = {
        "check": "0123456789abcdef",
        "store": STORE,
        "station": issued.standing.identity,
        "position": "till-3",
        "person": "anna",
        "begun_us": NOON_US,
        "ended_us": NOON_US + 90_000_000,
        "clock_error_us": 1200,
        "software": "0.1.0",
        "serial": f"{certificate.serial_number:032x}",
        "certificate": hashlib.sha256(issued.certificate).hexdigest(),
        "steps": STEPS,
    }
    return Acceptance(**(said | more))


def signed(machine: Machine, what: Acceptance | bytes) -> SignedAcceptance:
    data = what if isinstance(what, bytes) else record_bytes(what)
    signature = machine.key.sign(data, ec.ECDSA(hashes.SHA256()))
    spki = machine.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SignedAcceptance(data.decode(), base64.b64encode(signature).decode(), base64.b64encode(spki).decode())


def body(envelope: SignedAcceptance) -> bytes:
    return msgspec.json.encode(envelope)
