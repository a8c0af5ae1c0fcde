"""All tables of the hub's store, on whatever engine: whoever imports `KEPT` or `MADE` from here has each of them."""

from hub.store.tables.baskets import basket, basket_line, basket_word
from hub.store.tables.books import count_figure, entry, late, page, period, period_figure, run, scope, sort
from hub.store.tables.columns import KEPT, MADE
from hub.store.tables.counts import count_complete, count_part, count_said, count_session, count_shelf, recount
from hub.store.tables.head_office import (
    announced,
    conflict,
    conflict_answer,
    field_written,
    fields_set,
    stated,
    statement,
    statement_compared,
    transfer,
    transfer_line,
)
from hub.store.tables.kept import (
    alembic_version,
    catalogue_held,
    chunk,
    decided,
    epoch,
    live,
    log,
    loss,
    meta,
    place,
    price_history,
    quarantine,
    station,
)
from hub.store.tables.rereading import anchor, beside, boot, boot_start, mark, redocument, relink, reread, retry
from hub.store.tables.tags import resweep, source, sourced, swept, tag, tag_deal, tag_due, tag_sign, tag_told
from hub.store.tables.words import (
    configured,
    held_word,
    home_given,
    identity_word,
    leads_given,
    place_given,
    position_given,
    promise,
    release_said,
    token_said,
)

__all__ = [
    "KEPT", "MADE", "alembic_version", "anchor", "announced", "basket", "basket_line", "basket_word", "beside",
    "boot", "boot_start", "catalogue_held", "chunk", "configured", "conflict", "conflict_answer", "count_complete",
    "count_figure", "count_part", "count_said", "count_session", "count_shelf", "decided", "entry", "epoch",
    "field_written", "fields_set", "held_word", "home_given", "identity_word", "late", "leads_given", "live", "log",
    "loss", "mark", "meta", "page", "period", "period_figure", "place", "place_given", "position_given",
    "price_history", "promise", "quarantine", "recount", "redocument", "release_said", "relink", "reread", "resweep",
    "retry", "run", "scope", "sort", "source", "sourced", "stated", "statement", "statement_compared", "station",
    "swept", "tag", "tag_deal", "tag_due", "tag_sign", "tag_told", "token_said", "transfer", "transfer_line",
]  # fmt: skip
