"""What Alembic runs to have the migrations applied: on the connection that `running.upgrade` hands over."""

from __future__ import annotations

from alembic import context
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.store.tables import KEPT

given = context.config.attributes
connection = given["connection"]
context.configure(connection=connection, target_metadata=KEPT, transaction_per_migration=True)
migrations: MigrationContext = context.get_context()
if migrations.get_current_revision() is None:
    # A file from before there were migrations, which bears its number elsewhere.
    migrations.stamp(ScriptDirectory.from_config(context.config), given["revision"])
    connection.commit()
with context.begin_transaction():
    context.run_migrations()
connection.commit()
