"""`python -m shelfwire`: the same as the `shelfwire` command."""

from __future__ import annotations

import sys

from shelfwire.cli import main

if __name__ == "__main__":
    sys.exit(main())
