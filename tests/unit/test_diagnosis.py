"""A bundle for a supporter holds what is there, names what is not, and never a secret, whatever was planted."""

from __future__ import annotations

import errno
import http.server
import json
import os
import sqlite3
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.invitation import Invitation, rows, write_invitation
from shelfwire.cli import main
from shelfwire.diagnosis import bundle as bundle_module
from shelfwire.diagnosis import machine
from shelfwire.diagnosis.bundle import PART_BYTES, begun
from shelfwire.diagnosis.scrubbing import inert, scrubbed, without_secrets

DIGITS = write_invitation(Invitation("192.168.7.2", 8443, bytes(range(16)), b"\x7f" * 8))
KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7r3PlantedPlanted\n" * 2
SECRETS = (
    "hunter2-planted",
    "s3cret-planted",
    "shelfwire_0a1b2c3d4e_PlantedPlantedPlanted-_0123456789",
    "dXNlcjpwbGFudGVk",
)
HOSTILE = "\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\u202e'; DROP TABLE log;--\x00../../etc/passwd"
SAID = f"""ok 4006381333931
database postgresql://hub:{SECRETS[0]}@127.0.0.1/oak and password={SECRETS[1]}
{{"wifi_password": "{SECRETS[1]}", "event": "x"}}
Authorization: Basic {SECRETS[3]} with {SECRETS[2]}
scanned {DIGITS}
typed {rows(DIGITS)[1]} and {" ".join(rows(DIGITS)[2][at : at + 5] for at in range(0, 20, 5))}
{KEY}"""


def secrets_in(text: str) -> list[str]:
    lines = [line for line in KEY.splitlines() if "PRIVATE" not in line]
    return [each for each in (*SECRETS, DIGITS, *rows(DIGITS), *lines) if each in text]


def unpacked(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A station's folder with secrets in every corner."""
    monkeypatch.setattr(machine, "_journal", lambda _: SAID + HOSTILE)
    data = tmp_path / "data"
    for folder in ("identity/1", "identity/2", "sealed"):
        (data / folder).mkdir(parents=True)
    (data / "identity/1/key.pem").write_text(KEY)
    (data / "identity/1/cert.pem").write_text("no certificate" + KEY)
    (data / "identity/2/invitation.txt").write_text(DIGITS)
    (data / "identity/record.json").write_text('{"version": 1, "refused": "wrong"}')
    (data / "settings.json").write_text(json.dumps({"document": f"password = '{SECRETS[1]}'"}))
    (data / f"{'x' * 40}\x1b[2J").write_text("")
    (tmp_path / "agent.log").write_text(SAID + HOSTILE)
    (tmp_path / "edge.toml").write_text(
        f'data_dir = "data"\n[api]\nport = 1\n[devices.reader]\ndriver = "llrp"\nhost = "192.168.1.9"\n'
        f'password = "{SECRETS[0]}"\nurl = "http://u:{SECRETS[1]}@host/x"\nnote = """{SAID}"""\n'
    )
    return tmp_path


def diagnosed(station: Path, *more: str) -> dict[str, str]:
    out = station / "out.zip"
    asked = ["edge", "diagnose", str(out), "--config", str(station / "edge.toml")]
    assert main([*asked, "--log", str(station / "agent.log"), *more]) == 0
    assert out.stat().st_mode & 0o777 == 0o600
    return unpacked(out)


def test_of_a_station_that_does_not_run(station: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = diagnosed(station)
    for name, said in parts.items():
        assert not secrets_in(said), name
        assert all(char.isprintable() or char == "\n" for char in said), name
    assert json.loads(parts["settings.json"])["devices"]["reader"]["host"] == "192.168.1.9"
    assert "4006381333931" in parts["log-1.txt"]
    assert "<script>" in parts["journal.txt"]
    assert json.loads(parts["identity.json"])["refused"] == "wrong"
    assert json.loads(parts["versions.json"])["packages"]["msgspec"]
    assert {each["name"] for each in json.loads(parts["files.json"])} >= {"identity/1/key.pem"}
    assert "health.json: ConnectionRefusedError" in parts["missing.txt"]
    assert "not in it: health.json" in capsys.readouterr().out


def test_of_a_station_that_runs(station: Path) -> None:
    class Agent(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"station": "till-3", "note": SAID + HOSTILE, "path": self.path}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Agent) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = station / "edge.toml"
        config.write_text(config.read_text().replace("port = 1", f"port = {server.server_port}"))
        health = diagnosed(station)["health.json"]
        server.shutdown()
    assert json.loads(health)["path"] == "/v1/health"
    assert json.loads(health)["station"] == "till-3"
    assert not secrets_in(health)
    assert "\x1b" not in health


def test_of_settings_that_are_none_and_no_folder_at_all(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(f'data_dir = "data\npassword = "{SECRETS[0]}"')
    out = tmp_path / "out.zip"
    assert main(["edge", "diagnose", str(out), "--config", str(tmp_path / "edge.toml")]) == 0
    parts = unpacked(out)
    assert "settings.json" in parts["missing.txt"]
    assert "versions.json" in parts
    assert not any(secrets_in(said) for said in parts.values())
    assert main(["edge", "diagnose", str(out), "--config", str(tmp_path / "none.toml")]) == 0


@pytest.mark.parametrize("damage", ["not there", "damaged", "sound"])
def test_of_a_hub_whose_file_is(tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_journal", lambda _: SAID)
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "hub.toml").write_text(
        f'store = "oak"\ndata_dir = "data"\n[web]\nport = 1\n[database]\nurl = "postgresql://hub:{SECRETS[0]}@h/oak"\n'
    )
    if damage == "damaged":
        (data / "hub.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    if damage == "sound":
        with sqlite3.connect(data / "hub.db") as books:
            books.execute("CREATE TABLE log (name, committed, folded, movements, bytes, last_us)")
            books.execute("CREATE TABLE quarantine (reason, released_us)")
            books.execute("INSERT INTO log VALUES ('s/till-1/stock', 7, 5, 4, 100, 1)")
            books.execute("INSERT INTO quarantine VALUES ('bad-entry', NULL)")
        books.close()
    out = tmp_path / "out.zip"
    assert main(["hub", "diagnose", str(out), "--config", str(tmp_path / "hub.toml")]) == 0
    parts = unpacked(out)
    assert not any(secrets_in(said) for said in parts.values())
    if damage == "sound":
        told = json.loads(parts["logs.json"])
        assert (told["logs"][0]["committed"], told["held_back"]) == (7, {"bad-entry": 1})
    else:
        assert "logs.json" in parts["missing.txt"]


def test_on_a_full_disk_it_says_so_and_goes_to_standard_output(
    station: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def full(*_: object, **__: object) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bundle_module, "whole_file", full)
    config = ("--config", str(station / "edge.toml"))
    assert main(["edge", "diagnose", str(station / "out.zip"), *config]) == 1
    assert b"No space left" in capfdbinary.readouterr().err
    assert main(["edge", "diagnose", "-", *config]) == 0
    (station / "said.zip").write_bytes(capfdbinary.readouterr().out)
    assert "versions.json" in unpacked(station / "said.zip")


def test_a_part_is_bounded_and_its_end_is_kept(tmp_path: Path) -> None:
    bundle = begun()
    bundle.text("long.txt", lambda: "".join(f"line {number}\n" for number in range(200_000)))
    (tmp_path / "b.zip").write_bytes(bundle.packed())
    said = unpacked(tmp_path / "b.zip")["long.txt"]
    assert len(said) <= PART_BYTES + 100
    assert said.endswith("line 199999\n")
    assert said.startswith("(the beginning is left out)\nline ")


def test_a_secret_that_would_be_cut_in_two_is_left_out_before(tmp_path: Path) -> None:
    bundle = begun()
    tail = "x\n" * (PART_BYTES // 2 - 20)
    bundle.text("cut.txt", lambda: f"y\n{DIGITS}{tail}")
    (tmp_path / "b.zip").write_bytes(bundle.packed())
    assert DIGITS[-20:] not in unpacked(tmp_path / "b.zip")["cut.txt"]


def test_what_is_no_secret_stays() -> None:
    for said in (
        "4006381333931 and 12345678901231", "epoch 1.5f0c2b3a4d5e6f70:1204", "2026-11-22T06:01:12+0000 agent: ready",
        "key = 'identity/key.pem'", "(01)04006381333931(10)AB-1234", "tokens 3, passes 2",
    ):  # fmt: skip
        assert scrubbed(said) == said


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_stands_around_it_an_invitation_is_left_out(before: str, after: str) -> None:
    said = inert(scrubbed(f"{before}{DIGITS}{after}"))
    assert DIGITS not in said
    assert all(char.isprintable() or char == "\n" for char in said)


def test_settings_lose_secrets_at_any_depth() -> None:
    deep: dict[str, object] = {"a": [{"db_password": 7, "port": 1}], "token_file": "/etc/token"}
    assert without_secrets(deep) == {"a": [{"db_password": "(left out)", "port": 1}], "token_file": "/etc/token"}
    nested: object = "x"
    for _ in range(50):
        nested = [nested]
    json.dumps(without_secrets(nested))
