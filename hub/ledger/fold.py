"""Takes batches of entries into the books: repeats, new clock fits, reversals and quarantine; one call,
one batch."""

from __future__ import annotations

from collections.abc import Sequence

from hub.ledger.entries import Entry
from hub.ledger.figures import Books, Outcome


def fold(entries: Sequence[Entry], books: Books) -> Outcome:
    """Fold a batch, of one entry or of thousands, in any order, and say all that changed. Changes nothing
    itself."""
    raise NotImplementedError
