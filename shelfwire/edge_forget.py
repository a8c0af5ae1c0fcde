"""`shelfwire edge forget`: erases a station's identity, and never what it has to send."""

from __future__ import annotations

from edge.agent import only_agent
from edge.enrol.folder import IdentityFolder
from edge.errors import EdgeError
from edge.settings import Machine


def forget(machine: Machine) -> int:
    """Run the command. Raises `EdgeError`, also while the agent runs."""
    if not machine.data_dir.exists():
        raise EdgeError(f"there is no {machine.data_dir}: the agent has not run yet")
    with only_agent(machine.data_dir):
        folder = IdentityFolder(machine.data_dir)
        try:
            folder.open()
            held = folder.record.held
            folder.forget()
        except OSError as error:
            raise EdgeError(f"{folder.path}: {error.strerror or error}") from error
    who = "there was no identity" if held is None else f"the identity {held.identity} of {held.store} is erased"
    print(f"{who}; the logs are kept")
    return 0
