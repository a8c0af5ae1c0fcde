"""How long to wait before the hub is called again. Pure.

A broker that lets a station in and drops it at once, as it does where two stations go by one name, is called as seldom
as one that is not there: or the two would push each other out several times a second, for ever.
"""

from __future__ import annotations

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 5.0
STEADY_S = 2.0
"""A conversation of this length was one."""


class Patience:
    """Doubles the wait with each call that comes to nothing."""

    def __init__(self) -> None:
        self._next_s = FIRST_WAIT_S

    def wait_s(self, talked_s: float) -> float:
        """Say how long to wait after a call that was answered for `talked_s`, 0 if not at all."""
        wait_s = FIRST_WAIT_S if talked_s >= STEADY_S else self._next_s
        self._next_s = min(2 * wait_s, LONGEST_WAIT_S)
        return wait_s
