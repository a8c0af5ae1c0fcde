"""What a scale's answers tell about the scale: how old its weight is, if its zero wanders, how long it moves."""

from __future__ import annotations

from collections import deque

from edge.codecs.readings import Weight, WeightState

NEAR_ZERO_GRAMS = 10
"""A scale that shows no more than this at rest is taken for empty: two steps of the common 5 g and 0.01 lb scales."""
EMPTY_RESTS = 20
"""How many of the last rests near zero the drift is told from."""
DRIFT_GRAMS = 6
"""More than one step of the common scales."""
LONG_MOTION_NS = 30 * 10**9
_MS = 10**6


class ScaleFigures:
    """Takes every answer with the time it came, in nanoseconds; asks no clock itself.

    - `weight_age_ms`: since the scale last gave grams
    - `answer_age_ms`: since the scale last answered anything; silence is no answer
    - `zero_drift_grams`: how far apart the last `EMPTY_RESTS` figures near zero were, a rest between two others counted
      once however often it was read; what is on the scale for good does not show
    - `in_motion_ms`: since when the motion lasts that there is now, 0 at rest; `longest_motion_ms`: of all motions
    """

    def __init__(self) -> None:
        self._weighed: int | None = None
        self._answered: int | None = None
        self._moving_since: int | None = None
        self._longest = 0
        self._empty: deque[int] = deque(maxlen=EMPTY_RESTS)
        self._resting = False

    def take(self, weight: Weight, now_ns: int) -> None:
        """Note an answer of the scale."""
        self._answered = now_ns
        self._move(weight.state is WeightState.MOTION, now_ns)
        if weight.grams is None:
            # Unchanged is the same rest as before; anything else ends it.
            self._resting = self._resting and weight.state is WeightState.UNCHANGED
            return
        self._weighed = now_ns
        if weight.grams > NEAR_ZERO_GRAMS or weight.net:
            self._resting = False
        elif not self._resting or self._empty[-1] != weight.grams:
            self._empty.append(weight.grams)
            self._resting = True

    def interrupt(self) -> None:
        """Forget the motion and the rest that were going on: the scale fell silent, or is another one by now."""
        self._moving_since = None
        self._resting = False

    def measured(self, now_ns: int) -> dict[str, int]:
        """Give the figures that are known, by name."""
        figures: dict[str, int] = {}
        if self._answered is None:
            return figures
        if self._weighed is not None:
            figures["weight_age_ms"] = (now_ns - self._weighed) // _MS
        figures["answer_age_ms"] = (now_ns - self._answered) // _MS
        if self._empty:
            figures["zero_drift_grams"] = max(self._empty) - min(self._empty)
        moving = 0 if self._moving_since is None else now_ns - self._moving_since
        figures["in_motion_ms"] = moving // _MS
        figures["longest_motion_ms"] = max(self._longest, moving) // _MS
        return figures

    def complaint(self, now_ns: int, fresh_ns: int) -> str:
        """Say what is wrong with the scale, "" if nothing is; an answer older than `fresh_ns` is."""
        if self._answered is None:
            return ""
        if now_ns - self._answered > fresh_ns:
            return f"last answered {(now_ns - self._answered) // 10**9} s ago"
        if self._moving_since is not None and now_ns - self._moving_since > LONG_MOTION_NS:
            return f"in motion for {(now_ns - self._moving_since) // 10**9} s: something touches it, or moves it"
        if self._empty and (drift := max(self._empty) - min(self._empty)) > DRIFT_GRAMS:
            return f"wanders by {drift} g when empty: clean it, level it, set it to zero"
        return ""

    def _move(self, moving: bool, now_ns: int) -> None:
        if moving and self._moving_since is None:
            self._moving_since = now_ns
        elif not moving and self._moving_since is not None:
            self._longest = max(self._longest, now_ns - self._moving_since)
            self._moving_since = None
