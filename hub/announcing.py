"""Says on the shop's network where stations enrol, by mDNS and DNS-SD (RFC 6762, 6763), where no address stays.

Whom a station believes is decided by the fingerprint in its invitation; this only says where to ask.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import Final

from protocol.enrolment import SERVICE_TYPE, hub_name
from protocol.identity import StoreId

LOOK_S: Final = 10.0
"""How often the machine's addresses are looked at: the network may give it another."""
_log = logging.getLogger(__name__)


class Announcing:
    """`run` until cancelled. `failure` says why nobody can find the hub, "" while he can."""

    def __init__(self, store: StoreId, host: str, port: int) -> None:
        """`host` is what is listened on: one address, or "0.0.0.0" for all that the machine has."""
        self._store = store
        self._host = host
        self._port = port
        self.failure = "it is not announced yet"

    async def run(self) -> None:
        """Announce; again whenever the addresses change."""
        # Loaded by hubs without an address alone.
        from zeroconf import Error

        while True:
            try:
                await self._announce(await asyncio.to_thread(_addresses, self._host))
            except (Error, OSError, ValueError, TimeoutError) as error:
                if self.failure != str(error):
                    _log.error("hub not announced", extra={"error": str(error) or type(error).__name__})
                self.failure = str(error) or type(error).__name__
                await asyncio.sleep(LOOK_S)

    async def _announce(self, addresses: tuple[str, ...]) -> None:
        """Answer for these addresses until they change."""
        from zeroconf import IPVersion, ServiceInfo
        from zeroconf.asyncio import AsyncZeroconf

        if not addresses:
            raise OSError("the machine has no address")
        wire = AsyncZeroconf(interfaces=list(addresses), ip_version=IPVersion.V4Only)
        try:
            told = ServiceInfo(
                SERVICE_TYPE,
                f"{self._store}.{SERVICE_TYPE}",
                port=self._port,
                parsed_addresses=list(addresses),
                properties={"v": "1"},
                server=f"{hub_name(self._store)}.",
            )
            # Two hubs may be called alike, of two shops in one house; a station believes but its own.
            await (await wire.async_register_service(told, allow_name_change=True))
            self.failure = ""
            _log.info("hub announced", extra={"addresses": list(addresses), "port": self._port})
            while await asyncio.to_thread(_addresses, self._host) == addresses:  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(LOOK_S)
        finally:
            await wire.async_unregister_all_services()
            await wire.async_close()


def _addresses(host: str) -> tuple[str, ...]:
    """List the IPv4 addresses that stations may reach what listens on `host` by."""
    if not ipaddress.IPv4Address(host).is_unspecified:
        return (host,)
    import ifaddr

    found = (str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4)
    return tuple(sorted(each for each in found if not ipaddress.IPv4Address(each).is_loopback))
