"""The process that is the disk: python -m tests.stand_ins.forgetful MOUNTPOINT

It is told what to do on standard input and answers on standard output, a JSON object a line each. Of a cut it tells
unasked: {"cut": {...}}. It unmounts and ends when its standard input ends, so it outlives nobody.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import mfusepy

from tests.stand_ins.forgetful.disk import Cut, Folder, Keep, read_folder, settle, write_folder
from tests.stand_ins.forgetful.mounted import Mounted


def say(told: dict[str, Any]) -> None:
    """Tell something in one piece, whichever thread tells it."""
    os.write(sys.stdout.fileno(), json.dumps(told).encode() + b"\n")


def obey(disk: Mounted, order: dict[str, Any]) -> None:
    """Do what is asked."""
    match order["do"]:
        case "load":
            disk.revive(Folder() if order["folder"] is None else read_folder(Path(order["folder"])))
        case "arm":
            disk.arm(order["changes"], at_sync=order["at_sync"])
        case "cut":
            disk.cut("no change")
        case "settle":
            settle(disk.root)
        case "spare":
            disk.revive(disk.root)
        case "revive":
            root = disk.root
            root.cut(Keep(order["keep"]), random.Random(order["seed"]))
            write_folder(root, Path(order["folder"]))
            disk.revive(root)


def listen(disk: Mounted, mountpoint: str) -> None:
    """Obey until nobody orders any more, then unmount and end, whatever programs still have open here."""
    for line in sys.stdin:
        with disk.turn:
            obey(disk, json.loads(line))
        say({"done": True})
    subprocess.run(["fusermount3", "-u", "-z", mountpoint], check=False, stderr=subprocess.DEVNULL)
    os._exit(0)


def main(mountpoint: str) -> None:
    """Mount and serve."""

    def cut_off(cut: Cut) -> None:
        say({"cut": asdict(cut)})

    disk = Mounted(cut_off)
    threading.Thread(target=listen, args=(disk, mountpoint), daemon=True).start()
    mfusepy.FUSE(
        disk,
        mountpoint,
        foreground=True,
        nothreads=True,
        fsname="forgetful",
        # What the kernel remembers would outlive a cut.
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
    )


if __name__ == "__main__":
    main(sys.argv[1])
