"""NFC and RFID card readers behind pcscd: each card put down is told of with its number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Annotated

import msgspec

from edge.codecs.hid_reports import framed
from edge.codecs.pcsc import PcscCodec, from_options
from edge.codecs.readings import Reading
from edge.drivers.api import Driver, Kind, Match, Settings, StepKind
from edge.drivers.condition import Clock, boot_ns
from edge.drivers.linked import LinkedDevice
from edge.errors import LinkLost
from edge.links.pcsc import PcscLink


class NfcReaderSettings(Settings, frozen=True):
    """A reader's table. `reader`: a part of the name that pcscd gives it, which no other reader's has."""

    reader: Annotated[str, msgspec.Meta(min_length=1)]


class NfcReader(LinkedDevice[PcscLink]):
    """One reader; implements `edge.drivers.api.Device`."""

    def __init__(self, settings: NfcReaderSettings, *, clock: Clock = boot_ns) -> None:
        super().__init__(PcscLink(settings.reader), settings.reader, clock)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._link.aclose()
        await super().__aexit__(kind, error, trace)

    async def readings(self) -> AsyncIterator[Reading]:
        self._check_open()
        codec = PcscCodec()
        while True:
            try:
                record = await self._hear(None)
            except LinkLost as error:
                why = self._link.why or str(error)
                self._condition.lost(why)
                raise LinkLost(why) from error
            codec.feed(framed(record or b""))
            while (reading := codec.next_reading()) is not None:
                self._condition.heard(reading)
                yield reading


DRIVER = Driver(
    "nfc-reader",
    "NFC card reader behind pcscd",
    NfcReaderSettings,
    NfcReader,
    checks=(StepKind.CARD,),
    experimental="tested against a real pcscd with a virtual reader, without a recorded capture of a real one",
    codecs={"pcsc": from_options},
    matches=[Match(Kind.SMART_CARD, "reader")],
)
