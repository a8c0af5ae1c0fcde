"""Looks for hubs on the shop's network by mDNS and DNS-SD (RFC 6762, 6763): for an invitation that gives no address.

Anybody on the network may answer. What comes of this is where to ask, never whom to believe: that the fingerprint in
the invitation decides, and later the authority that the station is enrolled with.
"""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from edge.enrol.errors import Unreachable
from edge.enrol.folder import Found
from protocol.enrolment import SERVICE_TYPE

GATHER_S: Final = 1.0
"""How long answers are gathered before the first is tried, so that who is fastest is not always first."""
SEEK_S: Final = 5.0
MOST_TRIED: Final = 12
"""Answers that are tried in one go. Who fills the network with false ones delays an enrolment, and gets nothing."""
MOST_ADDRESSES: Final = 4
RESOLVE_MS: Final = 1000

Seek = Callable[[], Iterator[Found]]


def by_mdns(seek_s: float = SEEK_S, interfaces: Sequence[str] | None = None) -> Iterator[Found]:
    """Give where hubs say that they are, as answers come, each place once; blocks for up to `seek_s`.

    `interfaces` are addresses of this machine, None for all. Raises `Unreachable` where the machine has no network.
    """
    # Loaded by who has to look: a station that was told an address never does.
    from zeroconf import InterfaceChoice, IPVersion, ServiceBrowser, ServiceStateChange, Zeroconf

    names: queue.SimpleQueue[str] = queue.SimpleQueue()

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is not ServiceStateChange.Removed:
            names.put(name)

    try:
        wire = Zeroconf(InterfaceChoice.All if interfaces is None else list(interfaces), ip_version=IPVersion.V4Only)
    except OSError as error:
        raise Unreachable(f"no hub can be looked for: {error.strerror or error}") from None
    try:
        browser = ServiceBrowser(wire, SERVICE_TYPE, handlers=[heard])
        until_s = time.monotonic() + seek_s
        tried: set[Found] = set()
        asked = 0
        time.sleep(min(GATHER_S, seek_s))
        while waiting := _waiting(names, until_s):
            random.shuffle(waiting)
            for name in waiting[: MOST_TRIED - asked]:
                asked += 1
                told = wire.get_service_info(SERVICE_TYPE, name, RESOLVE_MS)
                if told is None or not told.port:
                    continue
                for address in told.parsed_addresses(IPVersion.V4Only)[:MOST_ADDRESSES]:
                    found = Found(address, told.port, sought=True)
                    if found not in tried:
                        tried.add(found)
                        yield found
        browser.cancel()
    finally:
        wire.close()


def _waiting(names: queue.SimpleQueue[str], until_s: float) -> list[str]:
    """Give the names that came, or wait for one until then; none: nobody is left."""
    found: list[str] = []
    try:
        found.append(names.get(timeout=max(0.001, until_s - time.monotonic())))
        while True:
            found.append(names.get_nowait())
    except queue.Empty:
        return list(dict.fromkeys(found))
