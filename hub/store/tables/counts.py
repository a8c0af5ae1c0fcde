"""Count sessions: what was counted, what was said of it, and how far each session is."""

from __future__ import annotations

from sqlalchemy import Index

from hub.store.tables.columns import MADE, blob, keyed, number, some_number, text

count_part = keyed(
    MADE,  # hub.ledger.counting.Part
    "count_part",
    ("epoch", "seq", "item"),
    number("epoch"),
    number("seq"),
    text("item"),  # '' while the code means none
    text("session"),
    text("place"),
    number("qty_milli"),
    number("from_us"),
    number("to_us"),
    number("err_us"),
    number("pass"),
    text("person"),
    some_number("soft_hi_milli"),
)
Index("count_part_session", count_part.c.session)
count_shelf = keyed(
    MADE,  # hub.ledger.counting.ShelfDone
    "count_shelf",
    ("epoch", "seq", "goods"),
    number("epoch"),
    number("seq"),
    text("goods"),
    text("session"),
    text("place"),
    number("from_us"),
    number("to_us"),
    number("err_us"),
    number("pass"),
    text("person"),
)
Index("count_shelf_session", count_shelf.c.session)
count_said = keyed(
    MADE,  # what was decided about a session
    "count_said",
    ("session", "epoch", "seq"),
    text("session"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
count_session = keyed(
    MADE,
    "count_session",
    ("name",),
    text("name"),
    number("at_us"),  # the newest that is known of it
    number("composed"),  # its counts are composed; else each of them stands by itself
    number("counted"),  # scopes it covers
    number("open"),  # scopes that wait for a shelf
)
Index("count_session_order", count_session.c.at_us, count_session.c.name)
count_complete = keyed(
    MADE,  # hub.ledger.counting.Complete
    "count_complete",
    ("session",),
    text("session"),
    text("area"),
    number("span_us"),
    number("t_us"),
    number("err_us"),
    number("closed"),
    text("goods"),
    blob("spoken_for"),  # items, as JSON
)
recount = keyed(MADE, "recount", ("session",), text("session"))  # to be composed again: the floor is known otherwise
