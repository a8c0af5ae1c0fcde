"""What came from outside, and what was decided: kept for itself, brought from release to release by migrations."""

from __future__ import annotations

from sqlalchemy import Column, Index, MetaData, String, Table, UniqueConstraint

from hub.store.tables.columns import KEPT, blob, keyed, number, numbered, some_blob, some_number, some_text, text

alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Alembic's own: which of the migrations were run."""
log = numbered(
    KEPT,
    "log",
    text("name"),
    some_text("state"),  # how far we have read it, as JSON; NULL for our own logs
    number("folds"),  # the fold reads it
    number("committed", 0),
    number("folded", 0),  # of them, passed by the fold's cursor
    number("movements", 0),  # of them, in the ledger: deltas, counts and reversals
    number("bytes", 0),
    some_number("last_us"),
    UniqueConstraint("name"),
)
epoch = numbered(
    KEPT,  # one life of one log
    "epoch",
    number("log"),
    text("name"),
    # Of our own logs, the chapter it is: what it was opened on, and whether it is part of the lineage.
    some_text("base_epoch"),
    some_number("base_seq"),
    some_blob("base_digest"),
    number("depth", 0),
    some_blob("carried"),
    number("told", 0),
    number("head", 0),
    UniqueConstraint("log", "name"),
)
chunk = numbered(
    KEPT,  # `id` is the order of arrival, which the fold follows
    "chunk",
    number("epoch"),
    number("first"),
    number("n"),
    blob("digest"),  # the chain before `first`
    blob("body"),  # lines joined by LF; zstd if it starts with zstd's magic number
    some_text("flag"),  # why the one entry came unread
    number("to_fold"),
)
Index("chunk_place", chunk.c.epoch, chunk.c.first, unique=True)
Index("chunk_to_fold", chunk.c.id, sqlite_where=chunk.c.to_fold != 0, postgresql_where=chunk.c.to_fold != 0)
loss = numbered(KEPT, "loss", number("log"), text("epoch"), number("first"), some_number("last"), number("at_us"))
quarantine = keyed(
    KEPT,
    "quarantine",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    text("reason"),
    text("detail"),
    blob("body"),
    number("at_us"),
    some_number("released_us"),
)
Index(
    "quarantine_open",
    quarantine.c.at_us,
    sqlite_where=quarantine.c.released_us.is_(None),
    postgresql_where=quarantine.c.released_us.is_(None),
)
meta = keyed(KEPT, "meta", ("name",), text("name"), text("value"))
place = keyed(
    KEPT,  # what older releases held of a place's area: a default, not written any more
    "place",
    ("place",),
    text("place"),
    text("area"),
    number("used"),
)
station = keyed(
    KEPT,
    "station",
    ("name",),
    text("name"),
    text("state"),  # what it last said of itself, JSON as it came
    number("state_us"),
    number("last_seen_us"),
)
live = keyed(
    KEPT,  # the catalogue's live rows, known by protocol.catalogue.RowKey
    "live",
    ("kind", "owner", "member"),
    text("kind"),
    text("owner"),
    text("member"),
    blob("line"),
    number("version"),  # the seq of its line in our catalogue log
    some_text("item"),  # what it is about
    some_text("name"),  # an item's, for searching
)
Index("live_item", live.c.item, live.c.kind)
price_history = keyed(
    KEPT,
    "price_history",
    ("item", "id", "generation", "version"),
    text("item"),
    text("id"),
    number("generation"),  # where in the catalogue log it came
    number("version"),
    number("known_us"),  # when it came there
    some_number("until_generation"),  # where another took its place, or nothing did
    some_number("until_version"),
    some_number("until_us"),
    blob("line"),
)
catalogue_held = keyed(
    KEPT,  # which version of the catalogue a station had, from when on
    "catalogue_held",
    ("station", "at_us"),
    text("station"),
    number("at_us"),
    number("generation"),
    number("version"),
)
decided = keyed(
    KEPT,  # which decision of the journal a key made; made anew from it when missing
    "decided",
    ("key",),
    text("key"),
    blob("fingerprint"),
    number("epoch"),
    number("seq"),
    number("at_us"),
)
Index("decided_age", decided.c.at_us)
