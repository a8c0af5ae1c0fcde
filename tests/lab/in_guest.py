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

PORT: BinaryIO
"""Named by whoever runs this: the port, open and unbuffered."""
WRITING = threading.Lock()


def say(what: dict[str, Any]) -> None:
    data = json.dumps(what).encode() + b"\n"
    with WRITING:
        while data:
            data = data[PORT.write(data) :]


def done(number: int, code: int, out: bytes = b"", err: bytes = b"") -> None:
    say({"id": number, "code": code, "out": base64.b64encode(out).decode(), "err": base64.b64encode(err).decode()})


def run(asked: dict[str, Any]) -> None:
    number = asked["id"]
    try:
        if "follow" in asked:
            with subprocess.Popen(asked["follow"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as made:
                assert made.stdout is not None
                for line in made.stdout:
                    say({"id": number, "line": line.rstrip("\n")})
            done(number, made.returncode)
            return
        ran = subprocess.run(
            asked["run"],
            input=base64.b64decode(asked.get("stdin", "")),
            capture_output=True,
            timeout=asked.get("timeout_s", 60),
            check=False,
        )
        done(number, ran.returncode, ran.stdout, ran.stderr)
    except subprocess.TimeoutExpired as late:
        done(number, 124, late.stdout or b"", late.stderr or b"")
    except OSError as error:
        done(number, 127, err=str(error).encode())


def serve() -> None:
    with open("/proc/sys/kernel/random/boot_id") as boot, open("/proc/uptime") as uptime:
        say({"hello": boot.read().strip(), "uptime_s": float(uptime.read().split()[0])})
    held = b""
    while data := PORT.read(65536):
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            threading.Thread(target=run, args=(json.loads(line),), daemon=True).start()
