"""An identity book kept in memory: what the hub's store does with its journal, for tests and trials."""

from __future__ import annotations

from protocol.draining import DrainTaken
from protocol.enrolment import parse_identity
from protocol.errors import BadInput
from protocol.identity import StationId
from protocol.identity_words import Certified, End, Ended, HandedOver, IdentityWord, Invited, Standing, after


class MemoryBook:
    """An `IdentityBook`; `words` are all that were said, in order."""

    def __init__(self) -> None:
        self.words: list[IdentityWord] = []
        self._standings: dict[StationId, Standing] = {}
        self._keys: dict[str, StationId] = {}

    async def say(self, word: IdentityWord) -> Standing:
        """See `IdentityBook.say`."""
        key = "" if isinstance(word, Certified | DrainTaken | HandedOver) else word.key
        if key in self._keys:
            return self._standings[self._keys[key]]
        identity = parse_identity(word.identity)
        if isinstance(word, Invited) and word.replaces == identity:
            raise BadInput("bad-entry", f"{identity} in its own stead")
        before = self._standings.get(identity)
        standing = after(before, word)
        if standing is before:
            return standing
        replaced: Standing | None = None
        if isinstance(word, Invited) or (isinstance(word, Certified) and not word.renews):
            self._check_free(standing)
            replaced = self._standings.get(StationId(standing.invitation.replaces))
        if isinstance(word, Invited) and word.replaces:
            _check_replaced(word, replaced)
        self._take(word, standing)
        position = standing.invitation.position
        if (
            isinstance(word, Certified)
            and replaced is not None
            and replaced.end is None
            and replaced.terms.position == position
        ):
            ended = Ended(word.at_us, replaced.identity, End.RETIRED, word.author, f"replaced by {identity}")
            self._take(ended, after(replaced, ended))
        if key:
            self._keys[key] = identity
        return standing

    async def standing(self, identity: StationId) -> Standing | None:
        """See `IdentityBook.standing`."""
        return self._standings.get(identity)

    async def invited_by(self, token_sha256: str) -> Standing | None:
        """See `IdentityBook.invited_by`."""
        return next((each for each in self._standings.values() if each.invitation.token_sha256 == token_sha256), None)

    async def standings(self) -> tuple[Standing, ...]:
        """See `IdentityBook.standings`."""
        return tuple(standing for _, standing in sorted(self._standings.items()))

    def _take(self, word: IdentityWord, standing: Standing) -> None:
        self._standings[standing.identity] = standing
        self.words.append(word)

    def _check_free(self, standing: Standing) -> None:
        invited = standing.invitation
        for other in self._standings.values():
            if (
                other.enrolled
                and other.identity not in (standing.identity, invited.replaces)
                and other.terms.position == invited.position
            ):
                raise BadInput("position-taken", f"{other.identity} stands at {invited.position}")


def _check_replaced(invited: Invited, replaced: Standing | None) -> None:
    if replaced is None:
        raise BadInput("identity-unknown", f"{invited.replaces} was never invited")
    if replaced.terms.position != invited.position:
        raise BadInput("position-differs", f"{invited.replaces} is of {replaced.terms.position}")
