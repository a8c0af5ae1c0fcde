"""Takes a batch of entries into the books: repeats, new clock fits, reversals and quarantine."""

from __future__ import annotations

from collections.abc import Sequence

from hub.ledger.entries import Entry
from hub.ledger.figures import Books, Outcome


def fold(entries: Sequence[Entry], books: Books) -> Outcome:
    """Fold a batch, of one entry or thousands, in any order; say all that changed, change nothing."""
    raise NotImplementedError
