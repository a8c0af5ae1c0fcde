"""The station's identity in TLS: read from its files for each connection, and what a failed handshake says of it.

The files are read anew each time, so that a certificate that was renewed is used without a restart. The broker must
show a certificate of the authority in `ca` for the very name or address that was dialled.

On a machine whose clock is not set, OpenSSL is told not to look at it; the broker's certificate must then not have run
out by the time that it is at least (`edge.enrol.moment`).
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import TryAgain
from protocol.handshake import Trouble, trouble_of_certificate, trouble_of_handshake

_log = logging.getLogger(__name__)
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL, X509_VERIFY_PARAM_set_flags(3))."""
_HAS_EXPIRED = 10
"""X509_V_ERR_CERT_HAS_EXPIRED (x509_vfy.h)."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM: who is trusted, our certificate with what leads to the root, its key.

    `name`: the name in the broker's certificate, where it is not the host that is dialled. `at_least_us` says what time
    it is at least (UTC), where the clock is not to be believed, and None where it is.
    """

    ca: Path
    certificate: Path
    key: Path
    name: str | None = None
    at_least_us: Callable[[], int | None] = lambda: None


class NoIdentity(TryAgain):
    """The files of our identity cannot be used now."""

    trouble = Trouble.OWN_MISSING


class WireContext(ssl.SSLContext):
    """A client's context that remembers, as `trouble`, why its one connection failed."""

    trouble: Trouble | None = None
    expected_name: str | None = None
    at_least_us: int | None = None

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
            self._check_time()
        except OSError as error:
            _note(self.context, error)
            # Nobody else knows of the socket yet.
            self.close()
            raise

    def _check_time(self) -> None:
        floor_us = self.context.at_least_us if isinstance(self.context, WireContext) else None
        shown = self.getpeercert()
        if floor_us is not None and shown and ssl.cert_time_to_seconds(str(shown["notAfter"])) * 1e6 <= floor_us:
            error = ssl.SSLCertVerificationError("the broker's certificate has run out")
            error.verify_code = _HAS_EXPIRED
            raise error

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
    context.at_least_us = files.at_least_us()
    if context.at_least_us is not None:
        context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
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
