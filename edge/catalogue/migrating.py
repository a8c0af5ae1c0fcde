"""Brings a catalogue file of the first release, a record a row, to pages: a till keeps its prices over an update.

It is done when the file is opened, in one transaction, so that a power cut leaves either form whole.

    goods     item, id ("" for the item itself, else the price's) -> line
    link      code, valid_from_us -> valid_to_us, item, factor_milli, line
    setting   scope, key -> line
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import apsw

from edge.catalogue.page_rows import TABLE, PageRows
from edge.catalogue.pages import Filling
from protocol.catalogue import RowKind

VERSION_1: Final = 1
_STEP_ROWS: Final = 4000
_HELD: Final = (
    (RowKind.ITEM, "select item, '', line from goods where id = '' order by item"),
    (RowKind.LINK, "select code, cast(valid_from_us as text), line from link order by 1, 2"),
    (RowKind.PRICE, "select item, id, line from goods where id <> '' order by item, id"),
    (RowKind.SETTING, "select scope, key, line from setting order by scope, key"),
)


def from_version_1(connection: apsw.Connection) -> None:
    """Put the rows of a file of version 1 on pages, within the caller's transaction."""
    connection.execute(TABLE)
    pages = PageRows(connection)
    for kind, statement in _HELD:
        filling = Filling(kind, pages.put)
        rows: Any = connection.cursor().execute(statement)
        while step := list(islice(rows, _STEP_ROWS)):
            filling.take([(owner, member) for owner, member, _ in step], [line for _, _, line in step])
        filling.finish()
    connection.execute("drop table goods; drop table link; drop table setting")
