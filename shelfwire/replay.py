"""`shelfwire edge replay`: runs a capture of a device through its codec and says what it reads."""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from itertools import zip_longest

from edge.captures import Capture, read_capture, replay
from edge.codecs.base import Codec
from edge.drivers.installed import installed_drivers
from edge.errors import BadCapture, BadDriver


def run(args: argparse.Namespace) -> int:
    """Print the readings; give the exit code. Raises `BadCapture`."""
    capture = read_capture(args.folder)
    if args.codec or args.option:
        try:
            given = tomllib.loads("\n".join(args.option))
        except tomllib.TOMLDecodeError as error:
            print(f"shelfwire: --option is KEY=VALUE as in TOML: {error}", file=sys.stderr)
            return 2
        options = {**({} if args.codec else capture.options), **given}
        capture = Capture(args.codec or capture.codec, capture.source, options, capture.stretches, None)
    rows = []
    for row in replay(make_codec(capture), capture.stretches):
        print(json.dumps(row), flush=True)
        rows.append(row)
    if capture.expected is None:
        return 0
    for number, (got, wanted) in enumerate(zip_longest(rows, capture.expected), 1):
        if got != wanted:
            told = (
                f"line {number} of readings.jsonl is {json.dumps(wanted)}" if wanted else f"line {number} is one more"
            )
            print(f"shelfwire: {args.folder}: {told}", file=sys.stderr)
            return 1
    return 0


def make_codec(capture: Capture) -> Codec:
    """Make the codec of a capture, from whichever driver speaks its dialect. Raises `BadCapture`."""
    known: set[str] = set()
    for spec in installed_drivers().values():
        try:
            codecs = spec.load().codecs
        except BadDriver:
            continue  # the dialect may be another's
        if capture.codec in codecs:
            try:
                return codecs[capture.codec](**capture.options)
            except (TypeError, ValueError, KeyError) as error:
                raise BadCapture(f"{capture.codec} cannot be made with {dict(capture.options)}: {error}") from error
        known |= set(codecs)
    raise BadCapture(f"no driver speaks {capture.codec!r}; known are {', '.join(sorted(known))}")
