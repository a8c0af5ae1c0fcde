"""Words on identities for tests of the store."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from hub.store.store import HubStore
from protocol.acceptance import Acceptance, StepDone, StepKind, StepResult, record_bytes, summary
from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput
from protocol.identity import StationId
from protocol.identity_words import Certified, End, Ended, HandedOver, IdentityWord, Invited, token_hash
from tests.unit.hub_store.shop import NOON_US, SECOND_US

OLD, NEW, THIRD = (identity_of(bytes([n]) * 8) for n in (1, 2, 3))
MINUTE_US = 60 * SECOND_US
DAY_US = 1440 * MINUTE_US


def invited(identity: str = OLD, position: str = "till-3", *, at_us: int = NOON_US, **more: str) -> Invited:
    token = token_hash(f"{identity} {at_us}".encode())
    word = Invited(
        at_us,
        identity,
        Role.STATION,
        position,
        "shop",
        "",
        "sale",
        "",
        token,
        at_us + 15 * MINUTE_US,
        "ann",
        "new till",
    )
    return replace(word, **more)


def certified(
    identity: str = OLD, serial: str = "a1", *, at_us: int = NOON_US + MINUTE_US, renews: str = ""
) -> Certified:
    return Certified(at_us, identity, serial, "1" * 64, at_us - DAY_US, at_us + 60 * DAY_US, "est", "", renews)


def ended(identity: str = OLD, end: End = End.REVOKED, *, at_us: int = NOON_US + 2 * MINUTE_US, key: str = "") -> Ended:
    return Ended(at_us, identity, end, "ann", "stolen", key)


def handed_over(
    identity: str = OLD, serial: str = "a1", *, at_us: int = NOON_US + 90 * SECOND_US, person: str = "anna"
) -> HandedOver:
    """The word on a check whose scale was not there; nobody has signed it."""
    steps = (
        StepDone(kind=StepKind.SCAN, device="hand", driver="serial-scanner", result=StepResult.PASSED, seen="CHECK"),
        StepDone(
            kind=StepKind.WEIGH,
            device="scale",
            driver="scale-8217",
            model="usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0",
            result=StepResult.FAILED,
            fault="absent",
            note="no such file or directory",
        ),
        StepDone(
            kind=StepKind.WEIGH, device="bench", driver="scale-nci", result=StepResult.PASSED, grams=1205, zero_grams=0
        ),
        StepDone(kind=StepKind.TAG, device="door", driver="rfid-llrp", result=StepResult.PASSED, tags=3),
        StepDone(
            kind=StepKind.TONE, device="lights", driver="lights", result=StepResult.SKIPPED, note="<b>not wired yet</b>"
        ),
    )
    record = Acceptance(
        check="0123456789abcdef",
        store="oak-street",
        station=identity,
        position="till-3",
        person=person,
        begun_us=at_us - 80 * SECOND_US,
        ended_us=at_us - SECOND_US,
        clock_error_us=1200,
        software="0.1.0",
        serial=serial,
        certificate="c" * 64,
        steps=steps,
    )
    return HandedOver(at_us, identity, serial, record_bytes(record).decode(), "AA==", "AA==", identity, summary(record))


async def said(store: HubStore, *words: IdentityWord) -> None:
    for word in words:
        await store.identities.say(word)


async def stands(store: HubStore, position: str = "till-3", at_us: int = NOON_US + DAY_US) -> StationId | None:
    return await store.station_at(position, at_us)


async def refused(store: HubStore, word: IdentityWord) -> str:
    head = store.journal.view.head
    with pytest.raises(BadInput) as caught:
        await store.identities.say(word)
    assert store.journal.view.head == head
    return caught.value.name
