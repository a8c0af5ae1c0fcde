"""The books themselves: figures of items in areas, the entries they are made from, and closed periods' figures."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint

from hub.store.tables.columns import MADE, blob, keyed, number, numbered, some_number, some_text, text

scope = numbered(
    MADE,  # hub.ledger.figures.ScopeState
    "scope",
    text("item"),  # '' for what is held under a code that means no item: the area is the code
    text("area"),
    some_number("anchor_epoch"),
    some_number("anchor_seq"),
    number("moved_milli"),
    number("under_milli"),
    number("over_milli"),
    number("ambiguous"),
    number("supplier_milli"),
    number("customer_milli"),
    number("shrink_milli"),
    number("opening_milli"),
    number("transit_milli"),
    number("conversion_milli"),
    number("newest_us"),
    number("reach_us"),
    number("before_us"),
    number("after_us"),
    number("on_hand_milli"),
    number("plain"),  # its deltas that are in pages
    blob("tail"),  # the newest of them: hub.store.tails
    UniqueConstraint("item", "area"),
    # Its rows are written over and over: with room beside them that takes half the time, and no index is touched.
    postgresql_with={"fillfactor": "50"},
)
count_figure = keyed(
    MADE,  # hub.ledger.figures.CountFigure
    "count_figure",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    number("scope"),
    number("qty_milli"),
    number("t_us"),
    number("from_us"),
    number("to_us"),
    number("moved_milli"),
    number("expected_milli"),
    number("opening"),
    number("revision"),
    some_number("lo_milli"),  # of a soft count
    some_number("hi_milli"),
    number("closed"),
)
Index("count_order", count_figure.c.scope, count_figure.c.t_us)
sort = numbered(
    MADE,  # what plain deltas share
    "sort",
    number("scope"),
    text("code"),  # the catalogue's key of what was scanned
    text("reason"),
    number("lead_us"),
    number("lag_us"),
    UniqueConstraint("scope", "code", "reason", "lead_us", "lag_us"),
)
page = numbered(
    MADE,  # the plain deltas of a chunk, whose `id` it has: hub.store.pages
    "page",
    number("epoch"),
    number("first"),
    number("n"),
    blob("body"),
)
Index("page_place", page.c.epoch, page.c.first, unique=True)
run = numbered(
    MADE,  # a scope's older plain deltas: hub.store.tails
    "run",
    number("scope"),
    number("from_us"),
    number("until_us"),
    blob("body"),
)
Index("run_order", run.c.scope, run.c.until_us, run.c.from_us)
entry = keyed(
    MADE,  # hub.ledger.figures.Filed, but for plain deltas
    "entry",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    number("kind"),  # 0 delta, 1 count, 2 reversal
    some_number("scope"),  # a reversal's is its target's, NULL in quarantine
    number("key_us"),  # what it is ordered by: t_us, or the target's
    number("t_us"),
    number("err_us"),
    some_number("span_us"),
    number("lead_us"),
    number("lag_us"),
    number("qty_milli"),
    some_text("reason"),
    some_text("document"),
    some_text("code"),  # the catalogue's key of what was scanned
    number("fit"),  # which reading of the line this is
    some_text("cause"),
    some_text("reverses"),
    some_text("reversed_by"),
    number("told"),  # statements about it in the feed
    some_number("lo_milli"),  # of a soft count
    some_number("hi_milli"),
    number("closed"),
    number("stands"),
)
Index("entry_order", entry.c.scope, entry.c.key_us)
Index("entry_reverses", entry.c.reverses, sqlite_where=entry.c.kind == 2, postgresql_where=entry.c.kind == 2)
Index(
    "entry_document",
    entry.c.document,
    sqlite_where=entry.c.document.is_not(None),
    postgresql_where=entry.c.document.is_not(None),
)
period = keyed(
    MADE,  # protocol.period_words.Finality, as the journal has it
    "period",
    ("until_us", "epoch", "seq"),
    number("until_us"),
    number("epoch"),
    number("seq"),
    number("part"),
    blob("line"),
)
period_figure = keyed(
    MADE,  # the rows of protocol.period_words.PeriodWord
    "period_figure",
    ("item", "area", "until_us", "epoch", "seq"),
    text("item"),
    text("area"),
    number("until_us"),
    number("epoch"),
    number("seq"),
    number("declared"),  # or else it is a correction
    number("at_us"),
    number("on_hand_milli"),
    number("supplier_milli"),
    number("customer_milli"),
    number("shrink_milli"),
    number("opening_milli"),
    number("transit_milli"),
    number("conversion_milli"),
)
Index("period_figure_until", period_figure.c.until_us)
late = keyed(
    MADE,  # scopes whose figures at the end of a closed period may have changed by something of `from_us`
    "late",
    ("item", "area"),
    text("item"),
    text("area"),
    number("from_us"),
)
