"""Baskets that are open at tills, and what a person said of them."""

from __future__ import annotations

from hub.store.tables.columns import MADE, blob, keyed, number, some_number, text

basket = keyed(
    MADE,  # baskets that are open: hub.store.baskets
    "basket",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    number("log"),
    text("name"),
    blob("line"),
    some_number("from_us"),  # the earliest that a line of it can be of; NULL while its clock is not known
    number("lines"),
    number("closed"),  # by its station, after a person had ended it; gone once the books know
)
basket_line = keyed(
    MADE,  # what was put into them
    "basket_line",
    ("epoch", "seq"),
    number("epoch"),
    number("seq"),
    number("opened_epoch"),
    number("opened_seq"),
    number("out"),  # it was taken out again
    blob("line"),
)
basket_word = keyed(
    MADE,  # protocol.decisions.BasketEnded, as the journal has it
    "basket_word",
    ("basket", "epoch", "seq"),
    text("basket"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
