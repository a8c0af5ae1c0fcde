"""The tables that releases before migrations had. Nothing is made here: a new store gets the newest tables at once."""

from __future__ import annotations

revision = "0002"
down_revision = None


def upgrade() -> None:
    """Find them there."""
