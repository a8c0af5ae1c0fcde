"""Free TCP ports on loopback that stay free while their owner is down."""

from __future__ import annotations

import random
import socket
from pathlib import Path

_LOWEST = 20_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 1000


class NoFreePort(Exception):
    """None was found."""


def is_free(port: int) -> bool:
    """Tell whether a server may listen on 127.0.0.1:`port` now."""
    with socket.socket() as probe:
        # As servers do: connections that are just going away do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Find different free ports below those that the kernel gives to clients.

    A client that dials a closed port of its own range may be given that very port and so reach itself; a broker
    that is down for a while would find its port taken. Raises `NoFreePort`.
    """
    below = max(_LOWEST + count, _lowest_of_clients())
    found: list[int] = []
    for _ in range(_TRIES):
        if len(found) == count:
            return found
        port = random.randrange(_LOWEST, below)
        if port not in found and is_free(port):
            found.append(port)
    raise NoFreePort(f"no {count} free ports between {_LOWEST} and {below}")


def _lowest_of_clients() -> int:
    try:
        return int(_RANGE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return 32_768
