"""Has processes stand still: alive, connected, and deaf."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from shelfwire.demo.processes import Process


@contextmanager
def frozen(*processes: Process) -> Iterator[None]:
    """Stop processes (signal(7), SIGSTOP) and let them go on when the context ends."""
    pids = [process.pid for process in processes if process.pid is not None]
    assert len(pids) == len(processes)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
