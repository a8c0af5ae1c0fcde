"""The demo's MQTT brokers on loopback: mosquitto where it is installed, otherwise the one that came with pip."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""As much as a replication message may hold; the embedded broker's own bound is 20,480 bytes."""

BrokerKind = Literal["mosquitto", "iotcore"]

_WHERE_DAEMONS_ARE = "/usr/sbin:/usr/local/sbin:/sbin"
"""Debian keeps mosquitto where only root's PATH looks."""


@dataclass(frozen=True, slots=True)
class BrokerCommand:
    """How to run a broker; `config` is the text of the file its command names."""

    kind: BrokerKind
    command: tuple[str, ...]
    config: str


def find_mosquitto() -> str | None:
    """Find the program, None where it is not installed."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=_WHERE_DAEMONS_ARE)


def broker_command(kind: BrokerKind | None, port: int, config: Path) -> BrokerCommand:
    """Say how to run a broker on 127.0.0.1; `kind` None takes what is there. Raises `FileNotFoundError`."""
    mosquitto = None if kind == "iotcore" else find_mosquitto()
    if mosquitto is not None:
        return BrokerCommand("mosquitto", (mosquitto, "-c", str(config)), _mosquitto(port))
    if kind == "mosquitto":
        raise FileNotFoundError("mosquitto is not installed")
    command = (sys.executable, "-m", "shelfwire.demo.embedded_broker", str(config))
    return BrokerCommand("iotcore", command, _iotcore(port))


def _mosquitto(port: int) -> str:
    return f"""\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
# Without it an acknowledgement waits for Nagle: 42 ms a scan where half a millisecond will do.
set_tcp_nodelay true
# Started by root it would become another user, and with that outlive a demo that is killed (prctl(2), PDEATHSIG).
user root
"""


def _iotcore(port: int) -> str:
    return f"""\
id = 0

[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10

# Without a listener of this kind it speaks no MQTT 5.
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {MAX_PAYLOAD_BYTES}
max_inflight_count = 500
"""
