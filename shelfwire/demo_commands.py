"""`shelfwire demo`: run a whole store on this machine, break it, and balance its books."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

MOST_MINUTES = 24 * 60


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `demo`."""
    parser = subparsers.add_parser(
        "demo",
        help="a whole store on this machine, books balanced at the end",
        description="Run brokers, a hub, three stations and head office on loopback, as real processes with simulated "
        "hardware; cut and kill them during a day of trade; then compare what was scanned with what the books say. "
        "Exit code 1 if they do not balance.",
    )
    parser.add_argument("--headless", action="store_true", help="end by itself after the day")
    parser.add_argument("--minutes", type=minutes, default=2.0, metavar="N", help="how long the day is (default: 2)")
    parser.add_argument("--json", action="store_true", help="the report as JSON on standard output, and nothing else")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what people do; another one, another day")
    parser.add_argument("--port", type=port_number, default=8080, metavar="N", help="the page's port (default: 8080)")
    parser.add_argument("--broker", choices=("mosquitto", "iotcore"), help="default: mosquitto where it is installed")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave settings, logs and data there (a new folder)")


def run(args: argparse.Namespace) -> int:
    """Run it; give its exit code."""
    from shelfwire.demo.run import Demo, Options

    options = Options(
        headless=args.headless,
        minutes=args.minutes,
        json=args.json,
        seed=args.seed,
        port=args.port,
        broker=args.broker,
        keep=args.keep,
    )
    if args.keep is not None and args.keep.exists():
        print(f"shelfwire: {args.keep} is there already; --keep wants a new folder", file=sys.stderr)
        return 2
    return asyncio.run(Demo(options).run())


def minutes(text: str) -> float:
    minutes = float(text)
    if not 0 < minutes <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {MOST_MINUTES}")
    return minutes


def port_number(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return port
