"""What the store answers about RFID tags: how many are where, what is known of one, which came back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select

from hub.ledger.tags import TagState
from hub.store.epochs import EpochRows
from hub.store.page_tokens import from_token, token
from hub.store.sql import Sql
from hub.store.tables import live, tag
from hub.store.tag_rows import deals_of, means, sightings_of, signs_of
from protocol.catalogue import WHOLE_MILLI, CodeLink, Item, RowKind, Unit, decode_row, link_at
from protocol.epc.reading import read_epc_hex
from protocol.errors import BadInput
from protocol.identity import EntryId, ItemId, PlaceId

MAX_PAGE: Final = 500
SIGNS_SHOWN: Final = 500
_GROUPS: Final = select(tag.c.gtin, tag.c.place, tag.c.state, func.count()).group_by(
    tag.c.gtin, tag.c.place, tag.c.state
)
_ONE: Final = select(tag).where(tag.c.epc == bindparam("tag"))
_AGAIN: Final = (
    select(tag).where(tag.c.again_us.is_not(None)).order_by(tag.c.again_us.desc(), tag.c.epc).limit(bindparam("most"))
)
_LINKS: Final = select(live.c.line).where(live.c.kind == RowKind.LINK.value, live.c.owner == bindparam("code"))
_ITEM: Final = select(live.c.line).where(
    live.c.kind == RowKind.ITEM.value, live.c.owner == bindparam("item"), live.c.member == ""
)


class Goods(NamedTuple):
    """What a tag is on: so much of an item. `item` is None while nobody knows what the code means."""

    code: str
    item: ItemId | None
    name: str
    unit: str
    qty_milli: int


@dataclass(frozen=True, slots=True)
class TagStock:
    """What tags say of an item at a place: `lo_milli` is there, and no more than `hi_milli` by what has tags.

    `present` tags answered there last, `unseen` ones fell silent there since. `code` is of one of them.
    """

    goods: Goods
    place: PlaceId
    lo_milli: int
    hi_milli: int
    present: int
    unseen: int


@dataclass(frozen=True, slots=True)
class TagStockPage:
    """Goods in the order of (item or code, place); `next` asks for the page after, None at the end.

    `states` is how many tags there are in each state, of everything.
    """

    rows: tuple[TagStock, ...]
    next: str | None
    states: dict[TagState, int]


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag as it is now. `uri` is the pure identity of its EPC, None where that has none.

    `again_us` is when it was seen again though it is out of the books, None if it was not.
    """

    epc: str
    uri: str | None
    goods: Goods
    serial: str | None
    place: PlaceId
    state: TagState
    seen_us: int | None
    told_by: EntryId | None
    again_us: int | None


@dataclass(frozen=True, slots=True)
class TagSign:
    """Something that was told of a tag; `sign` is one of `hub.ledger.tags.Sign`."""

    sign: str
    place: PlaceId
    t_us: int
    err_us: int
    entry: EntryId


@dataclass(frozen=True, slots=True)
class TagHistory:
    """A tag, and what was told of it: the newest `SIGNS_SHOWN`, newest first."""

    tag: TagRow
    signs: tuple[TagSign, ...]


def stock(sql: Sql, now_us: int, after: str | None, limit: int, search: str) -> TagStockPage:
    """See `TagDoor.stock`."""
    bound = ("", "") if after is None else from_token(after, str, str)
    states: Counter[TagState] = Counter()
    groups: dict[tuple[str, str], list[tuple[Goods, str, TagState, int]]] = {}
    known: dict[str, Goods] = {}
    sought = search.strip().casefold()
    for gtin, place, name, tags in sql.execute(_GROUPS).fetchall():
        state = TagState(name)
        states[state] += tags
        goods = known.get(gtin)
        if goods is None:
            goods = known[gtin] = goods_of(sql, gtin, now_us)
        told = (goods.item or "", goods.name, goods.code, place)
        if state in (TagState.PRESENT, TagState.UNSEEN) and any(sought in each.casefold() for each in told):
            groups.setdefault((goods.item or goods.code, place), []).append((goods, place, state, tags))
    wanted = sorted(key for key in groups if after is None or key > bound)
    limit = max(1, min(limit, MAX_PAGE))
    rows = tuple(_row(groups[key]) for key in wanted[:limit])
    return TagStockPage(rows, token(*wanted[limit - 1]) if len(wanted) > limit else None, dict(states))


def one(sql: Sql, epochs: EpochRows, epc: str, now_us: int) -> TagHistory | None:
    """See `TagDoor.one`."""
    row = sql.execute(_ONE, {"tag": epc}).fetchone()
    if row is None:
        return None
    _, unit = means(epc)
    sightings = sightings_of(sql, epochs, signs_of(sql, [epc])[epc])
    sightings += [deal.sighting(sql, epochs, epc) for deal in (deals_of(sql, [unit])[unit] if unit else ())]
    newest = sorted(sightings, key=lambda sighting: sighting.key, reverse=True)[:SIGNS_SHOWN]
    return TagHistory(
        _tag_row(sql, epochs, row, now_us),
        tuple(TagSign(each.sign.value, each.place, each.t_us, each.err_us, each.entry) for each in newest),
    )


def seen_again(sql: Sql, epochs: EpochRows, now_us: int, limit: int) -> tuple[TagRow, ...]:
    """See `TagDoor.seen_again`."""
    rows = sql.execute(_AGAIN, {"most": max(1, min(limit, MAX_PAGE))}).fetchall()
    return tuple(_tag_row(sql, epochs, row, now_us) for row in rows)


def goods_of(sql: Sql, code: str, at_us: int) -> Goods:
    """Say what a code of the catalogue meant at a time."""
    links = [
        row
        for (line,) in (sql.execute(_LINKS, {"code": code}).fetchall() if code else ())
        if isinstance(row := decode_row(line), CodeLink)
    ]
    link = link_at(links, at_us)
    if link is None:
        return Goods(code, None, "", Unit.EACH.value, WHOLE_MILLI)
    found = sql.execute(_ITEM, {"item": link.item}).fetchone()
    item = None if found is None else decode_row(found[0])
    name, unit = (item.name, item.unit.value) if isinstance(item, Item) else ("", Unit.EACH.value)
    return Goods(code, ItemId(link.item), name, unit, link.factor_milli)


def _row(group: Sequence[tuple[Goods, str, TagState, int]]) -> TagStock:
    goods, place, _, _ = group[0]
    present = [each for each in group if each[2] is TagState.PRESENT]
    lo_milli, hi_milli = (sum(each.qty_milli * tags for each, _, _, tags in some) for some in (present, group))
    tags = sum(each[3] for each in present)
    return TagStock(goods, PlaceId(place), lo_milli, hi_milli, tags, sum(each[3] for each in group) - tags)


def _tag_row(sql: Sql, epochs: EpochRows, row: Any, now_us: int) -> TagRow:
    epc, gtin, unit, place, state, seen_us, epoch, seq, again_us, *_ = row
    try:
        uri = read_epc_hex(epc).pure_uri
    except BadInput:
        uri = None
    return TagRow(
        epc,
        uri,
        goods_of(sql, gtin, now_us if seen_us is None else seen_us),
        unit.partition("/")[2] or None,
        PlaceId(place),
        TagState(state),
        seen_us,
        None if epoch is None else epochs.by_id(sql, epoch).entry(seq),
        again_us,
    )
