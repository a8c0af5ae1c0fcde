"""The `shelfwire` command as a person at a terminal uses it."""

from __future__ import annotations

import subprocess
import sys

SHELFWIRE = [sys.executable, "-m", "shelfwire.cli"]


def test_a_reader_that_has_had_enough_is_no_error_to_tell_of() -> None:
    decoding = subprocess.Popen(
        [*SHELFWIRE, "decode", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert decoding.stdin is not None
    assert decoding.stdout is not None
    decoding.stdin.write(b"4006381333931\n")
    decoding.stdin.flush()
    assert decoding.stdout.readline().startswith(b'{"kind":"ean13"')
    decoding.stdout.close()
    decoding.stdin.write(b"4006381333931\n" * 100)
    _, complaint = decoding.communicate(timeout=30)
    assert complaint == b""
    assert decoding.returncode == 1
