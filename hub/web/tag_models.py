"""What REST gives of RFID tags, and takes and gives of declared sources."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hub.ledger.tags import Sign, TagState
from hub.store.tag_queries import Goods, TagHistory, TagRow, TagStock, TagStockPage
from hub.web.models import Next


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class TaggedGoods(_Model):
    """What a tag is on. `item` is null while the catalogue does not know its code, a GTIN; "" if it names none."""

    code: str
    item: str | None
    name: str
    unit: str

    @classmethod
    def of(cls, goods: Goods) -> TaggedGoods:
        return cls(code=goods.code, item=goods.item, name=goods.name, unit=goods.unit)


class TaggedStock(_Model):
    """What tags say of an item at a place: it lies between `lo_milli` and `hi_milli`, as far as goods have tags.

    `present` tags answered there last; `unseen` ones fell silent there, which proves nothing.
    """

    goods: TaggedGoods
    place: str
    lo_milli: int
    hi_milli: int
    present: int
    unseen: int

    @classmethod
    def of(cls, row: TagStock) -> TaggedStock:
        return cls(
            goods=TaggedGoods.of(row.goods),
            place=row.place,
            lo_milli=row.lo_milli,
            hi_milli=row.hi_milli,
            present=row.present,
            unseen=row.unseen,
        )


class TaggedStockPage(_Model):
    """Goods in the order of item (or code) and place; `states` counts all tags by what became of them."""

    rows: list[TaggedStock]
    next: Next
    states: dict[TagState, int]

    @classmethod
    def of(cls, page: TagStockPage) -> TaggedStockPage:
        return cls(rows=[TaggedStock.of(row) for row in page.rows], next=page.next, states=page.states)


class Tag(_Model):
    """A tag as it is now: `left` the store, `sold`, `present` at its place, or `unseen` there since.

    `again_us` is when it was seen in the store again though it is out of its stock, null if it was not.
    """

    epc: Annotated[str, Field(description="in hexadecimal digits")]
    uri: Annotated[str | None, Field(description="the EPC's pure identity URI, where it has one")]
    goods: TaggedGoods
    serial: str | None
    place: str
    state: TagState
    seen_us: int | None
    told_by: str | None
    again_us: int | None

    @classmethod
    def of(cls, row: TagRow) -> Tag:
        return cls(
            epc=row.epc,
            uri=row.uri,
            goods=TaggedGoods.of(row.goods),
            serial=row.serial,
            place=row.place,
            state=row.state,
            seen_us=row.seen_us,
            told_by=None if row.told_by is None else str(row.told_by),
            again_us=row.again_us,
        )


class TagSaid(_Model):
    """Something that was told of a tag, and by which entry."""

    sign: Sign
    place: str
    t_us: int
    err_us: int
    entry: str


class OneTag(_Model):
    """A tag and what was told of it, newest first."""

    tag: Tag
    signs: list[TagSaid]

    @classmethod
    def of(cls, found: TagHistory) -> OneTag:
        return cls(
            tag=Tag.of(found.tag),
            signs=[
                TagSaid(
                    sign=Sign(each.sign), place=each.place, t_us=each.t_us, err_us=each.err_us, entry=str(each.entry)
                )
                for each in found.signs
            ],
        )


class Tags(_Model):
    """Tags that are out of the stock and were seen again, the newest first."""

    tags: list[Tag]
