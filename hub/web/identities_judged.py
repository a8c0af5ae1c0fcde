"""What an identity's words come to for a person: its state, and whether somebody should do something. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.web.health import StationLine
from protocol.identity_words import Certificate, End, Standing


class State(StrEnum):
    """Where an identity stands: waited for, come, or over."""

    INVITED = "invited"
    LAPSED = "lapsed"
    """It was invited, and never came."""
    ENROLLED = "enrolled"
    RUN_OUT = "run-out"
    """Its certificate has run out: it has to be invited again."""
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """An identity with its judgement; `health` is how its station is, None for one that was never heard.

    `awaited`: its last invitation is good and nobody has come with it. `late`: its certificate should have been renewed
    by itself and was not.
    """

    standing: Standing
    state: State
    awaited: bool
    late: bool
    health: StationLine | None = None

    @property
    def newest(self) -> Certificate | None:
        """The certificate that it was given last."""
        return self.standing.certificates[-1] if self.standing.certificates else None

    @property
    def over(self) -> bool:
        """Whether nobody needs to look at it any more."""
        return self.state in (State.RETIRED, State.REVOKED, State.LAPSED)


def judge_identities(
    standings: Iterable[Standing], stations: Sequence[StationLine], now_us: int
) -> tuple[IdentityLine, ...]:
    """Judge all identities: by position, those that are over at the end."""
    health = {line.row.station: line for line in stations}
    lines = [judge_identity(each, health.get(each.identity), now_us) for each in standings]
    return tuple(sorted(lines, key=lambda line: (line.over, line.standing.terms.position, line.standing.identity)))


def judge_identity(standing: Standing, health: StationLine | None, now_us: int) -> IdentityLine:
    """Judge one identity."""
    newest = standing.certificates[-1] if standing.certificates else None
    awaited = standing.open and standing.end is None and now_us < standing.invitation.expires_us
    late = False
    if standing.end is not None:
        state = State.REVOKED if standing.end is End.REVOKED else State.RETIRED
    elif newest is None:
        state = State.INVITED if awaited else State.LAPSED
    elif now_us >= newest.not_after_us:
        state = State.RUN_OUT
    else:
        state = State.ENROLLED
        # It is renewed at two thirds of its life: a fifth before its end somebody should know.
        late = now_us >= newest.not_after_us - (newest.not_after_us - newest.not_before_us) // 5
    return IdentityLine(standing, state, awaited, late, health)
