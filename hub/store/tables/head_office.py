"""What is settled with head office: transfers, stock statements and conflicts, fields, and what the feed announced."""

from __future__ import annotations

from sqlalchemy import Index

from hub.store.tables.columns import MADE, blob, keyed, number, some_number, text

transfer = keyed(
    MADE,  # hub.store.transfers: what was said of goods that travel
    "transfer",
    ("document",),
    text("document"),
    number("said_us"),  # the newest word
    number("inbound"),  # approved to this store: what is received under it comes out of transit
    number("closed"),
)
Index("transfer_order", transfer.c.said_us, transfer.c.document)
transfer_line = keyed(
    MADE,
    "transfer_line",
    ("document", "epoch", "seq"),
    text("document"),
    number("epoch"),
    number("seq"),
    number("by_hq"),  # of head office's documents, not of the journal
    blob("line"),
)
statement = keyed(
    MADE,  # protocol.documents.StockStated, without its lines
    "statement",
    ("document", "part"),
    text("document"),
    number("part"),
    number("epoch"),
    number("seq"),
    number("at_us"),
    text("feed_epoch"),  # the position in the store feed that it names
    number("feed_generation"),
    number("feed_seq"),
    number("of_items"),
    text("author"),
    text("note"),
)
statement_compared = keyed(
    MADE,  # protocol.hq_decisions.StatementCompared, without its rows
    "statement_compared",
    ("document", "part", "epoch", "seq"),
    text("document"),
    number("part"),
    number("epoch"),
    number("seq"),
    number("at_us"),
    number("differing"),
)
stated = keyed(
    MADE,  # what the last statement on an item and area said of it
    "stated",
    ("item", "area"),
    text("item"),
    text("area"),
    number("feed_generation"),
    number("feed_seq"),
    number("generation"),
    number("seq"),
    text("document"),
    number("hq_milli"),
)
conflict = keyed(
    MADE,  # protocol.hq_decisions.ComparedRow, and what became of it
    "conflict",
    ("document", "item", "area"),
    text("document"),
    text("item"),
    text("area"),
    number("part"),
    number("at_us"),
    text("feed_epoch"),
    number("feed_seq"),
    number("hq_milli"),
    number("ours_milli"),
    number("pending_milli"),
    text("standing"),  # hub.ledger.conflicts.Standing
    some_number("asked_us"),  # when a recount was asked for last
)
Index("conflict_order", conflict.c.at_us, conflict.c.document, conflict.c.item, conflict.c.area)
Index("conflict_scope", conflict.c.item, conflict.c.area)
conflict_answer = keyed(
    MADE,  # protocol.hq_decisions.ConflictAnswered, as the journal has it
    "conflict_answer",
    ("document", "item", "area", "epoch", "seq"),
    text("document"),
    text("item"),
    text("area"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
fields_set = keyed(
    MADE,  # protocol.documents.FieldsSet: where its line stands
    "fields_set",
    ("document",),
    text("document"),
    number("epoch"),
    number("seq"),
    number("taken"),  # the journal has it all
)
field_written = keyed(
    MADE,  # protocol.hq_decisions.FieldWritten, as the journal has it
    "field_written",
    ("item", "area", "field", "epoch", "seq"),
    text("item"),
    text("area"),
    text("field"),
    number("epoch"),
    number("seq"),
    text("document"),
    blob("line"),
)
announced = keyed(
    MADE,  # statements in the feed about what is no entry of the books
    "announced",
    ("entry",),
    text("entry"),
    number("told"),
    blob("digest"),  # of what was told last
)
