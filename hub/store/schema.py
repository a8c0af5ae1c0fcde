"""The tables, their version, and the refusal of a file that a newer release has written."""

from __future__ import annotations

import sqlite3

from hub.errors import BadInput

VERSION = 2
APPLICATION_ID = 0x53484C46
"""Marks the file as ours ("SHLF"), see https://www.sqlite.org/pragma.html#pragma_application_id."""
REFOLD = "refold"
"""The name in `meta` that says that the books are to be made anew; what empties them takes it away."""
_FOLDED_BY_1 = ("entry", "scope", "count_figure", "boot", "boot_start", "anchor", "mark", "reread", "relink")

# Times are UTC microseconds, quantities milli-units, money minor units. An epoch row is one life of one log.
_LOGS = """
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT,                          -- how far we have read it, as JSON; NULL for our own logs
    folds INTEGER NOT NULL,              -- the fold reads it
    committed INTEGER NOT NULL DEFAULT 0,
    folded INTEGER NOT NULL DEFAULT 0,   -- of them, passed by the fold's cursor
    movements INTEGER NOT NULL DEFAULT 0,-- of them, in the ledger: deltas, counts and reversals
    bytes INTEGER NOT NULL DEFAULT 0,
    last_us INTEGER
) STRICT;

CREATE TABLE epoch (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    name TEXT NOT NULL,
    -- Of our own logs, the chapter it is: what it was opened on, and whether it is part of the lineage.
    base_epoch TEXT, base_seq INTEGER, base_digest BLOB,
    depth INTEGER NOT NULL DEFAULT 0,
    carried BLOB,
    told INTEGER NOT NULL DEFAULT 0,
    head INTEGER NOT NULL DEFAULT 0,
    UNIQUE (log, name)
) STRICT;

CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,              -- the order of arrival, which the fold follows
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    n INTEGER NOT NULL,
    digest BLOB NOT NULL,                -- the chain before `first`
    body BLOB NOT NULL,                  -- lines joined by LF; zstd if it starts with zstd's magic number
    flag TEXT,                           -- why the one entry came unread
    to_fold INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunk_place ON chunk (epoch, first);
CREATE INDEX chunk_to_fold ON chunk (id) WHERE to_fold;

CREATE TABLE loss (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER,
    at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    body BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    released_us INTEGER,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantine_open ON quarantine (at_us) WHERE released_us IS NULL;
"""

_SETTLED = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE place (                     -- a place's area, settled when its first entry is folded
    place TEXT PRIMARY KEY,
    area TEXT NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE station (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,                 -- what it last said of itself, JSON as it came
    state_us INTEGER NOT NULL,
    last_seen_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

# What the fold makes of the logs, and can make again.
_BOOKS = """
CREATE TABLE scope (                     -- hub.ledger.figures.ScopeState
    id INTEGER PRIMARY KEY,
    item TEXT NOT NULL,                  -- '' for what is held under a code that means no item: the area is the code
    area TEXT NOT NULL,
    anchor_epoch INTEGER, anchor_seq INTEGER,
    moved_milli INTEGER NOT NULL, under_milli INTEGER NOT NULL, over_milli INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    supplier_milli INTEGER NOT NULL, customer_milli INTEGER NOT NULL, shrink_milli INTEGER NOT NULL,
    opening_milli INTEGER NOT NULL, transit_milli INTEGER NOT NULL, conversion_milli INTEGER NOT NULL,
    newest_us INTEGER NOT NULL, reach_us INTEGER NOT NULL, before_us INTEGER NOT NULL, after_us INTEGER NOT NULL,
    on_hand_milli INTEGER NOT NULL,
    plain INTEGER NOT NULL,              -- its deltas that are in pages
    tail BLOB NOT NULL,                  -- the newest of them: hub.store.tails
    UNIQUE (item, area)
) STRICT;

CREATE TABLE count_figure (              -- hub.ledger.figures.CountFigure
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    scope INTEGER NOT NULL,
    qty_milli INTEGER NOT NULL,
    t_us INTEGER NOT NULL, from_us INTEGER NOT NULL, to_us INTEGER NOT NULL,
    moved_milli INTEGER NOT NULL, expected_milli INTEGER NOT NULL,
    opening INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX count_order ON count_figure (scope, t_us);

CREATE TABLE sort (                      -- what plain deltas share
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    code TEXT NOT NULL,                  -- the catalogue's key of what was scanned
    reason TEXT NOT NULL,
    lead_us INTEGER NOT NULL, lag_us INTEGER NOT NULL,
    UNIQUE (scope, code, reason, lead_us, lag_us)
) STRICT;

CREATE TABLE page (                      -- the plain deltas of a chunk: hub.store.pages
    id INTEGER PRIMARY KEY,              -- the chunk's
    epoch INTEGER NOT NULL,
    first INTEGER NOT NULL,
    n INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX page_place ON page (epoch, first);

CREATE TABLE run (                       -- a scope's older plain deltas: hub.store.tails
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX run_order ON run (scope, until_us, from_us);

CREATE TABLE entry (                     -- hub.ledger.figures.Filed, but for plain deltas
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,               -- 0 delta, 1 count, 2 reversal
    scope INTEGER,                       -- a reversal's is its target's, NULL in quarantine
    key_us INTEGER NOT NULL,             -- what it is ordered by: t_us, or the target's
    t_us INTEGER NOT NULL,
    err_us INTEGER NOT NULL,
    span_us INTEGER,
    lead_us INTEGER NOT NULL, lag_us INTEGER NOT NULL,
    qty_milli INTEGER NOT NULL,
    reason TEXT,
    document TEXT,
    code TEXT,                           -- the catalogue's key of what was scanned
    fit INTEGER NOT NULL,                -- which reading of the line this is
    cause TEXT,
    reverses TEXT, reversed_by TEXT,
    told INTEGER NOT NULL,               -- statements about it in the feed
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_order ON entry (scope, key_us);
CREATE INDEX entry_reverses ON entry (reverses) WHERE kind = 2;

CREATE TABLE boot (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (log, name)
) STRICT;
CREATE TABLE boot_start (                -- where in an epoch a boot's first entry stands
    boot INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (boot, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE anchor (
    boot INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sent_up_us INTEGER NOT NULL,
    received_up_us INTEGER NOT NULL,
    hub_us INTEGER NOT NULL,
    PRIMARY KEY (boot, epoch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE reread (                    -- entries to be read again from their lines: a clock is known better
    epoch INTEGER PRIMARY KEY,
    seq INTEGER NOT NULL,                -- the next to be read
    until INTEGER NOT NULL               -- what is after it was folded knowing better, but for what it is raised to
) STRICT;
CREATE TABLE relink (                    -- entries to be read again: a code means another item from some time on
    code TEXT NOT NULL,
    item TEXT NOT NULL,
    from_us INTEGER NOT NULL,
    PRIMARY KEY (code, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE mark (                      -- nothing older than `t_us` is unsent
    log INTEGER PRIMARY KEY,
    t_us INTEGER NOT NULL,
    closing INTEGER NOT NULL
) STRICT;

CREATE TABLE transfer (    -- hub.store.transfers: what was said of goods that travel
    document TEXT PRIMARY KEY,
    said_us INTEGER NOT NULL,            -- the newest word
    inbound INTEGER NOT NULL,            -- approved to this store: what is received under it comes out of transit
    closed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transfer_order ON transfer (said_us, document);
CREATE TABLE transfer_line (
    document TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    by_hq INTEGER NOT NULL,              -- of head office's documents, not of the journal
    line BLOB NOT NULL,
    PRIMARY KEY (document, epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE redocument (  -- entries to be read again: what is received by a document means another thing
    document TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE INDEX entry_document ON entry (document) WHERE document IS NOT NULL;
"""

_CATALOGUE = """
CREATE TABLE live (                      -- the catalogue's live rows, known by protocol.catalogue.RowKey
    kind TEXT NOT NULL,
    owner TEXT NOT NULL,
    member TEXT NOT NULL,
    line BLOB NOT NULL,
    version INTEGER NOT NULL,            -- the seq of its line in our catalogue log
    item TEXT,                           -- what it is about
    name TEXT,                           -- an item's, for searching
    PRIMARY KEY (kind, owner, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX live_item ON live (item, kind);
"""

# Came after the first files were made, and changes nothing of what was there.
_ADDED = """
CREATE TABLE IF NOT EXISTS decided (     -- which decision of the journal a key made; made anew from it when missing
    key TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS decided_age ON decided (at_us);
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in a new file, or bring those of an older release up to date.

    The books that were made by an older one are dropped, to be made anew of the logs: `REFOLD`. Raises `BadInput`
    ("newer-store", "not-a-store").
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == VERSION:
        connection.executescript(_ADDED)
        return
    if version > VERSION:
        check_version(connection)
    marked: int = connection.execute("PRAGMA application_id").fetchone()[0]
    if version and marked == APPLICATION_ID:
        dropped = "".join(f"DROP TABLE {table};" for table in _FOLDED_BY_1)
        tables = f"{dropped} {_BOOKS} INSERT INTO meta VALUES ('{REFOLD}', '1');"  # noqa: S608 - our own names
    elif connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise BadInput("not-a-store", "the file holds tables that are not ours")
    else:
        tables = f"{_LOGS} {_SETTLED} {_BOOKS} {_CATALOGUE}"
    connection.executescript(
        f"""BEGIN IMMEDIATE; {tables}
            {_ADDED} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT"""
    )


def check_version(connection: sqlite3.Connection) -> None:
    """Raise `BadInput` ("older-store", "newer-store") unless the file is as this release writes it."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise BadInput("newer-store", f"the file has schema {version}; this release knows up to {VERSION}")
    if version < VERSION:
        raise BadInput("older-store", f"the file has schema {version}; once started, this release makes its books anew")
