"""What the fold knows of clocks, and which entries are to be read again because something is known better."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from hub.store.tables.columns import MADE, keyed, number, numbered, text

boot = numbered(MADE, "boot", number("log"), text("name"), UniqueConstraint("log", "name"))
boot_start = keyed(
    MADE,  # where in an epoch a boot's first entry stands
    "boot_start",
    ("boot", "epoch"),
    number("boot"),
    number("epoch"),
    number("seq"),
)
anchor = keyed(
    MADE,
    "anchor",
    ("boot", "epoch", "seq"),
    number("boot"),
    number("epoch"),
    number("seq"),
    number("sent_up_us"),
    number("received_up_us"),
    number("hub_us"),
)
reread = keyed(
    MADE,  # entries to be read again from their lines: a clock is known better
    "reread",
    ("epoch",),
    number("epoch"),
    number("seq"),  # the next to be read
    number("until"),  # what is after it was folded knowing better, but for what it is raised to
)
relink = keyed(
    MADE,  # entries to be read again: a code means another item from some time on
    "relink",
    ("code", "item"),
    text("code"),
    text("item"),
    number("from_us"),
)
mark = keyed(
    MADE,
    "mark",
    ("log",),
    number("log"),
    number("t_us"),  # nothing older is unsent
    number("closing"),
)
redocument = keyed(
    MADE,  # entries to be read again: what is received by a document means another thing
    "redocument",
    ("document",),
    text("document"),
)
retry = keyed(
    MADE,  # entries to be read again, whether the books know them or hold them back
    "retry",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
)
beside = keyed(
    MADE,  # lines that move nothing by themselves, and when they happened
    "beside",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    number("t_us"),
    number("err_us"),
)
