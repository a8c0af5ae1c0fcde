"""The log of the counts that sessions come to: rows of `log` and `epoch` without lines, so that these have names.

The fold makes them, an epoch a session, and they go when the books are made anew. Nobody reads, serves or archives it.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from hub.store.epochs import COUNTS
from hub.store.sql import Sql
from hub.store.tables import epoch, log
from protocol.identity import Epoch

_EVERY_SEQ = 1 << 60
_ADD_LOG = insert(log).values(name=COUNTS, folds=0).on_conflict_do_nothing(index_elements=["name"])
_LOG = select(log.c.id).where(log.c.name == COUNTS)
_ADD_EPOCH = (
    insert(epoch)
    .values(log=bindparam("log"), name=bindparam("name"), head=_EVERY_SEQ)
    .on_conflict_do_nothing(index_elements=["log", "name"])
)
_EPOCH = select(epoch.c.id).where(epoch.c.log == bindparam("log"), epoch.c.name == bindparam("name"))
_DROP_EPOCHS = delete(epoch).where(epoch.c.log == _LOG.scalar_subquery())
_DROP_LOG = delete(log).where(log.c.name == COUNTS)


def epoch_of_session(sql: Sql, name: Epoch) -> int:
    """Find or make the row of a session's epoch."""
    sql.execute(_ADD_LOG)
    values = {"log": int(sql.execute(_LOG).fetchone()[0]), "name": str(name)}
    sql.execute(_ADD_EPOCH, values)
    return int(sql.execute(_EPOCH, values).fetchone()[0])


def drop(sql: Sql) -> None:
    """Forget it; its entries were dropped."""
    sql.execute(_DROP_EPOCHS)
    sql.execute(_DROP_LOG)
