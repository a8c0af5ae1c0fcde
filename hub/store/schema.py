"""The tables, their version, and the refusal of a file that a newer release has written."""

from __future__ import annotations

import sqlite3

from hub.errors import BadInput

VERSION = 1
APPLICATION_ID = 0x53484C46
"""Marks the file as ours ("SHLF"), see https://www.sqlite.org/pragma.html#pragma_application_id."""

# Times are UTC microseconds, quantities milli-units, money minor units. An epoch row is one life of one log.
_LOGS = """
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT,                          -- how far we have read it, as JSON; NULL for our own logs
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
    base_epoch TEXT, base_seq INTEGER, base_digest BLOB,   -- our own logs: what it was opened on
    told INTEGER NOT NULL DEFAULT 0,                        -- our own logs: part of the lineage
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
    code TEXT,                           -- of an unknown item: the code that a later link may give a meaning
    body BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    released_us INTEGER,
    PRIMARY KEY (epoch, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX quarantine_code ON quarantine (code) WHERE code IS NOT NULL AND released_us IS NULL;
"""


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables in a new file. Raises `BadInput` ("newer-store", "not-a-store")."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise BadInput("newer-store", f"the file has schema {version}; this release knows up to {VERSION}")
    if version == VERSION:
        return
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise BadInput("not-a-store", "the file holds tables that are not ours")
    connection.executescript(
        f"BEGIN IMMEDIATE; {_LOGS} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT"
    )
