"""`shelfwire provision enrol`: enrols this machine by an invitation in a file, by hand, with the agent stopped.

The digits are never an argument: a list of processes shows those to everybody.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "enrol",
        help="enrol this machine as a station, by an invitation in a file",
        description="Enrol this machine by an invitation in a file, with the agent stopped. The file is overwritten"
        " once the invitation is taken. An agent takes one by its scanner, its page or `[enrol] file` itself.",
    )
    parser.add_argument("--invitation-file", type=Path, required=True, metavar="FILE", help="80 digits, in any rows")
    parser.add_argument("--data-dir", type=Path, required=True, metavar="DIR", help="the data folder of the station")
    parser.set_defaults(run_provision=run)


def run(args: argparse.Namespace) -> int:
    """Run the command; give its exit code."""
    from edge.agent import only_agent
    from edge.enrol.errors import NotNow
    from edge.errors import EdgeError
    from protocol.errors import BadInput

    try:
        with only_agent(args.data_dir):
            return _enrol(args.data_dir, args.invitation_file)
    except (BadInput, NotNow) as error:
        print(f"shelfwire: {args.invitation_file}: {getattr(error, 'detail', error)}", file=sys.stderr)
        return 2 if isinstance(error, BadInput) else 1
    except (EdgeError, OSError) as error:
        print(f"shelfwire: not enrolled: {error}", file=sys.stderr)
        return 1


def _enrol(data_dir: Path, file: Path) -> int:
    from edge.enrol.enrolment import Enrolment
    from edge.enrol.errors import NotNow
    from edge.enrol.est import EstClient
    from edge.enrol.folder import IdentityFolder
    from edge.enrol.laid import read_laid, use_up
    from edge.enrol.moment import Moment
    from edge.enrol.record import State
    from edge.errors import EdgeError
    from shelfwire.identity_words import words_of

    folder = IdentityFolder(data_dir)
    moment = Moment(folder.path / "floor", 0, lambda: time.time_ns() // 1000)
    folder.open()
    moment.open()
    text = read_laid(file)
    if text is not None:
        if folder.record.state(moment.now_us) in (State.ENROLLED, State.RENEWING):
            raise NotNow(f"this machine is {words_of(folder.record, moment.now_us)}")
        folder.begin("".join(char for char in text if char.isdigit()))
        use_up(file)
    elif folder.record.state(moment.now_us) is not State.ASKED:
        raise EdgeError(f"there is no {file}")
    enrolment = Enrolment(folder, moment, lambda host, port: EstClient(host, port, moment))
    enrolment.ask(lambda step: print(f"{step} …", file=sys.stderr))
    print(words_of(folder.record, moment.now_us))
    return 0
