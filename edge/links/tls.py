"""How a device's TLS server is held to its certificate."""

from __future__ import annotations

import ssl

from edge.errors import HardwareAbsent


def client_context(ca_file: str) -> ssl.SSLContext:
    """Trust the certificates in `ca_file`, or with "" those of this machine. Raises `HardwareAbsent`: no such file."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError) as error:
        raise HardwareAbsent(f"ca_file {ca_file}: {getattr(error, 'strerror', None) or error}") from error
