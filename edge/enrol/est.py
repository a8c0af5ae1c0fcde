"""Asks the hub for certificates and papers over HTTPS: the client's side of EST (RFC 7030). Blocks.

    cacerts           to whomever answers, telling nothing: the fingerprint decides (`certificates.pinned`)
    simpleenroll      to a hub of that root, with the invitation's token
    simplereenroll,   to a hub of that root, with our certificate
    papers, acceptance

A server is held to the root, to being a hub, and to the time (`moment`), before a byte is told to it. It is not held to
its address: it may have got another, and an invitation names it by address or not at all.
"""

from __future__ import annotations

import base64
import http.client
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography import x509

from edge.enrol.certificates import check_server, read_bundle
from edge.enrol.errors import Refused, Unreachable, Untrusted
from edge.enrol.moment import Moment
from protocol.acceptance import SignedAcceptance
from protocol.enrolment import ACCEPTANCE_PATH, EST_ROOT, PAPERS_PATH, Papers, Role

TIMEOUT_S = 10.0
MAX_ANSWER_BYTES = 64 * 1024
MAX_PIECE_BYTES = 8 * 1024 * 1024

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL, X509_VERIFY_PARAM_set_flags(3)): for a machine whose clock is not set."""
_NAME = re.compile(r"[a-z][a-z-]{2,40}")


@dataclass(frozen=True, slots=True)
class Keys:
    """Where the files of an identity lie, in PEM: who is trusted, our certificate with what leads there, its key."""

    ca: Path
    certificate: Path
    key: Path


class EstClient:
    """The hub at one address. Every question is a connection of its own."""

    def __init__(self, host: str, port: int, moment: Moment, timeout_s: float = TIMEOUT_S) -> None:
        self._host = host
        self._port = port
        self._moment = moment
        self._timeout_s = timeout_s

    def cacerts(self) -> list[x509.Certificate]:
        """Fetch what the hub says its authority is; nothing is trusted yet. Raises `Unreachable`, `Untrusted`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        _, body = self._ask(context, None, "GET", f"{EST_ROOT}/cacerts")
        return read_bundle(body)

    def enrol(self, ca: Path, request: bytes, token: bytes) -> list[x509.Certificate]:
        """Ask for a certificate with an invitation's token. Raises `Unreachable`, `Untrusted`, `Refused`."""
        password = base64.b64encode(b"invitation:" + token.hex().encode()).decode()
        return self._certificates(self._context(ca, None), ca, "simpleenroll", request, f"Basic {password}")

    def reenrol(self, keys: Keys, request: bytes) -> list[x509.Certificate]:
        """Ask for a certificate with the one we have; raises as `enrol`."""
        return self._certificates(self._context(keys.ca, keys), keys.ca, "simplereenroll", request)

    def papers(self, keys: Keys) -> Papers:
        """Ask what we are to be; raises as `enrol`."""
        kind, body = self._ask(self._context(keys.ca, keys), keys.ca, "GET", PAPERS_PATH)
        try:
            papers = msgspec.json.decode(body, type=Papers)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreachable(f"the hub's papers ({kind[:40]}) cannot be read") from error
        self._moment.told(papers.hub_time_us)
        return papers

    def fetch(self, keys: Keys, path: str, first: int | None = None) -> tuple[int, str, bytes]:
        """Ask for what is at a path, or for the part of it from byte `first` on; raises as `enrol`.

        Give the status, what `Content-Range` says, and the body, `MAX_PIECE_BYTES` of it at most.
        """
        headers = {} if first is None else {"Range": f"bytes={first}-"}
        return self._exchange(self._context(keys.ca, keys), keys.ca, "GET", path, None, headers, MAX_PIECE_BYTES)[:3]

    def accept(self, keys: Keys, signed: SignedAcceptance) -> None:
        """Hand over the record of a hand-over check; returns once the hub has it for good. Raises as `enrol`."""
        headers = {"Content-Type": "application/json"}
        body = msgspec.json.encode(signed)
        self._ask(self._context(keys.ca, keys), keys.ca, "POST", ACCEPTANCE_PATH, body, headers)

    def _certificates(
        self, context: ssl.SSLContext, ca: Path, operation: str, request: bytes, authorisation: str | None = None
    ) -> list[x509.Certificate]:
        headers = {"Content-Type": "application/pkcs10", "Content-Transfer-Encoding": "base64"}
        if authorisation is not None:
            headers["Authorization"] = authorisation
        _, body = self._ask(context, ca, "POST", f"{EST_ROOT}/{operation}", request, headers)
        return read_bundle(body)

    def _context(self, ca: Path, keys: Keys | None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        if not self._moment.clock_is_set:
            context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
        context.load_verify_locations(cafile=ca)
        if keys is not None:
            context.load_cert_chain(keys.certificate, keys.key)
        return context

    def _ask(
        self,
        context: ssl.SSLContext,
        ca: Path | None,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[str, bytes]:
        """Give type and body of a good answer."""
        status, _, said, kind = self._exchange(context, ca, method, path, body, headers, MAX_ANSWER_BYTES)
        if status == 200:
            return kind, said
        raise _of_answer(status, kind, said)

    def _exchange(
        self,
        context: ssl.SSLContext,
        ca: Path | None,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str] | None,
        at_most: int,
    ) -> tuple[int, str, bytes, str]:
        """Give status, Content-Range, body and type of an answer."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
        proved = False
        try:
            connection.connect()
            if ca is not None:
                der = connection.sock.getpeercert(binary_form=True) or b""
                check_server(der, ca.read_bytes(), Role.HUB, self._moment.now_us)
                proved = True
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            said = response.read(at_most + 1)
        except ssl.SSLCertVerificationError as error:
            raise Untrusted(
                f"{self._host}:{self._port} is not the hub of this authority: {error.verify_message}"
            ) from None
        except ssl.SSLError as error:
            # What somebody says of our certificate who has not shown his own is nobody's word.
            raise (
                _of_alert(error) if proved else Unreachable(f"no TLS with the hub: {error.reason or error}")
            ) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            told = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(f"{self._host}:{self._port}: {told}") from None
        finally:
            connection.close()
        if len(said) > at_most:
            raise Unreachable(f"{self._host}:{self._port} answers with more than {at_most} bytes")
        told = response.headers
        return response.status, told.get("Content-Range", ""), said, told.get("Content-Type", "")


def _of_alert(error: ssl.SSLError) -> Exception:
    """Read an alert of TLS (RFC 8446 section 6.2) that is about our certificate."""
    reason = error.reason or ""
    if reason.endswith("CERTIFICATE_REVOKED"):
        return Refused("identity-ended", "this station's certificate is revoked")
    if reason.endswith("ALERT_CERTIFICATE_EXPIRED"):
        return Refused("identity-expired", "this station's certificate has run out")
    return Unreachable(f"no TLS with the hub: {reason or error}")


def _of_answer(status: int, kind: str, body: bytes) -> Exception:
    """Read a refusal: "name: words" in plain text, or a problem in JSON (RFC 9457)."""
    name, detail = "", ""
    text = body[:400].decode("utf-8", "replace").strip()
    if "json" in kind:
        try:
            said = msgspec.json.decode(body, type=dict[str, object])
            name, detail = str(said.get("name", "")), str(said.get("detail", ""))
        except msgspec.DecodeError:
            pass
    else:
        name, _, detail = text.partition(":")
    detail = "".join(char for char in detail.strip()[:200] if char.isprintable())
    if not _NAME.fullmatch(name):
        name, detail = "refused", detail or f"the hub answers {status}"
    if status in (202, 408, 425, 429) or status >= 500:
        return Unreachable(f"the hub cannot just now: {status} {detail}")
    return Refused(name, detail or f"the hub answers {status}")
