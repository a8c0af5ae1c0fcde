"""Why a step of the hand-over check was skipped, in the words that its record has. Pure."""

from __future__ import annotations

from typing import Final

from protocol.acceptance import StepKind
from protocol.cards import SkipReason

_REASONS: Final = {
    SkipReason.NOT_INSTALLED: "not installed yet",
    SkipReason.NOTHING_TO_TRY: "nothing at hand to try it with",
    SkipReason.TO_BE_REPAIRED: "to be repaired",
}
"""As the station's page says them."""
_NOT_SHOWN: Final = {
    StepKind.SCAN: "the CHECK card was not read",
    StepKind.WEIGH: "it was not shown empty",
    StepKind.TAG: "no tag was seen",
    StepKind.CARD: "no card was seen",
    StepKind.BUTTON: "it was not pressed",
    StepKind.LIGHTS: "nobody said whether they lit",
    StepKind.TONE: "nobody said whether it sounded",
    StepKind.READY: "it was not ready",
    None: "no step was being done",
}


def said_by_card(why: SkipReason | None, kind: StepKind | None, zeroed: bool, trouble: str) -> str:
    """Give the reason on the card, or say that there was none and what of the step was not shown.

    `kind` is the step's, None: there is none. `zeroed`: its scale was shown empty; `trouble` hindered it, by name.
    """
    if why is not None:
        return f"{_REASONS[why]} (by card)"
    missing = "nothing was put on it" if zeroed else _NOT_SHOWN[kind]
    return f"by card, no reason given: {missing}" + (f" ({trouble})" if trouble else "")
