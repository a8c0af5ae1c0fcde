"""The tables of the hub's store, on whatever engine.

Times are UTC microseconds, quantities milli-units, money minor units; yes and no are 1 and 0. Texts are compared byte
by byte, whatever the database's locale, since cursors of pages and the catalogue's hash go by that order.

Long, but one list: what is kept, then the books, each column with what it means.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

KEPT: Final = MetaData()
"""What came from outside, and what was decided: brought from release to release by `hub.store.migrations`."""
MADE: Final = MetaData()
"""The books, which the fold makes of the logs: made anew where a release keeps them otherwise."""
_INT: Final = BigInteger().with_variant(Integer(), "sqlite")
_TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")


def _int(name: str, default: int | None = None) -> Column[int]:
    return Column(name, _INT, nullable=False, server_default=None if default is None else str(default))


def _some_int(name: str) -> Column[int | None]:
    return Column(name, _INT, nullable=True)


def _text(name: str) -> Column[str]:
    return Column(name, _TEXT, nullable=False)


def _some_text(name: str) -> Column[str | None]:
    return Column(name, _TEXT, nullable=True)


def _blob(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _some_blob(name: str) -> Column[bytes | None]:
    return Column(name, LargeBinary, nullable=True)


def _id() -> Column[int]:
    """Make the number of a row, given by the engine where it is not said."""
    return Column("id", _INT, primary_key=True, autoincrement=True)


def _numbered(part: MetaData, name: str, *columns: Any, **options: Any) -> Table:
    """Make a table whose rows have an `id`."""
    return Table(name, part, _id(), *columns, sqlite_strict=True, **options)


def _keyed(part: MetaData, name: str, key: tuple[str, ...], *columns: Any) -> Table:
    """Make a table whose rows lie in the order of their key."""
    return Table(name, part, *columns, PrimaryKeyConstraint(*key), sqlite_strict=True, sqlite_with_rowid=False)


alembic_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""Alembic's own: which of the migrations were run."""

log = _numbered(
    KEPT,
    "log",
    _text("name"),
    _some_text("state"),  # how far we have read it, as JSON; NULL for our own logs
    _int("folds"),  # the fold reads it
    _int("committed", 0),
    _int("folded", 0),  # of them, passed by the fold's cursor
    _int("movements", 0),  # of them, in the ledger: deltas, counts and reversals
    _int("bytes", 0),
    _some_int("last_us"),
    UniqueConstraint("name"),
)
epoch = _numbered(
    KEPT,  # one life of one log
    "epoch",
    _int("log"),
    _text("name"),
    # Of our own logs, the chapter it is: what it was opened on, and whether it is part of the lineage.
    _some_text("base_epoch"),
    _some_int("base_seq"),
    _some_blob("base_digest"),
    _int("depth", 0),
    _some_blob("carried"),
    _int("told", 0),
    _int("head", 0),
    UniqueConstraint("log", "name"),
)
chunk = _numbered(
    KEPT,  # `id` is the order of arrival, which the fold follows
    "chunk",
    _int("epoch"),
    _int("first"),
    _int("n"),
    _blob("digest"),  # the chain before `first`
    _blob("body"),  # lines joined by LF; zstd if it starts with zstd's magic number
    _some_text("flag"),  # why the one entry came unread
    _int("to_fold"),
)
Index("chunk_place", chunk.c.epoch, chunk.c.first, unique=True)
Index("chunk_to_fold", chunk.c.id, sqlite_where=chunk.c.to_fold != 0, postgresql_where=chunk.c.to_fold != 0)
loss = _numbered(KEPT, "loss", _int("log"), _text("epoch"), _int("first"), _some_int("last"), _int("at_us"))
quarantine = _keyed(
    KEPT,
    "quarantine",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _text("reason"),
    _text("detail"),
    _blob("body"),
    _int("at_us"),
    _some_int("released_us"),
)
Index(
    "quarantine_open",
    quarantine.c.at_us,
    sqlite_where=quarantine.c.released_us.is_(None),
    postgresql_where=quarantine.c.released_us.is_(None),
)
meta = _keyed(KEPT, "meta", ("name",), _text("name"), _text("value"))
place = _keyed(
    KEPT,  # what older releases held of a place's area: a default, not written any more
    "place",
    ("place",),
    _text("place"),
    _text("area"),
    _int("used"),
)
station = _keyed(
    KEPT,
    "station",
    ("name",),
    _text("name"),
    _text("state"),  # what it last said of itself, JSON as it came
    _int("state_us"),
    _int("last_seen_us"),
)

# What the fold makes of the logs, and can make again.
scope = _numbered(
    MADE,  # hub.ledger.figures.ScopeState
    "scope",
    _text("item"),  # '' for what is held under a code that means no item: the area is the code
    _text("area"),
    _some_int("anchor_epoch"),
    _some_int("anchor_seq"),
    _int("moved_milli"),
    _int("under_milli"),
    _int("over_milli"),
    _int("ambiguous"),
    _int("supplier_milli"),
    _int("customer_milli"),
    _int("shrink_milli"),
    _int("opening_milli"),
    _int("transit_milli"),
    _int("conversion_milli"),
    _int("newest_us"),
    _int("reach_us"),
    _int("before_us"),
    _int("after_us"),
    _int("on_hand_milli"),
    _int("plain"),  # its deltas that are in pages
    _blob("tail"),  # the newest of them: hub.store.tails
    UniqueConstraint("item", "area"),
    # Its rows are written over and over: with room beside them that takes half the time, and no index is touched.
    postgresql_with={"fillfactor": "50"},
)
count_figure = _keyed(
    MADE,  # hub.ledger.figures.CountFigure
    "count_figure",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _int("scope"),
    _int("qty_milli"),
    _int("t_us"),
    _int("from_us"),
    _int("to_us"),
    _int("moved_milli"),
    _int("expected_milli"),
    _int("opening"),
    _int("revision"),
    _some_int("lo_milli"),  # of a soft count
    _some_int("hi_milli"),
    _int("closed"),
)
Index("count_order", count_figure.c.scope, count_figure.c.t_us)
sort = _numbered(
    MADE,  # what plain deltas share
    "sort",
    _int("scope"),
    _text("code"),  # the catalogue's key of what was scanned
    _text("reason"),
    _int("lead_us"),
    _int("lag_us"),
    UniqueConstraint("scope", "code", "reason", "lead_us", "lag_us"),
)
page = _numbered(
    MADE,  # the plain deltas of a chunk, whose `id` it has: hub.store.pages
    "page",
    _int("epoch"),
    _int("first"),
    _int("n"),
    _blob("body"),
)
Index("page_place", page.c.epoch, page.c.first, unique=True)
run = _numbered(
    MADE,  # a scope's older plain deltas: hub.store.tails
    "run",
    _int("scope"),
    _int("from_us"),
    _int("until_us"),
    _blob("body"),
)
Index("run_order", run.c.scope, run.c.until_us, run.c.from_us)
entry = _keyed(
    MADE,  # hub.ledger.figures.Filed, but for plain deltas
    "entry",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _int("kind"),  # 0 delta, 1 count, 2 reversal
    _some_int("scope"),  # a reversal's is its target's, NULL in quarantine
    _int("key_us"),  # what it is ordered by: t_us, or the target's
    _int("t_us"),
    _int("err_us"),
    _some_int("span_us"),
    _int("lead_us"),
    _int("lag_us"),
    _int("qty_milli"),
    _some_text("reason"),
    _some_text("document"),
    _some_text("code"),  # the catalogue's key of what was scanned
    _int("fit"),  # which reading of the line this is
    _some_text("cause"),
    _some_text("reverses"),
    _some_text("reversed_by"),
    _int("told"),  # statements about it in the feed
    _some_int("lo_milli"),  # of a soft count
    _some_int("hi_milli"),
    _int("closed"),
    _int("stands"),
)
Index("entry_order", entry.c.scope, entry.c.key_us)
Index("entry_reverses", entry.c.reverses, sqlite_where=entry.c.kind == 2, postgresql_where=entry.c.kind == 2)
Index(
    "entry_document",
    entry.c.document,
    sqlite_where=entry.c.document.is_not(None),
    postgresql_where=entry.c.document.is_not(None),
)
boot = _numbered(MADE, "boot", _int("log"), _text("name"), UniqueConstraint("log", "name"))
boot_start = _keyed(
    MADE,  # where in an epoch a boot's first entry stands
    "boot_start",
    ("boot", "epoch"),
    _int("boot"),
    _int("epoch"),
    _int("seq"),
)
anchor = _keyed(
    MADE,
    "anchor",
    ("boot", "epoch", "seq"),
    _int("boot"),
    _int("epoch"),
    _int("seq"),
    _int("sent_up_us"),
    _int("received_up_us"),
    _int("hub_us"),
)
reread = _keyed(
    MADE,  # entries to be read again from their lines: a clock is known better
    "reread",
    ("epoch",),
    _int("epoch"),
    _int("seq"),  # the next to be read
    _int("until"),  # what is after it was folded knowing better, but for what it is raised to
)
relink = _keyed(
    MADE,  # entries to be read again: a code means another item from some time on
    "relink",
    ("code", "item"),
    _text("code"),
    _text("item"),
    _int("from_us"),
)
mark = _keyed(MADE, "mark", ("log",), _int("log"), _int("t_us"), _int("closing"))  # nothing older than `t_us` is unsent
transfer = _keyed(
    MADE,  # hub.store.transfers: what was said of goods that travel
    "transfer",
    ("document",),
    _text("document"),
    _int("said_us"),  # the newest word
    _int("inbound"),  # approved to this store: what is received under it comes out of transit
    _int("closed"),
)
Index("transfer_order", transfer.c.said_us, transfer.c.document)
transfer_line = _keyed(
    MADE,
    "transfer_line",
    ("document", "epoch", "seq"),
    _text("document"),
    _int("epoch"),
    _int("seq"),
    _int("by_hq"),  # of head office's documents, not of the journal
    _blob("line"),
)
redocument = _keyed(
    MADE,  # entries to be read again: what is received by a document means another thing
    "redocument",
    ("document",),
    _text("document"),
)
statement = _keyed(
    MADE,  # protocol.documents.StockStated, without its lines
    "statement",
    ("document", "part"),
    _text("document"),
    _int("part"),
    _int("epoch"),
    _int("seq"),
    _int("at_us"),
    _text("feed_epoch"),  # the position in the store feed that it names
    _int("feed_generation"),
    _int("feed_seq"),
    _int("of_items"),
    _text("author"),
    _text("note"),
)
statement_compared = _keyed(
    MADE,  # protocol.hq_decisions.StatementCompared, without its rows
    "statement_compared",
    ("document", "part", "epoch", "seq"),
    _text("document"),
    _int("part"),
    _int("epoch"),
    _int("seq"),
    _int("at_us"),
    _int("differing"),
)
stated = _keyed(
    MADE,  # what the last statement on an item and area said of it
    "stated",
    ("item", "area"),
    _text("item"),
    _text("area"),
    _int("feed_generation"),
    _int("feed_seq"),
    _int("generation"),
    _int("seq"),
    _text("document"),
    _int("hq_milli"),
)
conflict = _keyed(
    MADE,  # protocol.hq_decisions.ComparedRow, and what became of it
    "conflict",
    ("document", "item", "area"),
    _text("document"),
    _text("item"),
    _text("area"),
    _int("part"),
    _int("at_us"),
    _text("feed_epoch"),
    _int("feed_seq"),
    _int("hq_milli"),
    _int("ours_milli"),
    _int("pending_milli"),
    _text("standing"),  # hub.ledger.conflicts.Standing
    _some_int("asked_us"),  # when a recount was asked for last
)
Index("conflict_order", conflict.c.at_us, conflict.c.document, conflict.c.item, conflict.c.area)
Index("conflict_scope", conflict.c.item, conflict.c.area)
conflict_answer = _keyed(
    MADE,  # protocol.hq_decisions.ConflictAnswered, as the journal has it
    "conflict_answer",
    ("document", "item", "area", "epoch", "seq"),
    _text("document"),
    _text("item"),
    _text("area"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
fields_set = _keyed(
    MADE,  # protocol.documents.FieldsSet: where its line stands
    "fields_set",
    ("document",),
    _text("document"),
    _int("epoch"),
    _int("seq"),
    _int("taken"),  # the journal has it all
)
field_written = _keyed(
    MADE,  # protocol.hq_decisions.FieldWritten, as the journal has it
    "field_written",
    ("item", "area", "field", "epoch", "seq"),
    _text("item"),
    _text("area"),
    _text("field"),
    _int("epoch"),
    _int("seq"),
    _text("document"),
    _blob("line"),
)
announced = _keyed(
    MADE,  # statements in the feed about what is no entry of the books
    "announced",
    ("entry",),
    _text("entry"),
    _int("told"),
    _blob("digest"),  # of what was told last
)
place_given = _keyed(
    MADE,  # protocol.decisions.PlaceGiven, as the journal has it
    "place_given",
    ("place", "from_us", "epoch", "seq"),
    _text("place"),
    _int("from_us"),
    _int("epoch"),
    _int("seq"),
    _text("parent"),
    _text("area"),
    _text("kind"),
    _blob("line"),
)
home_given = _keyed(
    MADE,  # protocol.decisions.HomeGiven, as the journal has it
    "home_given",
    ("item", "place", "from_us", "epoch", "seq"),
    _text("item"),
    _text("place"),
    _int("from_us"),
    _int("epoch"),
    _int("seq"),
    _some_int("to_us"),
    _blob("line"),
)
Index("home_given_place", home_given.c.place)
held_word = _keyed(
    MADE,  # protocol.decisions.HeldWord, as the journal has it
    "held_word",
    ("target", "epoch", "seq"),
    _text("target"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
retry = _keyed(
    MADE,  # entries to be read again, whether the books know them or hold them back
    "retry",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
)
period = _keyed(
    MADE,  # protocol.decisions.Finality, as the journal has it
    "period",
    ("until_us", "epoch", "seq"),
    _int("until_us"),
    _int("epoch"),
    _int("seq"),
    _int("part"),
    _blob("line"),
)
period_figure = _keyed(
    MADE,  # the rows of protocol.decisions.PeriodWord
    "period_figure",
    ("item", "area", "until_us", "epoch", "seq"),
    _text("item"),
    _text("area"),
    _int("until_us"),
    _int("epoch"),
    _int("seq"),
    _int("declared"),  # or else it is a correction
    _int("at_us"),
    _int("on_hand_milli"),
    _int("supplier_milli"),
    _int("customer_milli"),
    _int("shrink_milli"),
    _int("opening_milli"),
    _int("transit_milli"),
    _int("conversion_milli"),
)
Index("period_figure_until", period_figure.c.until_us)
late = _keyed(
    MADE,  # scopes whose figures at the end of a closed period may have changed by something of `from_us`
    "late",
    ("item", "area"),
    _text("item"),
    _text("area"),
    _int("from_us"),
)
position_given = _keyed(
    MADE,  # protocol.decisions.PositionGiven, as the journal has it
    "position_given",
    ("position", "from_us", "epoch", "seq"),
    _text("position"),
    _int("from_us"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
identity_word = _keyed(
    MADE,  # protocol.identity_words.IdentityWord, as the journal has it
    "identity_word",
    ("identity", "epoch", "seq"),
    _text("identity"),
    _int("epoch"),
    _int("seq"),
    _some_text("token"),  # of an invitation: the hash of its token
    _blob("line"),
)
Index("identity_word_token", identity_word.c.token)
configured = _keyed(
    MADE,  # protocol.configured.StationConfigured, as the journal has it
    "configured",
    ("position", "epoch", "seq"),
    _text("position"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
release_said = _keyed(
    MADE,  # protocol.releases.ReleaseSaid, as the journal has it
    "release_said",
    ("release", "epoch", "seq"),
    _text("release"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
token_said = _keyed(
    MADE,  # protocol.service_tokens.TokenSaid, as the journal has it
    "token_said",
    ("token", "revoked", "epoch", "seq"),
    _text("token"),
    _int("revoked"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
leads_given = _keyed(
    MADE,  # protocol.decisions.LeadsGiven, as the journal has it
    "leads_given",
    ("area", "reason", "from_us", "epoch", "seq"),
    _text("area"),
    _text("reason"),
    _int("from_us"),
    _int("epoch"),
    _int("seq"),
    _int("lead_us"),
    _int("lag_us"),
    _blob("line"),
)
promise = _keyed(
    MADE,  # protocol.decisions.PromiseWord, as the journal has it
    "promise",
    ("item", "area", "document", "from_us", "epoch", "seq"),
    _text("item"),
    _text("area"),  # '' for safety stock of all areas that have no word of their own
    _text("document"),  # '' for safety stock
    _int("from_us"),  # of safety stock; else 0
    _int("epoch"),
    _int("seq"),
    _int("qty_milli"),
    _blob("line"),
)
count_part = _keyed(
    MADE,  # hub.ledger.counting.Part
    "count_part",
    ("epoch", "seq", "item"),
    _int("epoch"),
    _int("seq"),
    _text("item"),  # '' while the code means none
    _text("session"),
    _text("place"),
    _int("qty_milli"),
    _int("from_us"),
    _int("to_us"),
    _int("err_us"),
    _int("pass"),
    _text("person"),
    _some_int("soft_hi_milli"),
)
Index("count_part_session", count_part.c.session)
count_shelf = _keyed(
    MADE,  # hub.ledger.counting.ShelfDone
    "count_shelf",
    ("epoch", "seq", "goods"),
    _int("epoch"),
    _int("seq"),
    _text("goods"),
    _text("session"),
    _text("place"),
    _int("from_us"),
    _int("to_us"),
    _int("err_us"),
    _int("pass"),
    _text("person"),
)
Index("count_shelf_session", count_shelf.c.session)
count_said = _keyed(
    MADE,  # what was decided about a session
    "count_said",
    ("session", "epoch", "seq"),
    _text("session"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
count_session = _keyed(
    MADE,
    "count_session",
    ("name",),
    _text("name"),
    _int("at_us"),  # the newest that is known of it
    _int("composed"),  # its counts are composed; else each of them stands by itself
    _int("counted"),  # scopes it covers
    _int("open"),  # scopes that wait for a shelf
)
Index("count_session_order", count_session.c.at_us, count_session.c.name)
count_complete = _keyed(
    MADE,  # hub.ledger.counting.Complete
    "count_complete",
    ("session",),
    _text("session"),
    _text("area"),
    _int("span_us"),
    _int("t_us"),
    _int("err_us"),
    _int("closed"),
    _text("goods"),
    _blob("spoken_for"),  # items, as JSON
)
recount = _keyed(MADE, "recount", ("session",), _text("session"))  # to be composed again: the floor is known otherwise
beside = _keyed(
    MADE,  # lines that move nothing by themselves, and when they happened
    "beside",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _int("t_us"),
    _int("err_us"),
)
basket = _keyed(
    MADE,  # baskets that are open: hub.store.baskets
    "basket",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _int("log"),
    _text("name"),
    _blob("line"),
    _some_int("from_us"),  # the earliest that a line of it can be of; NULL while its clock is not known
    _int("lines"),
    _int("closed"),  # by its station, after a person had ended it; gone once the books know
)
basket_line = _keyed(
    MADE,  # what was put into them
    "basket_line",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _int("opened_epoch"),
    _int("opened_seq"),
    _int("out"),  # it was taken out again
    _blob("line"),
)
basket_word = _keyed(
    MADE,  # protocol.decisions.BasketEnded, as the journal has it
    "basket_word",
    ("basket", "epoch", "seq"),
    _text("basket"),
    _int("epoch"),
    _int("seq"),
    _blob("line"),
)
tag = _keyed(
    MADE,  # what is known of an RFID tag: hub.store.tag_rows
    "tag",
    ("epc",),
    _text("epc"),
    _text("gtin"),  # '' for what is no trade item
    _text("unit"),  # "GTIN/serial number", '' if it names none
    _text("place"),  # of the newest sign of it
    _text("state"),  # hub.ledger.tags.TagState
    _some_int("seen_us"),
    _some_int("epoch"),  # what told the newest sign
    _some_int("seq"),
    _some_int("again_us"),  # it is out of the books, and was seen in the store afterwards
    _int("crosses"),  # it was seen where a source is declared
    _blob("body"),
)
Index("tag_gtin", tag.c.gtin)
Index("tag_unit", tag.c.unit, sqlite_where=tag.c.unit != "", postgresql_where=tag.c.unit != "")
Index(
    "tag_again",
    tag.c.again_us,
    sqlite_where=tag.c.again_us.is_not(None),
    postgresql_where=tag.c.again_us.is_not(None),
)
Index("tag_crosses", tag.c.epc, sqlite_where=tag.c.crosses != 0, postgresql_where=tag.c.crosses != 0)
tag_sign = _keyed(
    MADE,  # hub.ledger.tags.Sighting, by a reader
    "tag_sign",
    ("epc", "epoch", "seq"),
    _text("epc"),
    _int("epoch"),
    _int("seq"),
    _int("t_us"),
    _int("err_us"),
    _int("sign"),
    _text("place"),
)
tag_deal = _keyed(
    MADE,  # a till sold a unit, or took it back
    "tag_deal",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _text("unit"),
    _int("t_us"),
    _int("err_us"),
    _int("sign"),
    _text("place"),
    _text("reason"),
    _text("source"),
)
Index("tag_deal_unit", tag_deal.c.unit)
tag_told = _keyed(
    MADE,  # up to where an epoch told of tags
    "tag_told",
    ("epoch",),
    _int("epoch"),
    _int("seq"),
)
swept = _keyed(
    MADE,  # protocol.events.Sweep, without the tags
    "swept",
    ("epoch", "seq"),
    _int("epoch"),
    _int("seq"),
    _text("session"),
    _int("pass"),
    _text("place"),
    _int("from_us"),
    _int("to_us"),
    _int("err_us"),
    _text("person"),
)
Index("swept_session", swept.c.session)
resweep = _keyed(  # passes of sessions to be counted again by their sweeps: tags are known otherwise
    MADE, "resweep", ("session", "pass"), _text("session"), _int("pass")
)
tag_due = _keyed(MADE, "tag_due", ("epc",), _text("epc"))  # tags to be reckoned again from all their signs
source = _keyed(
    MADE,  # protocol.events.SourceDeclared
    "source",
    ("place", "reason", "from_us"),
    _text("place"),
    _text("reason"),
    _int("from_us"),
    _text("source"),
    _int("epoch"),
    _int("seq"),
    _int("at_us"),
    _text("author"),
    _text("note"),
)
sourced = _keyed(
    MADE,  # what was told where a source is declared: hub.store.sources
    "sourced",
    ("epoch", "seq", "epc", "leg"),
    _int("epoch"),
    _int("seq"),
    _int("leg"),
    _text("place"),
    _text("reason"),
    _text("source"),  # who told it
    _text("code"),
    _text("epc"),  # the tag that told it, or ''
    _int("qty_milli"),  # of the code
    _int("t_us"),
    _int("counts"),  # it moves stock; else it is evidence
)
Index("sourced_epc", sourced.c.epc, sqlite_where=sourced.c.epc != "", postgresql_where=sourced.c.epc != "")
Index("sourced_order", sourced.c.t_us)

live = _keyed(
    KEPT,  # the catalogue's live rows, known by protocol.catalogue.RowKey
    "live",
    ("kind", "owner", "member"),
    _text("kind"),
    _text("owner"),
    _text("member"),
    _blob("line"),
    _int("version"),  # the seq of its line in our catalogue log
    _some_text("item"),  # what it is about
    _some_text("name"),  # an item's, for searching
)
Index("live_item", live.c.item, live.c.kind)
price_history = _keyed(
    KEPT,
    "price_history",
    ("item", "id", "generation", "version"),
    _text("item"),
    _text("id"),
    _int("generation"),  # where in the catalogue log it came
    _int("version"),
    _int("known_us"),  # when it came there
    _some_int("until_generation"),  # where another took its place, or nothing did
    _some_int("until_version"),
    _some_int("until_us"),
    _blob("line"),
)
catalogue_held = _keyed(
    KEPT,  # which version of the catalogue a station had, from when on
    "catalogue_held",
    ("station", "at_us"),
    _text("station"),
    _int("at_us"),
    _int("generation"),
    _int("version"),
)
decided = _keyed(
    KEPT,  # which decision of the journal a key made; made anew from it when missing
    "decided",
    ("key",),
    _text("key"),
    _blob("fingerprint"),
    _int("epoch"),
    _int("seq"),
    _int("at_us"),
)
Index("decided_age", decided.c.at_us)
