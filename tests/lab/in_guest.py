"""Runs inside the machine of the lab: does what the harness asks over a virtio or serial port. Standard library alone.

It is no part of the image: the kernel's command line has the machine fetch it from that port (`guest.py`). Each request
is a line of JSON and gets a line back; requests are done side by side, each in a thread.

    {"id": 3, "run": ["systemctl", "is-system-running"], "stdin": base64, "timeout_s": 60}
    {"id": 3, "code": 0, "out": base64, "err": base64}
    {"id": 4, "follow": ["journalctl", "-f"]}          and a line {"id": 4, "line": text} for each one printed
    {"hello": boot id, "uptime_s": 12.3}               unasked, once
"""

from __future__ import annotations

import base64
import json
import subprocess
import threading
from typing import Any, BinaryIO


class Channel:
    """The open port, unbuffered."""

    def __init__(self, port: BinaryIO) -> None:
        self.port = port
        self.writing = threading.Lock()

    def serve(self) -> None:
        with open("/proc/sys/kernel/random/boot_id") as boot, open("/proc/uptime") as uptime:
            self.say({"hello": boot.read().strip(), "uptime_s": float(uptime.read().split()[0])})
        held = b""
        while data := self.port.read(65536):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                threading.Thread(target=self.run, args=(json.loads(line),), daemon=True).start()

    def run(self, asked: dict[str, Any]) -> None:
        number = asked["id"]
        try:
            if "follow" in asked:
                self.follow(number, asked["follow"])
                return
            ran = subprocess.run(
                asked["run"],
                input=base64.b64decode(asked.get("stdin", "")),
                capture_output=True,
                timeout=asked.get("timeout_s", 60),
                check=False,
            )
            self.done(number, ran.returncode, ran.stdout, ran.stderr)
        except subprocess.TimeoutExpired as late:
            self.done(number, 124, late.stdout or b"", late.stderr or b"")
        except OSError as error:
            self.done(number, 127, err=str(error).encode())

    def follow(self, number: int, words: list[str]) -> None:
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as made:
            assert made.stdout is not None
            for line in made.stdout:
                self.say({"id": number, "line": line.rstrip("\n")})
        self.done(number, made.returncode)

    def done(self, number: int, code: int, out: bytes = b"", err: bytes = b"") -> None:
        self.say({"id": number, "code": code, "out": packed(out), "err": packed(err)})

    def say(self, what: dict[str, Any]) -> None:
        data = json.dumps(what).encode() + b"\n"
        with self.writing:
            while data:
                data = data[self.port.write(data) :]


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()
