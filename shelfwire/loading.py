"""How often a process looks for cycles of objects that nobody needs: seldom while it loads, soon while it serves."""

from __future__ import annotations

import gc


def load_undisturbed() -> None:
    """Look seldom, until `serve_evenly` or the process's end; for a command that begins.

    Loading makes objects by the hundred thousand that all stay; to look through them every 700 was a third of what a
    hub's start costs.
    """
    gc.set_threshold(20_000, 20, 20)


def serve_evenly() -> None:
    """Look often and shortly, and no more at what was loaded; for a process that is ready."""
    gc.freeze()
    gc.set_threshold(700, 10, 10)
