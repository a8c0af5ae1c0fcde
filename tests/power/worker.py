"""The process that works with a store until it is killed: python -m tests.power.worker MODULE

It is ordered about on standard input and answers on standard output, a JSON object a line each. Each turn is a fork of
it, so that a turn costs no start of Python:

                        -> {"ready": true}
    {"do": "work", ...} -> {"said": [stream, number], "at": ns} ... {"over": why}     goes on until {"do": "end"}
    {"do": "look", ...} -> {"held": ..., "faults": ...}, or {"late": why} if it took too long
    {"do": "end"}       -> {"ended": true}: the turn was killed, or had ended
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any, cast

from tests.power.subject import Job, Subject, TooSlow


def tell(told: dict[str, Any]) -> None:
    """Write one line in one piece."""
    line = json.dumps(told).encode() + b"\n"
    while line:
        line = line[os.write(1, line) :]


def say(stream: str, number: int) -> None:
    """Tell of an acknowledgement, and of the moment it was given."""
    tell({"said": [stream, number], "at": time.monotonic_ns()})


def take_turn(subject: Subject, order: dict[str, Any]) -> None:
    """Do what was ordered, in the forked process."""
    job = Job(Path(order["folder"]), Path(order["scratch"]), order["seed"], order["said"])
    try:
        if order["do"] == "work":
            subject.work(job, say)
            tell({"over": "it ended by itself"})
        else:
            found = subject.look(job)
            tell({"held": found.held, "faults": found.faults})
    except TooSlow as late:
        tell({"late": str(late)})
    except BaseException:  # noqa: BLE001 - told to who ordered it
        word = traceback.format_exc()
        tell({"over": word} if order["do"] == "work" else {"held": {}, "faults": [word]})


def main(module: str) -> None:
    """Obey until nobody orders any more."""
    subject = cast("Subject", importlib.import_module(module))
    turn = 0
    tell({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "end":
            os.kill(turn, signal.SIGKILL)
            os.waitpid(turn, 0)
            turn = 0
            tell({"ended": True})
            continue
        turn = os.fork()
        if turn == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            take_turn(subject, order)
            os._exit(0)
    if turn:
        os.kill(turn, signal.SIGKILL)
        os.waitpid(turn, 0)


if __name__ == "__main__":
    main(sys.argv[1])
