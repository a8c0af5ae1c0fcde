"""Makes a machine as new: no identity, no settings, no catalogue; what was scanned and not sent stays unless told.

Without being told otherwise, the logs stay: a station that is enrolled anew sets a log of another identity aside
itself, and what was not sent can be carried to the hub by hand (docs/station.md). Each step can be done again: a reset
that the power cut short is done to its end at the next start.
"""

from __future__ import annotations

from pathlib import Path

from image.system.boot_file import Reset
from image.system.files import erase_tree, remove, remove_tree

LOGS = ("stock.db", "chatter.db", "sealed")
"""How the entries of an agent's folder begin that are logs, those set aside too."""


def reset_station(folder: Path, how: Reset) -> None:
    """Make an agent's folder as new, the agent being stopped. The identity is overwritten, first. Raises `OSError`."""
    erase_tree(folder / "identity")
    if how == "everything":
        clear_folder(folder)
        return
    for each in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not each.name.startswith(LOGS):
            remove_tree(each)


def clear_folder(folder: Path) -> None:
    """Delete what is in a folder. Raises `OSError`."""
    for each in sorted(folder.iterdir()) if folder.is_dir() else ():
        remove_tree(each)


def reset_errors(folder: Path) -> None:
    """Forget the errors that were kept."""
    for name in ("errors.txt", "errors-before.txt", "cursor"):
        remove(folder / name)
