"""Runs migrations on a connection that is open already, so that nobody else is let in meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from hub.store.sql import Sql


def upgrade(sql: Sql, revision: str) -> None:
    """Bring a store from `revision` to the newest, each step in a transaction of its own."""
    # Half as much again as the hub itself takes to be loaded, and wanted once a release.
    from alembic import command
    from alembic.config import Config

    driver: Any = sql.driver
    engine = create_engine(f"{sql.dialect}://", creator=lambda: driver, poolclass=StaticPool, pool_reset_on_return=None)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.connect() as connection:
        config.attributes |= {"connection": connection, "revision": revision}
        command.upgrade(config, "head")
