"""Runs a command of shelfwire in this process: to start one takes longer than what it does.

What is about the process itself, its signals, its terminal or what it loads, starts one.
"""

from __future__ import annotations

import asyncio
import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout

from shelfwire.cli import main


def shelfwire(*words: object) -> subprocess.CompletedProcess[str]:
    """Run one to its end; give how it ended and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(list(map(str, words)))
        except SystemExit as refused:
            code = int(refused.code or 0)
    return subprocess.CompletedProcess([], code, out.getvalue(), err.getvalue())


async def beside(*words: object) -> subprocess.CompletedProcess[str]:
    """The same while this event loop goes on; one at a time, since what is printed is caught for all threads."""
    return await asyncio.to_thread(shelfwire, *words)
