"""What people decided, word by word as the journal has it, where a word is all that the books keep of it."""

from __future__ import annotations

from sqlalchemy import Index

from hub.store.tables.columns import MADE, blob, keyed, number, some_number, some_text, text

place_given = keyed(
    MADE,  # protocol.dated_words.PlaceGiven, as the journal has it
    "place_given",
    ("place", "from_us", "epoch", "seq"),
    text("place"),
    number("from_us"),
    number("epoch"),
    number("seq"),
    text("parent"),
    text("area"),
    text("kind"),
    blob("line"),
)
home_given = keyed(
    MADE,  # protocol.dated_words.HomeGiven, as the journal has it
    "home_given",
    ("item", "place", "from_us", "epoch", "seq"),
    text("item"),
    text("place"),
    number("from_us"),
    number("epoch"),
    number("seq"),
    some_number("to_us"),
    blob("line"),
)
Index("home_given_place", home_given.c.place)
held_word = keyed(
    MADE,  # protocol.decisions.HeldWord, as the journal has it
    "held_word",
    ("target", "epoch", "seq"),
    text("target"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
position_given = keyed(
    MADE,  # protocol.dated_words.PositionGiven, as the journal has it
    "position_given",
    ("position", "from_us", "epoch", "seq"),
    text("position"),
    number("from_us"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
identity_word = keyed(
    MADE,  # protocol.identity_words.IdentityWord, as the journal has it
    "identity_word",
    ("identity", "epoch", "seq"),
    text("identity"),
    number("epoch"),
    number("seq"),
    some_text("token"),  # of an invitation: the hash of its token
    blob("line"),
)
Index("identity_word_token", identity_word.c.token)
configured = keyed(
    MADE,  # protocol.configured.StationConfigured, as the journal has it
    "configured",
    ("position", "epoch", "seq"),
    text("position"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
release_said = keyed(
    MADE,  # protocol.releases.ReleaseSaid, as the journal has it
    "release_said",
    ("release", "epoch", "seq"),
    text("release"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
token_said = keyed(
    MADE,  # protocol.service_tokens.TokenSaid, as the journal has it
    "token_said",
    ("token", "revoked", "epoch", "seq"),
    text("token"),
    number("revoked"),
    number("epoch"),
    number("seq"),
    blob("line"),
)
leads_given = keyed(
    MADE,  # protocol.dated_words.LeadsGiven, as the journal has it
    "leads_given",
    ("area", "reason", "from_us", "epoch", "seq"),
    text("area"),
    text("reason"),
    number("from_us"),
    number("epoch"),
    number("seq"),
    number("lead_us"),
    number("lag_us"),
    blob("line"),
)
promise = keyed(
    MADE,  # protocol.decisions.PromiseWord, as the journal has it
    "promise",
    ("item", "area", "document", "from_us", "epoch", "seq"),
    text("item"),
    text("area"),  # '' for safety stock of all areas that have no word of their own
    text("document"),  # '' for safety stock
    number("from_us"),  # of safety stock; else 0
    number("epoch"),
    number("seq"),
    number("qty_milli"),
    blob("line"),
)
