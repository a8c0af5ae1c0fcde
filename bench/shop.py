"""The shop that every figure is measured in: 100,000 items with a code and a price each, and what its stations say."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from functools import cache

from edge.clock import SystemClock, read_boot_id
from protocol.catalogue import CatalogueRow, CodeLink, Item, Price, PriceKind, decode_row, encode_row, row_key
from protocol.chain import Chapter, Position, extend
from protocol.codes import read_code
from protocol.events import Anchor, Delta, Reason, When, encode_entry
from protocol.identity import Epoch
from protocol.replication.ports import ReaderState, Slice

ITEMS = 100_000
SELLING = 20_000
"""How many of them are sold at all."""
STORE, PLACE = "oak-street", "shop"
FRAME_ENTRIES = 500
_WORDS = (
    "apple",
    "pear",
    "rye",
    "oat",
    "milk",
    "dark",
    "white",
    "whole",
    "salted",
    "smoked",
    "dried",
    "fresh",
    "organic",
    "large",
    "small",
    "family",
)
_GOODS = (
    "juice",
    "bread",
    "butter",
    "cheese",
    "tea",
    "coffee",
    "pasta",
    "rice",
    "soap",
    "candles",
    "biscuits",
    "soup",
    "beans",
    "yoghurt",
    "honey",
    "jam",
)


def gtin(number: int) -> str:
    """Give the EAN-13 of the item of that number (GS1 General Specifications, section 7.9: the check digit)."""
    body = f"{400_000_000_000 + number:012d}"
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(body))
    return f"{body}{-total % 10}"


def item_name(number: int) -> str:
    """Give an item's identity."""
    return f"art-{number:06d}"


def rows_of(number: int, minor: int) -> tuple[CatalogueRow, ...]:
    """Give the catalogue rows of an item that costs `minor`."""
    kind, sort, goods = _WORDS[number * 7 % 13], _WORDS[number // 13 % 16], _GOODS[number // 208 % 16]
    name = f"{kind.title()} {sort} {goods} {50 + number // 3328 * 50} g"
    return (
        Item(item_name(number), name),
        CodeLink(read_code(gtin(number), None).lookup, item_name(number)),
        Price(item_name(number), "regular", PriceKind.REGULAR, minor, "EUR"),
    )


@cache
def catalogue_lines(items: int = ITEMS) -> tuple[bytes, ...]:
    """Give the stored lines of the whole catalogue, item after item."""
    return tuple(encode_row(row) for number in range(items) for row in rows_of(number, 99 + number % 2000))


@cache
def snapshot_lines(items: int = ITEMS) -> tuple[bytes, ...]:
    """Give them in the order of their keys, as a snapshot brings them."""
    return tuple(sorted(catalogue_lines(items), key=lambda line: row_key(decode_row(line))))


def price_rows(count: int, minor: int, items: int = ITEMS) -> list[CatalogueRow]:
    """Give the rows that set `count` items, spread over the catalogue, to another price."""
    step = max(1, items // count)
    return [rows_of(number, minor)[2] for number in range(0, items, step)][:count]


def catalogue_csv(items: int = ITEMS) -> bytes:
    """Give the catalogue as a file for `shelfwire hub import`."""
    lines = ["item,name,unit,code,price,currency"]
    for number in range(items):
        item, _, price = rows_of(number, 99 + number % 2000)
        assert isinstance(item, Item)
        assert isinstance(price, Price)
        lines.append(f"{item.item},{item.name},each,{gtin(number)},{price.minor / 100:.2f},EUR")
    return "\n".join(lines).encode()


@cache
def _codes(items: int) -> tuple[str, ...]:
    return tuple(gtin(number) for number in range(items))


def sales(count: int, *, boot: str, first_up_us: int, step_us: int, wall_us: int, seed: int = 1) -> Iterator[bytes]:
    """Give the lines of sales, one each `step_us`; `wall_us` is the wall clock at `first_up_us`."""
    draw = random.Random(seed)
    codes = _codes(SELLING)
    for number in range(count):
        past_us = number * step_us
        which = draw.randrange(SELLING)
        yield encode_entry(
            Delta(
                When(boot, first_up_us + past_us, wall_us + past_us, True),
                "scanner",
                codes[which],
                "]E0",
                -1000,
                Reason.SALE,
                PLACE,
                catalogue=3 * ITEMS,
                price_minor=99 + which % 2000,
            )
        )


def anchor(boot: str, up_us: int, wall_us: int) -> bytes:
    """Give the line of an exchange with the hub's clock that took half a millisecond."""
    return encode_entry(Anchor(boot, up_us - 250, up_us + 250, wall_us))


def backlog(count: int, seed: int = 1) -> Iterator[bytes]:
    """Give what a station has said since this machine's boot: an anchor, then sales until a second ago."""
    clock = SystemClock(read_boot_id())
    up_us, wall_us = clock.up_us(), time.time_ns() // 1000
    first_up_us = up_us // 2
    step_us = max(1, (up_us - first_up_us - 1_000_000) // count)
    booted_us = wall_us - up_us
    yield anchor(clock.boot, first_up_us, booted_us + first_up_us)
    yield from sales(
        count - 1,
        boot=clock.boot,
        first_up_us=first_up_us + step_us,
        step_us=step_us,
        wall_us=booted_us + first_up_us + step_us,
        seed=seed,
    )


def frames(epoch: Epoch, lines: Sequence[bytes], size: int = FRAME_ENTRIES) -> list[tuple[Slice, ReaderState]]:
    """Cut a log into the parts a reader commits, each with the state it leaves."""
    digest = Chapter(epoch).origin().digest
    parts: list[tuple[Slice, ReaderState]] = []
    for start in range(0, len(lines), size):
        part = tuple(lines[start : start + size])
        slice_ = Slice(epoch, start + 1, digest, part)
        digest = extend(digest, part)
        parts.append((slice_, ReaderState(at=Position(epoch, start + len(part), digest), generation=epoch.generation)))
    return parts
