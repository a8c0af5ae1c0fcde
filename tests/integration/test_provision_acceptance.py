"""The record of a hand-over check on the wire: over TLS to a hub that runs, and proved again by command and openssl."""

from __future__ import annotations

import base64
import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs7

from protocol.enrolment import ACCEPTANCE_PATH, parse_identity
from protocol.identity_words import Invited, Standing
from protocol.invitation import read_invitation
from provisioning.desk import Issued
from tests.integration.provisioned import Store
from tests.unit.hub_store.identities import invited
from tests.unit.provisioning.acceptances import body, record, signed
from tests.unit.provisioning.shop import Machine


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(tmp_path_factory.mktemp("store"))
    with store.running():
        yield store


class Station:
    """A machine that has enrolled, and speaks with the hub over TLS."""

    def __init__(self, store: Store, folder: Path, position: str) -> None:
        done = store.invite("--position", position)
        digits = "".join(re.findall(r"^  [1-4]   ((?:\d{4} ?){5})$", done.out, re.MULTILINE)).replace(" ", "")
        invitation = read_invitation(digits)
        self.machine = Machine()
        answer = store.enrol(digits, self.machine)
        (certificate,) = pkcs7.load_der_pkcs7_certificates(base64.b64decode(answer.content))
        found = re.search(r"st-[a-z2-7]{13}", done.out)
        assert found is not None
        self.identity = parse_identity(found[0])
        word: Invited = invited(self.identity, position)
        self.issued = Issued(
            certificate.public_bytes(Encoding.DER), Standing(identity=self.identity, invitation=word, open=False)
        )
        self.url = f"https://{invitation.hub}:{invitation.port}{ACCEPTANCE_PATH}"
        self.root = store.folder / "data" / "authority" / "root.pem"
        self.pair = folder / f"{position}.pem"
        key = self.machine.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.pair.write_bytes(key + certificate.public_bytes(Encoding.PEM))

    def send(self, content: bytes, *, shown: bool = True, kind: str = "application/json") -> httpx.Response:
        context = ssl.create_default_context(cafile=str(self.root))
        if shown:
            context.load_cert_chain(self.pair)
        with httpx.Client(verify=context, trust_env=False, timeout=60) as web:
            return web.post(self.url, content=content, headers={"content-type": kind})


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, str(problem["name"])


@pytest.mark.needs_openssl
def test_a_record_is_taken_shown_and_proved_again(store: Store, tmp_path: Path) -> None:
    station = Station(store, tmp_path, "till-3")
    shown = store.ask("acceptance", station.identity)
    assert (shown.code, shown.out) == (1, f"{station.identity} at till-3: not accepted yet\n")
    what = record(station.issued, store="oak")
    for _ in range(2):
        taken = station.send(body(signed(station.machine, what)))
        assert (taken.status_code, taken.json()) == (200, {"check": what.check}), taken.text
    shown = store.ask("acceptance", station.identity, "--save", tmp_path / "saved")
    assert shown.code == 0, shown.err
    assert f"till-3 of oak, as {station.identity} by anna" in shown.out
    assert "passed   scanner (serial-scanner): SW1:CHECK" in shown.out
    assert "failed   scale (scale-8217) [usb-FTDI_FT232R_A50285BI-if00-port0]: overload" in shown.out
    assert shown.out.count("signature good") == 1
    told = store.ask("acceptance", station.identity, "--json").json
    assert isinstance(told["checks"], list)
    assert told["checks"][0]["signed"] is True
    assert "handed-over" in store.ask("audit", "--json").out
    saved = tmp_path / "saved" / what.check
    files = [str(saved.with_suffix(suffix)) for suffix in (".pem", ".sig", ".json")]
    command = ["openssl", "dgst", "-sha256", "-verify", files[0], "-signature", files[1], files[2]]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "Verified OK\n")
    assert json.loads(saved.with_suffix(".json").read_bytes())["station"] == station.identity


def test_hostile_records_are_refused_by_name(store: Store, tmp_path: Path) -> None:
    station, other = (Station(store, tmp_path, position) for position in ("till-4", "till-5"))
    good = signed(station.machine, record(station.issued, store="oak", position="till-4"))
    flipped = msgspec.structs.replace(good, record=good.record.replace('"till-4"', '"till-5"'))
    assert refused(station.send(body(good), shown=False)) == (403, "certificate-missing")
    assert refused(other.send(body(good))) == (403, "acceptance-foreign")
    assert refused(station.send(body(flipped))) == (403, "acceptance-signature")
    assert refused(station.send(b"{}")) == (400, "bad-acceptance")
    assert refused(station.send(b" " * 60_000)) == (413, "body-size")
    assert refused(station.send(body(good), kind="text/plain")) == (415, "body-type")
    # A megabyte and more is not even read.
    huge = station.send(b"0" * 3_000_000)
    assert huge.status_code == 413
    assert store.ask("acceptance", station.identity).code == 1
    assert station.send(body(good)).status_code == 200
    assert store.ask("acceptance", station.identity).code == 0
