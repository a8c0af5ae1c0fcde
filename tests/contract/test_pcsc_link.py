"""What a card reader's link does when pcscd or pyscard fails in a way that the real ones will not show on demand.

The rest is tested against a real pcscd (tests/integration/test_nfc_reader.py). What stands in is `smartcard.scard`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import ModuleType

import pytest

from edge.errors import ContractBroken, HardwareAbsent
from edge.links.pcsc import PcscLink
from tests.integration.station_rig import until

DEADLINE_S = 60
READER = "ACS ACR1252 PICC 00 00"
EMPTY, PRESENT, CHANGED, GONE = 0x10, 0x20, 0x02, 0x04 | 0x08 | 0x02


class StandInScard(ModuleType):
    """smartcard.scard with one reader, empty at first: `becomes` has `SCardGetStatusChange` tell of a change.

    It ends by `SCardCancel`, unless pcscd `hangs`.
    """

    SCARD_SCOPE_USER = 0
    SCARD_SHARE_SHARED = 2
    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 = 1, 2
    SCARD_PCI_T0, SCARD_PCI_T1 = 10, 20
    SCARD_LEAVE_CARD = 0
    SCARD_S_SUCCESS, SCARD_E_CANCELLED, SCARD_E_TIMEOUT = 0, 0x80100002, 0x8010000A
    SCARD_STATE_UNAWARE, SCARD_STATE_IGNORE, SCARD_STATE_CHANGED = 0, 1, 2
    SCARD_STATE_UNKNOWN, SCARD_STATE_UNAVAILABLE, SCARD_STATE_PRESENT = 4, 8, 0x20

    def __init__(self, *, hangs: bool = False) -> None:
        super().__init__("smartcard.scard")
        self._hangs = hangs
        self._changes: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        self.let_go = threading.Event()
        self.waits = 0
        self.connecting = 0

    def becomes(self, state: int, atr: bytes = b"") -> None:
        self._changes.put((state, atr))

    def cancel(self) -> None:
        self._changes.put(None)

    def SCardEstablishContext(self, _scope: int) -> tuple[int, int]:  # noqa: N802 - pyscard's names, here and below
        return 0, 7

    def SCardReleaseContext(self, _context: int) -> int:  # noqa: N802
        self.let_go.set()
        return 0

    def SCardCancel(self, _context: int) -> int:  # noqa: N802
        if not self._hangs:
            self.cancel()
        return 0

    def SCardListReaders(self, _context: int, _groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
        return 0, [READER]

    def SCardGetStatusChange(  # noqa: N802
        self, _context: int, timeout_ms: int, states: list[tuple[str, int]]
    ) -> tuple[int, list[tuple[str, int, list[int]]]]:
        self.waits += 1
        ((reader, known),) = states
        if known == self.SCARD_STATE_UNAWARE:
            return 0, [(reader, EMPTY, [])]
        try:
            change = self._changes.get(timeout=timeout_ms / 1000)
        except Empty:
            return self.SCARD_E_TIMEOUT, [(reader, known, [])]
        if change is None:
            return self.SCARD_E_CANCELLED, [(reader, known, [])]
        return 0, [(reader, change[0], list(change[1]))]

    def SCardConnect(  # noqa: N802
        self, _context: int, _reader: str, _sharing: int, _protocols: int
    ) -> tuple[int, int, int]:
        return self.connecting, 9, self.SCARD_PROTOCOL_T1

    def SCardTransmit(self, _card: int, pci: int, command: list[int]) -> tuple[int, list[int]]:  # noqa: N802
        assert (pci, bytes(command)) == (self.SCARD_PCI_T1, bytes.fromhex("FFCA000000"))
        return 0, [1, 2, 3, 4, 0x90, 0x00]

    def SCardDisconnect(self, _card: int, _disposition: int) -> int:  # noqa: N802
        return 0

    def SCardGetErrorMessage(self, result: int) -> str:  # noqa: N802
        return f"error {result:#x}"


Install = Callable[[ModuleType | None], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    return lambda module: monkeypatch.setitem(sys.modules, "smartcard.scard", module)


async def read(link: PcscLink) -> bytes:
    async with asyncio.timeout(DEADLINE_S):
        return await link.read()


async def test_a_reader_that_is_unplugged_ends_its_reads_and_is_named(install: Install) -> None:
    module = StandInScard()
    install(module)
    async with PcscLink("ACR1252") as link:
        module.becomes(GONE)
        assert await read(link) == b""
        assert await read(link) == b""
        assert link.why == f"{READER} was unplugged"


async def test_a_card_taken_away_and_put_back_between_two_looks_is_a_second_tap(install: Install) -> None:
    first, again = 0x0001_0000 | PRESENT | CHANGED, 0x0003_0000 | PRESENT | CHANGED
    module = StandInScard()
    install(module)
    async with PcscLink(READER) as link:
        for state in (first, first, again, GONE):
            module.becomes(state, b"\x3b")
        taps = [await read(link) for _ in range(3)]
    assert taps == [b"\x01\x3b\x01\x02\x03\x04\x90\x00"] * 2 + [b""]


async def test_a_card_that_cannot_be_asked_has_no_answer(install: Install) -> None:
    module = StandInScard()
    module.connecting = 0x80100069
    install(module)
    async with PcscLink(READER) as link:
        module.becomes(PRESENT, b"\x3b\x00")
        assert await read(link) == b"\x02\x3b\x00"


async def test_it_sleeps_in_pcscd_and_does_not_ask_again_and_again(install: Install) -> None:
    module = StandInScard()
    install(module)
    async with PcscLink(READER) as link:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await link.read()
        assert module.waits == 2  # how it is now, and the change to come


async def test_closing_wakes_a_waiting_read_and_lets_go_of_pcscd(install: Install) -> None:
    module = StandInScard()
    install(module)
    link = PcscLink(READER)
    async with link:
        waiting = asyncio.create_task(read(link))
        await asyncio.sleep(0)
        await link.aclose()
        assert await waiting == b""
    assert module.let_go.is_set()
    with pytest.raises(ContractBroken):
        await link.read()


async def test_a_pcscd_that_hangs_holds_up_nobody(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.links.pcsc.CLOSE_S", 0.05)
    module = StandInScard(hangs=True)
    install(module)
    async with asyncio.timeout(DEADLINE_S):
        async with PcscLink(READER) as link:
            await until(lambda: module.waits == 2)
            waiting = asyncio.create_task(link.read())
            await asyncio.sleep(0)
        assert await waiting == b""
    assert not module.let_go.is_set()
    module.cancel()
    assert await asyncio.to_thread(module.let_go.wait, DEADLINE_S)


async def test_a_pcscd_that_hangs_while_it_is_watched_is_noticed_and_no_thread_is_added(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.links.pcsc.CLOSE_S", 0.05)
    module = StandInScard(hangs=True)
    install(module)
    link = PcscLink(READER)
    async with link:
        await until(lambda: module.waits == 2)
        monkeypatch.setattr("edge.links.pcsc.WAIT_S", 0.05)
        monkeypatch.setattr("edge.links.pcsc.ANSWER_S", 0.05)
        assert await read(link) == b""
        assert link.why == "pcscd does not answer"
    threads = threading.active_count()
    for _ in range(5):
        with pytest.raises(HardwareAbsent, match="pcscd does not answer"):
            await link.__aenter__()
    assert threading.active_count() == threads
    module.cancel()
    await until(module.let_go.is_set)


async def test_opening_twice_is_our_bug(install: Install) -> None:
    install(StandInScard())
    async with PcscLink(READER) as link:
        with pytest.raises(ContractBroken):
            await link.__aenter__()


async def test_without_pyscard_the_reader_is_absent(install: Install) -> None:
    install(None)
    with pytest.raises(HardwareAbsent, match="no pyscard here"):
        await PcscLink(READER).__aenter__()


async def test_whatever_pyscard_raises_is_a_reader_that_is_absent_or_gone(install: Install) -> None:
    class Raising(StandInScard):
        def SCardListReaders(self, _context: int, _groups: list[str]) -> tuple[int, list[str]]:  # noqa: N802
            raise SystemError("no winscard")

    install(Raising())
    with pytest.raises(HardwareAbsent, match="SystemError: no winscard"):
        await PcscLink(READER).__aenter__()
