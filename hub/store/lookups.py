"""What codes mean now: the item, its price and its figures, many codes in one look, on the reader's connection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.store import stock_queries
from hub.store.freshness import Freshness
from hub.store.links import Links
from hub.store.promises import promised
from hub.store.sql import Sql
from hub.store.views import ItemRow, Looked
from protocol.catalogue import CodeLink, Price, Unit, link_at
from protocol.codes import read_code
from protocol.errors import BadInput
from protocol.identity import ItemId
from protocol.variable_measure import CodeRules

Found = Looked | BadInput | None


def look_up(
    connection: Sql, codes: Sequence[str], rules: CodeRules, freshness: Freshness, now_us: int
) -> tuple[Found, ...]:
    """See `HubStore.look_up`."""
    number = freshness.now
    return tuple(_look_up(connection, code, rules, number, now_us) for code in codes)


def _look_up(connection: Sql, code: str, rules: CodeRules, number: int, now_us: int) -> Found:
    try:
        key = read_code(code, None, rules).lookup
    except BadInput as error:
        return error
    links = Links.of(connection, key)
    link = link_at(links, now_us)
    if link is None:
        return None
    item = ItemId(link.item)
    prices = stock_queries.prices_of(connection, item)
    kept = promised(connection, (item,))
    row = stock_queries.item(connection, item, now_us, prices)
    return Looked(
        code=key,
        factor_milli=link.factor_milli,
        item=row or ItemRow(item, "", Unit.EACH.value, (), None, None),
        known=row is not None,
        stock=stock_queries.stock_of(connection, item, now_us, prices, kept).rows,
        until_us=_next_change_us([*links, *prices], [m for each in kept.values() for m in each.moments_us()], now_us),
        number=number,
    )


def _next_change_us(dated: Iterable[CodeLink | Price], others_us: Iterable[int], now_us: int) -> int | None:
    """Say when the clock alone may change the answer; None if it never does."""
    moments = [at_us for row in dated for at_us in (row.valid_from_us, row.valid_to_us) if at_us is not None]
    return min((at_us for at_us in (*moments, *others_us) if at_us > now_us), default=None)
