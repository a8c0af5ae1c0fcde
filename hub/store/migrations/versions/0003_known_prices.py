"""Prices with since when they were known, decisions by their keys: where a file of before does not have them yet."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, PrimaryKeyConstraint, Text, inspect, text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables; what is live now has been known since before all records."""
    there = inspect(op.get_bind()).get_table_names()
    if "price_history" not in there:
        op.create_table(
            "price_history",
            Column("item", Text, nullable=False),
            Column("id", Text, nullable=False),
            Column("generation", Integer, nullable=False),
            Column("version", Integer, nullable=False),
            Column("known_us", Integer, nullable=False),
            Column("until_generation", Integer),
            Column("until_version", Integer),
            Column("until_us", Integer),
            Column("line", LargeBinary, nullable=False),
            PrimaryKeyConstraint("item", "id", "generation", "version"),
            sqlite_strict=True,
            sqlite_with_rowid=False,
        )
        op.create_table(
            "catalogue_held",
            Column("station", Text, nullable=False),
            Column("at_us", Integer, nullable=False),
            Column("generation", Integer, nullable=False),
            Column("version", Integer, nullable=False),
            PrimaryKeyConstraint("station", "at_us"),
            sqlite_strict=True,
            sqlite_with_rowid=False,
        )
        op.execute(
            """INSERT INTO price_history (item, id, generation, version, known_us, line)
               SELECT owner, member, 0, 0, 0, line FROM live WHERE kind = 'p'"""
        )
    if "decided" not in there:
        op.create_table(
            "decided",
            Column("key", Text, nullable=False),
            Column("fingerprint", LargeBinary, nullable=False),
            Column("epoch", Integer, nullable=False),
            Column("seq", Integer, nullable=False),
            Column("at_us", Integer, nullable=False),
            PrimaryKeyConstraint("key"),
            sqlite_strict=True,
            sqlite_with_rowid=False,
        )
        op.create_index("decided_age", "decided", ["at_us"])
    # Of a condition that both engines understand.
    op.drop_index("chunk_to_fold", "chunk")
    op.create_index("chunk_to_fold", "chunk", ["id"], sqlite_where=text("to_fold != 0"))
