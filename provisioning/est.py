"""Enrolment over HTTPS: EST (RFC 7030, with the corrections of RFC 8951), and the papers a station fetches after it.

    GET  /.well-known/est/cacerts         anybody: issuing authority and root, PKCS#7 in base64
    GET  /.well-known/est/csrattrs        anybody: what kind of key is wanted
    POST /.well-known/est/simpleenroll    HTTP Basic: any user, the invitation's token in hex as the password
    POST /.well-known/est/simplereenroll  TLS client certificate: the one to be renewed
    GET  /station/papers                  TLS client certificate: `Papers` as JSON
    POST /station/acceptance              likewise: `SignedAcceptance` as JSON, the record of a hand-over check

Whoever serves this on a socket puts the client's certificate, as TLS has verified it, under `state` in the scope. What
is refused is told in one line of plain text: a name for programs, a colon, and a sentence for people; of a record, as a
problem in JSON (RFC 9457).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509 import load_der_x509_certificate
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from protocol.acceptance import MAX_ENVELOPE_BYTES
from protocol.enrolment import ACCEPTANCE_PATH, EST_ROOT, PAPERS_PATH
from protocol.errors import BadInput
from protocol.invitation import TOKEN_BYTES
from provisioning.certificates import MAX_REQUEST_BYTES
from provisioning.desk import EnrolmentDesk

CLIENT_CERTIFICATE: Final = "client_certificate_der"
"""The key in `scope["state"]`: the client's certificate in DER, or None for a client that showed none."""
MAX_BODY_BYTES: Final = 2 * MAX_REQUEST_BYTES
BODY_WITHIN_S: Final = 10.0
WAIT_S: Final = 60

_PKCS10: Final = "application/pkcs10"
_PKCS7: Final = "application/pkcs7-mime"
_CERTS_ONLY: Final = "application/pkcs7-mime; smime-type=certs-only"
_TOKEN: Final = re.compile(rf"[0-9a-fA-F]{{{2 * TOKEN_BYTES}}}")
# RFC 7030 section 4.5.2: SEQUENCE { SEQUENCE { id-ecPublicKey, SET { secp256r1 } }, ecdsa-with-SHA256 }
_WANTED: Final = bytes.fromhex("3021301506072a8648ce3d020131" + "0a06082a8648ce3d030107" + "06082a8648ce3d040302")

_STATUS: Final = {
    "token-missing": 401,
    "token-unknown": 401,
    "invitation-expired": 401,
    "invitation-closed": 401,
    "too-many-tokens": 429,
    "renewal-too-often": 429,
    "acceptance-too-often": 429,
    "position-taken": 409,
    "csr-size": 413,
    "body-size": 413,
    "acceptance-size": 413,
    "body-late": 408,
    "body-type": 415,
    "certificate-missing": 403,
    "certificate-foreign": 403,
    "certificate-expired": 403,
    "certificate-early": 403,
    "certificate-revoked": 403,
    "certificate-unknown": 403,
    "bad-certificate": 403,
    "identity-ended": 403,
    "acceptance-foreign": 403,
    "acceptance-key": 403,
    "acceptance-signature": 403,
}

_Endpoint = Callable[[Request], Awaitable[Response]]


class Taken(msgspec.Struct, frozen=True):
    """A record was taken, or had been: the check's name."""

    check: str


class Problem(msgspec.Struct, frozen=True):
    """What was wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    name: str
    detail: str


class _Answer(Response):
    """Names of headers are written as stock clients look for them, and the end of the answer is that of the stream:
    libest reads until then."""

    def __init__(self, content: bytes, kind: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(content, status, {"connection": "close", "content-type": kind, **(headers or {})})
        self.raw_headers = [
            (b"WWW-Authenticate" if name == b"www-authenticate" else name.title(), value)
            for name, value in self.raw_headers
        ]


def est_application(desk: EnrolmentDesk) -> Starlette:
    """Make the application of a hub's desk."""

    async def cacerts(_: Request) -> Response:
        return _base64(desk.authority.bundle, _PKCS7)

    async def csrattrs(_: Request) -> Response:
        return _base64(_WANTED, "application/csrattrs")

    async def simpleenroll(request: Request) -> Response:
        token = _token(request)
        csr = await _csr(request)
        try:
            issued = await desk.enrol(csr, token, _peer(request))
        except BadInput as error:
            # Its token is no good any more, whatever the reason.
            return _refused(error, 401 if error.name == "identity-ended" else None)
        return _issued(issued.certificate)

    async def simplereenroll(request: Request) -> Response:
        presented = presented_certificate(request)
        return _issued((await desk.renew(await _csr(request), presented)).certificate)

    async def papers(request: Request) -> Response:
        recognised = await desk.recognise(presented_certificate(request))
        return _Answer(msgspec.json.encode(await desk.papers(recognised.standing.identity)), "application/json")

    async def acceptance(request: Request) -> Response:
        try:
            presented = presented_certificate(request)
            if _type_of(request) != "application/json":
                raise BadInput("body-type", "a record is sent as application/json")
            record = await desk.accept(await _body(request, MAX_ENVELOPE_BYTES), presented)
        except BadInput as error:
            return _problem(error)
        return _Answer(msgspec.json.encode(Taken(record.check)), "application/json")

    return Starlette(
        routes=[
            _route(f"{EST_ROOT}/cacerts", cacerts, "GET"),
            _route(f"{EST_ROOT}/csrattrs", csrattrs, "GET"),
            _route(f"{EST_ROOT}/simpleenroll", simpleenroll, "POST"),
            _route(f"{EST_ROOT}/simplereenroll", simplereenroll, "POST"),
            _route(PAPERS_PATH, papers, "GET"),
            _route(ACCEPTANCE_PATH, acceptance, "POST"),
        ]
    )


def _route(path: str, endpoint: _Endpoint, method: str) -> Route:
    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except BadInput as error:
            return _refused(error)
        except ClientDisconnect:
            return Response(status_code=400)

    return Route(path, answered, methods=[method])


def _refused(error: BadInput, status: int | None = None) -> Response:
    status = status or _STATUS.get(error.name, 400)
    headers: dict[str, str] = {}
    if status == 401:
        headers["www-authenticate"] = 'Basic realm="shelfwire"'
    elif status == 429:
        headers["retry-after"] = str(WAIT_S)
    said = "".join(char if char.isprintable() else "?" for char in f"{error.name}: {error.detail}")
    return _Answer(f"{said}\n".encode(), "text/plain; charset=utf-8", status, headers)


def _problem(error: BadInput) -> Response:
    status = _STATUS.get(error.name, 400)
    detail = "".join(char if char.isprintable() else "?" for char in error.detail[:300])
    problem = Problem(f"/problems/{error.name}", error.name.replace("-", " "), status, error.name, detail)
    headers = {"retry-after": str(WAIT_S)} if status == 429 else {}
    return _Answer(msgspec.json.encode(problem), "application/problem+json", status, headers)


def _issued(certificate: bytes) -> Response:
    alone = pkcs7.serialize_certificates([load_der_x509_certificate(certificate)], Encoding.DER)
    return _base64(alone, _CERTS_ONLY)


def _base64(content: bytes, kind: str) -> Response:
    return _Answer(base64.encodebytes(content), kind, headers={"content-transfer-encoding": "base64"})


def presented_certificate(request: Request) -> bytes:
    """Give the certificate that the caller showed, in DER. Raises `BadInput` ("certificate-missing")."""
    state = request.scope.get("state") or {}
    presented = state.get(CLIENT_CERTIFICATE)
    if not isinstance(presented, bytes):
        raise BadInput("certificate-missing", "show the certificate that you have, as the client of TLS")
    return presented


def _token(request: Request) -> bytes:
    """Take an invitation's token out of HTTP Basic (RFC 7617). No error repeats it."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    try:
        password = base64.b64decode(given.strip(), validate=True).decode("ascii").partition(":")[2]
    except (ValueError, binascii.Error):
        password = ""
    if kind.lower() != "basic" or not _TOKEN.fullmatch(password):
        raise BadInput("token-missing", "give the invitation's token in hex as the password")
    return bytes.fromhex(password)


async def _csr(request: Request) -> bytes:
    if _type_of(request) != _PKCS10:
        raise BadInput("body-type", f"a request for a certificate is sent as {_PKCS10}")
    body = await _body(request, MAX_BODY_BYTES)
    try:
        return base64.b64decode(b"".join(body.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadInput("bad-csr", "the request is to be in base64, of its DER") from error


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Request, at_most: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for part in request.stream():
                body += part
                if len(body) > at_most:
                    raise BadInput("body-size", f"more than {at_most} bytes")
    except TimeoutError as error:
        raise BadInput("body-late", f"not sent within {BODY_WITHIN_S:.0f} s") from error
    return bytes(body)


def _peer(request: Request) -> str:
    return "" if request.client is None else request.client.host
