"""The hub's identity in TLS: read from its files for each connection, and what a failed handshake says of it.

The files are read anew each time, so that a certificate that was renewed is used without a restart. The broker must
show a certificate of the authority in `ca` for the very name or address that was dialled.

As `edge.uplink.tls` but for what a machine without a clock needs: neither package may import the other, and what they
share in `protocol` knows no sockets.
"""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import TryAgain
from protocol.handshake import Trouble, trouble_of_certificate, trouble_of_handshake

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM: who is trusted, our certificate with what leads to the root, its key.

    `name`: the name in the broker's certificate, where it is not the host that is dialled.
    """

    ca: Path
    certificate: Path
    key: Path
    name: str | None = None


class NoIdentity(TryAgain):
    """The files of our identity cannot be used now."""

    trouble = Trouble.OWN_MISSING


class WireContext(ssl.SSLContext):
    """A client's context that remembers, as `trouble`, why its one connection failed."""

    trouble: Trouble | None = None
    expected_name: str | None = None

    def wrap_socket(
        self,
        sock: socket.socket,
        server_side: bool = False,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:
        """Hold the broker to the name we expect, rather than to the host dialled."""
        name = self.expected_name or server_hostname
        return super().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name, session)

    def note(self, error: OSError) -> None:
        """Remember the first failure; what comes after it are its consequences."""
        if self.trouble is None and not isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError):
            self.trouble = _trouble_of(error)


class _TellingSocket(ssl.SSLSocket):
    """Tells its context of failures that MQTT clients only write into their logs."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError as error:
            _note(self.context, error)
            # Nobody else knows of the socket yet.
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except ssl.SSLError as error:
            _note(self.context, error)
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except (ConnectionError, ssl.SSLError) as error:
            # The broker said why, and closed before it had read all that we sent: the alert is still to be read, and
            # says more than that nothing can be written any more, which Python tells as either of these.
            self._read_alert()
            if isinstance(error, ssl.SSLError):
                _note(self.context, error)
            raise

    def _read_alert(self) -> None:
        try:
            super().recv(1)
        except ssl.SSLError as error:
            _note(self.context, error)
        except OSError as error:
            _log.debug("no alert to be read", extra={"error": str(error)})


def _note(context: ssl.SSLContext, error: OSError) -> None:
    # `wire_context` alone makes such sockets.
    assert isinstance(context, WireContext)
    context.note(error)


def wire_context(files: TlsFiles) -> WireContext:
    """Read the files and make a context for one connection; blocks. Raises `NoIdentity`."""
    context = WireContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _TellingSocket
    context.expected_name = files.name
    try:
        context.load_verify_locations(cafile=files.ca)
        context.load_cert_chain(files.certificate, files.key)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise NoIdentity(f"the identity in {files.certificate.parent} cannot be used: {why}") from error
    return context


def _trouble_of(error: OSError) -> Trouble:
    if isinstance(error, ssl.SSLCertVerificationError):
        return trouble_of_certificate(error.verify_code)
    return trouble_of_handshake(getattr(error, "reason", None) or "")
