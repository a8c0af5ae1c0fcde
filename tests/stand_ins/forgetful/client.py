"""A forgetful disk for a test: starts the process that is the disk, and cuts its power."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.stand_ins.forgetful.disk import Cut, Keep

ROOT = Path(__file__).parents[3]
DEADLINE_S = 60.0


class ForgetfulDisk:
    """Mounted at `folder` from entering to leaving. Blocking: for use without an event loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.was_cut: Cut | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(exist_ok=True)
        device = self.folder.stat().st_dev
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stand_ins.forgetful", str(self.folder)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        give_up_s = time.monotonic() + DEADLINE_S
        while self.folder.stat().st_dev == device:
            if self._process.poll() is not None:
                raise RuntimeError("the disk could not be mounted")
            if time.monotonic() > give_up_s:
                self.__exit__(None, None, None)
                raise TimeoutError("the disk is not mounted")
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            process.stdout.close()
            try:
                ended = process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                ended = process.wait()
            if ended:
                subprocess.run(["fusermount3", "-u", "-z", str(self.folder)], check=False)

    def load(self, folder: Path | None = None) -> None:
        """Be a disk that holds a copy of `folder`, all of it durable; an empty one if it is None."""
        self._order(do="load", folder=None if folder is None else str(folder))

    def arm(self, changes: int | None, *, at_sync: bool = False) -> None:
        """Have the power cut in place of the change after so many, or of the first sync after them; None for no cut."""
        self.was_cut = None
        self._order(do="arm", changes=changes, at_sync=at_sync)

    def cut(self) -> Cut:
        """Cut the power now, if it is not cut already."""
        self._order(do="cut")
        if self.was_cut is None:
            raise RuntimeError("the disk does not say when it was cut")
        return self.was_cut

    def settle(self) -> None:
        """Make all that is on it durable."""
        self._order(do="settle")

    def revive(self, keep: Keep, seed: int, copy: Path) -> None:
        """Give power back with what the cut leaves, and put a copy of that into the folder `copy`."""
        self._order(do="revive", keep=keep, seed=seed, folder=str(copy))

    def spare(self) -> None:
        """Give power back with nothing forgotten and nothing more durable for that: as if only programs had died."""
        self._order(do="spare")

    def fileno(self) -> int:
        """Where to wait for the disk to say something unasked; then call `hear`."""
        return self._running.stdout.fileno() if self._running.stdout is not None else -1

    def hear(self) -> None:
        """Hear what the disk says unasked: that it was cut."""
        self._take()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the disk is not mounted")
        return self._process

    def _order(self, **order: Any) -> None:
        stdin = self._running.stdin
        if stdin is None:
            raise RuntimeError("the disk is not mounted")
        os.write(stdin.fileno(), json.dumps(order).encode() + b"\n")
        while not self._take():
            pass

    def _take(self) -> bool:
        """Read one line; say whether it is the answer to an order."""
        stdout = self._running.stdout
        # Unbuffered by the byte: whoever selects on the descriptor must see what is left.
        line = b""
        while not line.endswith(b"\n"):
            byte = os.read(stdout.fileno(), 1) if stdout is not None else b""
            if not byte:
                raise RuntimeError("the disk has died")
            line += byte
        told = json.loads(line)
        if "cut" in told:
            self.was_cut = Cut(**told["cut"])
            return False
        return True
