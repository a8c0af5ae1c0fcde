"""The process of `worker.py` as whoever orders it about sees it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Worker:
    """A `tests.power.worker` for the subject `module`, run by the interpreter `python`."""

    def __init__(self, module: str, python: Path) -> None:
        self._command = [str(python), "-m", "tests.power.worker", module]
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""
        # What is logged of the I/O errors that a dead disk gives is of interest only when something is wrong.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )
        self.take()  # it is ready: what it imports takes longer than many a turn
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            process.stdout.close()
            process.wait()
        self._errors.close()

    def fileno(self) -> int:
        """Where to wait for what it says; then call `take`."""
        return self._running.stdout.fileno() if self._running.stdout is not None else -1

    def order(self, **order: Any) -> None:
        """Tell it what to do."""
        if self._running.stdin is not None:
            os.write(self._running.stdin.fileno(), json.dumps(order).encode() + b"\n")

    def take(self) -> list[dict[str, Any]]:
        """Take what it has said, waiting until it has said something."""
        data = os.read(self.fileno(), 1 << 16)
        if not data:
            self._errors.seek(0)
            word = self._errors.read()[-2000:].decode(errors="replace")
            raise RuntimeError(f"the worker has died: {' '.join(self._command)}\n{word}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the worker is not running")
        return self._process
