"""Stock clients of EST: openssl makes key and request, curl brings them; nothing of ours at that end."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from protocol.enrolment import EST_ROOT, PAPERS_PATH, Papers
from protocol.identity_words import End
from provisioning.est import MAX_BODY_BYTES
from tests.integration.est_server import Est, served
from tests.unit.provisioning.shop import Shop, token

pytestmark = [pytest.mark.needs_curl, pytest.mark.needs_openssl]

DEADLINE_S = 60.0


@pytest.fixture
async def est(tmp_path: Path) -> AsyncIterator[Est]:
    shop = Shop()
    # TLS goes by this machine's clock.
    shop.clock.now_us = time.time_ns() // 1000
    shop.renew_authority()
    async with served(shop, tmp_path) as est:
        yield est


async def run(*words: str | Path, given: bytes = b"") -> bytes:
    process = await asyncio.create_subprocess_exec(
        *map(str, words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        out, err = await process.communicate(given)
    assert process.returncode == 0, err.decode()
    return out


async def request(folder: Path, name: str) -> Path:
    """Make a key and a request, as the recipe does."""
    key, csr = folder / f"{name}.key", folder / f"{name}.b64"
    await run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    der = await run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-outform", "DER")
    csr.write_bytes(await run("openssl", "base64", given=der))
    return csr


async def curl(est: Est, path: str, *more: str | Path) -> tuple[int, bytes]:
    config = est.root.parent / "curl.cfg"
    secret = ("-K", config) if config.exists() else ()
    out = await run(
        "curl", "-sS", "--cacert", est.root, *secret, "-w", "\n%{http_code}", *more, f"{est.url}{path}"
    )  # fmt: skip
    body, _, status = out.rpartition(b"\n")
    return int(status), body


async def post(est: Est, path: str, csr: Path, *more: str | Path) -> tuple[int, bytes]:
    return await curl(
        est, path, "-H", "Content-Type: application/pkcs10", "--data-binary", f"@{csr}", *more
    )  # fmt: skip


def say_token(est: Est, secret: bytes) -> None:
    """Give curl the token as the recipe does: in a file, for a command line is open to everybody on the machine."""
    (est.root.parent / "curl.cfg").write_text(f'user = "invitation:{secret.hex()}"\n')


async def unpack(folder: Path, name: str, body: bytes) -> Path:
    der, pem = folder / f"{name}.p7", folder / f"{name}.pem"
    der.write_bytes(await run("openssl", "base64", "-d", given=body))
    pem.write_bytes(await run("openssl", "pkcs7", "-inform", "DER", "-in", der, "-print_certs"))
    return pem


async def test_a_stock_client_enrols_asks_for_its_papers_and_is_renewed(est: Est, tmp_path: Path) -> None:
    status, body = await curl(est, f"{EST_ROOT}/cacerts")
    assert status == 200
    assert set(pkcs7.load_der_pkcs7_certificates(base64.b64decode(body))) == {
        est.shop.authority.root,
        est.shop.authority.issuing,
    }
    invite = await est.shop.invite()
    csr = await request(tmp_path, "first")
    say_token(est, token(invite))
    status, body = await post(est, f"{EST_ROOT}/simpleenroll", csr)
    assert status == 200, body
    pem = await unpack(tmp_path, "first", body)
    (tmp_path / "curl.cfg").unlink()

    chain = tmp_path / "issuing.pem"
    chain.write_bytes(est.shop.authority.trusted_pem)
    told = await run(
        "openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", est.root, "-untrusted", chain, pem
    )
    assert told.endswith(b": OK\n")
    given = x509.load_pem_x509_certificate(pem.read_bytes())
    assert given.subject.rfc4514_string() == f"CN={invite.standing.identity},OU=station,O=oak-street"

    shown = ("--cert", pem, "--key", tmp_path / "first.key")
    status, body = await curl(est, PAPERS_PATH, *shown)
    assert (status, b'"position":"till-3"' in body) == (200, True)

    status, body = await post(est, f"{EST_ROOT}/simplereenroll", await request(tmp_path, "second"), *shown)
    assert status == 200, body
    renewed = x509.load_pem_x509_certificate((await unpack(tmp_path, "second", body)).read_bytes())
    assert renewed.subject == given.subject
    assert renewed.serial_number != given.serial_number

    await est.shop.desk.end(invite.standing.identity, End.REVOKED, "ann", "stolen")
    status, body = await curl(est, PAPERS_PATH, *shown)
    assert (status, body) == (403, f"identity-ended: {invite.standing.identity} is revoked\n".encode())
    crl = tmp_path / "crl.pem"
    crl.write_bytes(await est.shop.desk.crl())
    text = await run("openssl", "crl", "-in", crl, "-noout", "-text", "-CAfile", chain)
    assert f"{given.serial_number:X}".encode().rjust(32, b"0") in text


async def test_the_recipe_of_the_docs_works_as_it_stands(est: Est, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "enrolment.md").read_text()
    _, _, recipe = page.partition("\n```sh\n")
    invite = await est.shop.invite()
    (tmp_path / "token.cfg").write_text(f'user = "invitation:{token(invite).hex()}"\n')
    script = f"set -eu; cd {tmp_path}; hub={est.url}; {recipe.partition('```')[0]}"
    await run("bash", "-c", script)
    papers = msgspec.json.decode((tmp_path / "papers.json").read_bytes(), type=Papers)
    assert (papers.station, papers.position) == (invite.standing.identity, "till-3")
    first, following = (
        x509.load_pem_x509_certificate((tmp_path / f"{name}.pem").read_bytes()) for name in ("machine", "next")
    )
    assert first.subject == following.subject
    assert first.serial_number != following.serial_number


async def test_what_is_wanted_of_a_key_is_told(est: Est) -> None:
    status, body = await curl(est, f"{EST_ROOT}/csrattrs")
    assert status == 200
    told = await run("openssl", "asn1parse", "-inform", "DER", given=base64.b64decode(body))
    assert all(word in told for word in (b"id-ecPublicKey", b"prime256v1", b"ecdsa-with-SHA256"))


async def test_refusals_are_one_plain_line(est: Est, tmp_path: Path) -> None:
    enroll, csr = f"{EST_ROOT}/simpleenroll", await request(tmp_path, "m")
    status, body = await post(est, enroll, csr, "-D", tmp_path / "headers")
    assert (status, body) == (401, b"token-missing: give the invitation's token in hex as the password\n")
    assert b"WWW-Authenticate: Basic realm=" in (tmp_path / "headers").read_bytes()
    say_token(est, bytes(8))
    assert await post(est, enroll, csr) == (401, b"token-unknown: nobody was invited by this token\n")
    invite = await est.shop.invite()
    say_token(est, token(invite))
    big, bad = tmp_path / "big", tmp_path / "bad"
    big.write_bytes(b"A" * (MAX_BODY_BYTES + 1))
    bad.write_bytes(b"<script>")
    assert (await post(est, enroll, big))[0] == 413
    status, body = await post(est, enroll, bad)
    assert (status, body) == (400, b"bad-csr: the request is to be in base64, of its DER\n")
    status, body = await curl(est, enroll, "--data-binary", f"@{csr}")
    assert (status, body.partition(b":")[0]) == (415, b"body-type")
    assert (await post(est, enroll, csr))[0] == 200
    assert (await post(est, enroll, csr))[0] == 200, "the answer was lost, and is given again"
    status, body = await post(est, enroll, await request(tmp_path, "other"))
    assert (status, body.partition(b":")[0]) == (401, b"invitation-closed")
    (tmp_path / "curl.cfg").unlink()
    for path in (f"{EST_ROOT}/simplereenroll", PAPERS_PATH):
        status, body = await (post(est, path, csr) if path != PAPERS_PATH else curl(est, path))
        assert (status, body.partition(b":")[0]) == (403, b"certificate-missing")
    assert (await curl(est, f"{EST_ROOT}/fullcmc"))[0] == 404
    assert (await curl(est, enroll))[0] == 405


async def test_who_guesses_tokens_is_told_to_wait(est: Est, tmp_path: Path) -> None:
    csr = await request(tmp_path, "m")
    say_token(est, bytes(8))
    told = [await post(est, f"{EST_ROOT}/simpleenroll", csr, "-D", tmp_path / "headers") for _ in range(11)]
    assert [status for status, _ in told] == [401] * 10 + [429]
    assert b"Retry-After: 60" in (tmp_path / "headers").read_bytes()


async def test_a_client_of_http_1_0_is_answered_in_http_1_0(est: Est) -> None:
    """As libest (3.2.0) asks: it takes no other status line, and these letters alone for what it looks for."""
    terms = ssl.create_default_context(cafile=str(est.root))
    reader, writer = await asyncio.open_connection("127.0.0.1", est.port, ssl=terms, server_hostname="localhost")
    writer.write(f"GET {EST_ROOT}/cacerts HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(DEADLINE_S):
        head, _, _ = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.0 200 ")
    assert b"\r\nContent-Type: application/pkcs7-mime\r\n" in head
    assert b"\r\nContent-Length: " in head
