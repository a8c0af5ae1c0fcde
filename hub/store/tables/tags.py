"""RFID tags: every sign of them, sweeps of count sessions, and the sources whose tags move stock."""

from __future__ import annotations

from sqlalchemy import Index

from hub.store.tables.columns import MADE, blob, keyed, number, some_number, text

tag = keyed(
    MADE,  # what is known of an RFID tag: hub.store.tag_rows
    "tag",
    ("epc",),
    text("epc"),
    text("gtin"),  # '' for what is no trade item
    text("unit"),  # "GTIN/serial number", '' if it names none
    text("place"),  # of the newest sign of it
    text("state"),  # hub.ledger.tags.TagState
    some_number("seen_us"),
    some_number("epoch"),  # what told the newest sign
    some_number("seq"),
    some_number("again_us"),  # it is out of the books, and was seen in the store afterwards
    number("crosses"),  # it was seen where a source is declared
    blob("body"),
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
tag_sign = keyed(
    MADE,  # hub.ledger.tags.Sighting, by a reader
    "tag_sign",
    ("epc", "epoch", "seq"),
    text("epc"),
    number("epoch"),
    number("seq"),
    number("t_us"),
    number("err_us"),
    number("sign"),
    text("place"),
)
tag_deal = keyed(
    MADE,  # a till sold a unit, or took it back
    "tag_deal",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    text("unit"),
    number("t_us"),
    number("err_us"),
    number("sign"),
    text("place"),
    text("reason"),
    text("source"),
)
Index("tag_deal_unit", tag_deal.c.unit)
tag_told = keyed(
    MADE,  # up to where an epoch told of tags
    "tag_told",
    ("epoch",),
    number("epoch"),
    number("seq"),
)
swept = keyed(
    MADE,  # protocol.events.Sweep, without the tags
    "swept",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    text("session"),
    number("pass"),
    text("place"),
    number("from_us"),
    number("to_us"),
    number("err_us"),
    text("person"),
)
Index("swept_session", swept.c.session)
resweep = keyed(  # passes of sessions to be counted again by their sweeps: tags are known otherwise
    MADE, "resweep", ("session", "pass"), text("session"), number("pass")
)
tag_due = keyed(MADE, "tag_due", ("epc",), text("epc"))  # tags to be reckoned again from all their signs
source = keyed(
    MADE,  # protocol.dated_words.SourceDeclared
    "source",
    ("place", "reason", "from_us"),
    text("place"),
    text("reason"),
    number("from_us"),
    text("source"),
    number("epoch"),
    number("seq"),
    number("at_us"),
    text("author"),
    text("note"),
)
sourced = keyed(
    MADE,  # what was told where a source is declared: hub.store.sources
    "sourced",
    ("epoch", "seq", "epc", "leg"),
    number("epoch"),
    number("seq"),
    number("leg"),
    text("place"),
    text("reason"),
    text("source"),  # who told it
    text("code"),
    text("epc"),  # the tag that told it, or ''
    number("qty_milli"),  # of the code
    number("t_us"),
    number("counts"),  # it moves stock; else it is evidence
)
Index("sourced_epc", sourced.c.epc, sqlite_where=sourced.c.epc != "", postgresql_where=sourced.c.epc != "")
Index("sourced_order", sourced.c.t_us)
