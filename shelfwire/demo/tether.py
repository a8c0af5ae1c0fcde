"""Runs a program that dies with its parent, however that dies. Run by path, as a child: `tether.py PARENT ARG...`.

A child of its own rather than code between fork and exec, which is not safe beside threads. The wish to get SIGKILL
when the parent's thread ends outlives execve (prctl(2), PR_SET_PDEATHSIG), so nothing of this file stays behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the program."""
    parent, *command = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != int(parent):
        # It died before the wish was made, and will not die again.
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606  # the command is the demo's own, and there is no shell


if __name__ == "__main__":
    main()
