"""Who has shown too many wrong tokens is not heard for a while; bounded, however many try."""

from __future__ import annotations

from collections import OrderedDict

WRONG_A_MINUTE = 10
MAX_PEERS = 1024
_MINUTE_US = 60_000_000


class WrongTokens:
    """Counts wrong tokens by the address they came from."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, list[int]] = OrderedDict()

    def too_many(self, peer: str, now_us: int) -> bool:
        """Whether `peer` is to wait: it was wrong too often in the minute before now."""
        return len(self._lately(peer, now_us)) >= WRONG_A_MINUTE

    def add(self, peer: str, now_us: int) -> None:
        """Count one more."""
        self._wrong[peer] = [*self._lately(peer, now_us), now_us][-WRONG_A_MINUTE:]
        self._wrong.move_to_end(peer)
        if len(self._wrong) > MAX_PEERS:
            self._wrong.popitem(last=False)

    def _lately(self, peer: str, now_us: int) -> list[int]:
        # A clock that was set back must not shut anybody out.
        return [at_us for at_us in self._wrong.get(peer, ()) if 0 <= now_us - at_us < _MINUTE_US]
