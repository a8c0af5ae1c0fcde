"""Runs the broker that came with pip, for as long as this process lives: `python -m ... CONFIG`."""

from __future__ import annotations

import sys

from iotcore import IotCoreBroker

if __name__ == "__main__":
    IotCoreBroker(config_path=sys.argv[1]).run_forever()
