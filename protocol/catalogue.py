"""The rows of the catalogue log: typed values and their stored lines.

A line is one compact JSON array, its first element the kind:

    ["i", item, name, unit, category, supplier, pack_milli, lead_days, tagged]    an item
    ["l", code, item, factor_milli, valid_from_us, valid_to_us]           a code means an item, for a while
    ["p", item, id, kind, minor, currency, scope, priority, min_qty_milli, valid_from_us, valid_to_us, sell_factor]
    ["s", scope, key, value]                                              a setting
    ["g", kind, owner, member]                                            the row of that key is no more

A line replaces the live row of the same key; the row's version is the seq of its line in the catalogue log. Fields
are only ever added at the end, and a row that says nothing by those of a later release is written without them, so that
what was true before an update is still said by the same line. Stored lines are kept and sent on unchanged, so one that
holds more than a reader knows still hashes the same on both sides.

Beyond 300 lines because it is one vocabulary, told apart by one decoder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from typing import Annotated, Final, NamedTuple, NewType, cast

import msgspec
from msgspec import Meta

from protocol.errors import BadInput
from protocol.events import MAX_TEXT
from protocol.identity import PlaceId, StationId

MAX_TIME_US: Final = 2**53
MAX_MINOR: Final = 10**12
WHOLE_MILLI: Final = 1000
"""One, in milli-units: the pack factor of a code that stands for a single piece or kilogram."""

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Word = Annotated[str, Meta(max_length=64)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
TimeUs = Annotated[int, Meta(ge=0, le=MAX_TIME_US)]
Scope = NewType("Scope", str)

STORE: Final = Scope("store")
"""The widest scope: all of the store."""
_SCOPE = re.compile(r"(?:area|station):[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_POSITION = re.compile(r"position:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_TIME = re.compile(r"0|[1-9][0-9]{0,15}")


def area_scope(place: PlaceId) -> Scope:
    """Name the scope of one area."""
    return Scope(f"area:{place}")


def station_scope(station: StationId) -> Scope:
    """Name the scope of one station, the narrowest."""
    return Scope(f"station:{station}")


def parse_scope(text: str) -> Scope:
    """Read "store", "area:<place>" or "station:<station>". Raises `BadInput` ("bad-row")."""
    _check_scope(text)
    return Scope(text)


class Unit(StrEnum):
    """What an item is sold by; quantities are milli-units of it, so a kilogram's are grams."""

    EACH = "each"
    KG = "kg"


class PriceKind(StrEnum):
    """Why a price is what it is; which one wins is a matter of `priority`, not of the kind."""

    REGULAR = "regular"
    PROMOTION = "promotion"
    MARKDOWN = "markdown"


class RowKind(StrEnum):
    """The kinds of live rows, as their lines name them."""

    ITEM = "i"
    LINK = "l"
    PRICE = "p"
    SETTING = "s"


class RowKey(NamedTuple):
    """What a row is known by: item and "", code and valid-from, item and price id, scope and setting."""

    kind: RowKind
    owner: str
    member: str


class Item(msgspec.Struct, frozen=True, array_like=True, tag="i", gc=False):
    """Something the shop sells.

    `supplier` delivers it within `lead_days` in packs of `pack_milli` milli-units; "" and 0 where nobody said. Each
    piece of it has an RFID tag if it is `tagged`, so that a reader can count it.
    """

    item: Name
    name: Annotated[str, Meta(min_length=1, max_length=500)]
    unit: Unit = Unit.EACH
    category: Word = ""
    supplier: Word = ""
    pack_milli: Annotated[int, Meta(ge=1, le=10**9)] = WHOLE_MILLI
    lead_days: Annotated[int, Meta(ge=0, le=1000)] = 0
    tagged: bool = False


class CodeLink(msgspec.Struct, frozen=True, array_like=True, tag="l", gc=False):
    """From `valid_from_us` until before `valid_to_us`, `code` means `factor_milli` milli-units of `item`.

    `code` is `ScannedCode.lookup`. A link is closed by a row that sets `valid_to_us`, and never edited otherwise:
    what a code meant last week stays true of last week's scans.
    """

    code: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    item: Name
    factor_milli: Annotated[int, Meta(ge=1, le=10**9)] = WHOLE_MILLI
    valid_from_us: TimeUs = 0
    valid_to_us: TimeUs | None = None


class Price(msgspec.Struct, frozen=True, array_like=True, tag="p", gc=False):
    """`minor` minor units of `currency` (ISO 4217) for `sell_factor_milli` of `item`; `id` is unique within the item.

    A price for 100 g, or for a case of twelve, comes to whole minor units for a unit of the item, or is none. It holds
    in `scope`, from `min_qty_milli` on, and from `valid_from_us` until before `valid_to_us`.
    """

    item: Name
    id: Name
    kind: PriceKind
    minor: Annotated[int, Meta(ge=0, le=MAX_MINOR)]
    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    scope: Scope = STORE
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    min_qty_milli: Annotated[int, Meta(ge=0, le=10**15)] = 0
    valid_from_us: TimeUs = 0
    valid_to_us: TimeUs | None = None
    sell_factor_milli: Annotated[int, Meta(ge=1, le=10**9)] = WHOLE_MILLI


class Setting(msgspec.Struct, frozen=True, array_like=True, tag="s", gc=False):
    """A station setting that HQ or the hub decides; who reads it parses `value`."""

    scope: Scope
    key: Name
    value: Text


class Gone(msgspec.Struct, frozen=True, array_like=True, tag="g", gc=False):
    """The row known by (`kind`, `owner`, `member`) is no more."""

    kind: RowKind
    owner: Text
    member: Text = ""


LiveRow = Item | CodeLink | Price | Setting
CatalogueRow = LiveRow | Gone

_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], CatalogueRow] = msgspec.json.Decoder(CatalogueRow).decode


_UNSAID_OF_ITEM: Final = msgspec.structs.astuple(Item("x", "x"))[3:]
_FIRST_OF_ITEM: Final = 4
_SECOND_OF_ITEM: Final = 8
_FIRST_OF_PRICE: Final = 11


def encode_row(row: CatalogueRow) -> bytes:
    """Write a row as its stored line; never holds a newline."""
    # Without the fields of later releases where they say nothing.
    if isinstance(row, Item) and not row.tagged:
        said = _FIRST_OF_ITEM if msgspec.structs.astuple(row)[3:] == _UNSAID_OF_ITEM else _SECOND_OF_ITEM
        return _encode(msgspec.to_builtins(row)[:said])
    if isinstance(row, Price) and row.sell_factor_milli == WHOLE_MILLI:
        return _encode(msgspec.to_builtins(row)[:_FIRST_OF_PRICE])
    return _encode(row)


def decode_row(line: bytes) -> CatalogueRow:
    """Read a line of the catalogue log. Raises `BadInput` ("bad-row")."""
    row = decode_known_row(line)
    _check_row(row)
    return row


def decode_known_row(line: bytes) -> CatalogueRow:
    """Read a line that `decode_row` took before: only its shape is looked at. Raises `BadInput` ("bad-row")."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The last for arrays within arrays within arrays, which no row is.
        raise BadInput("bad-row", str(error)[:300]) from error


def decode_rows(lines: Sequence[bytes]) -> list[CatalogueRow] | None:
    """Read many lines; None if `decode_row` would refuse any of them, for the caller to find out which."""
    try:
        rows = [_decode(line) for line in lines]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    try:
        # Most are of one kind for long, and then looked at together and not each.
        if (kinds := set(map(type, rows))) == {CodeLink}:
            _check_intervals(row for row in rows if isinstance(row, CodeLink) and row.valid_to_us is not None)
        elif kinds == {Price}:
            prices = cast("list[Price]", rows)
            for scope, currency in {(price.scope, price.currency) for price in prices}:
                _check_scope(scope)
                _check_currency(currency)
            for price in prices:
                if price.valid_to_us is not None or price.sell_factor_milli != WHOLE_MILLI:
                    _check_row(price)
        elif kinds != {Item}:
            for row in rows:
                _check_row(row)
    except BadInput:
        return None
    return rows


def row_key(row: CatalogueRow) -> RowKey:
    """Say which live row `row` is, replaces or ends."""
    match row:
        case Item():
            return RowKey(RowKind.ITEM, row.item, "")
        case CodeLink():
            return RowKey(RowKind.LINK, row.code, str(row.valid_from_us))
        case Price():
            return RowKey(RowKind.PRICE, row.item, row.id)
        case Setting():
            return RowKey(RowKind.SETTING, row.scope, row.key)
        case Gone():
            return RowKey(row.kind, row.owner, row.member)


def tombstone(key: RowKey) -> Gone:
    """Make the row that ends the row of `key`."""
    return Gone(key.kind, key.owner, key.member)


def link_at(links: Iterable[CodeLink], at_us: int) -> CodeLink | None:
    """Pick, among the links of one code, the one in force at `at_us` (UTC): the latest begun if they overlap."""
    best: CodeLink | None = None
    for link in links:
        if (
            link.valid_from_us <= at_us
            and (link.valid_to_us is None or at_us < link.valid_to_us)
            and (best is None or link.valid_from_us > best.valid_from_us)
        ):
            best = link
    return best


def setting_at(settings: Iterable[Setting], scopes: Sequence[Scope]) -> str | None:
    """Pick, among the settings of one key, the value in the narrowest of `scopes` (narrowest first)."""
    values = {setting.scope: setting.value for setting in settings}
    return next((values[scope] for scope in scopes if scope in values), None)


def _check_row(row: CatalogueRow) -> None:
    """Hold a row of the right shape to what else is asked of it."""
    if isinstance(row, Item):
        return
    if isinstance(row, CodeLink):
        if row.valid_to_us is not None:
            _check_interval(row.valid_from_us, row.valid_to_us)
    elif isinstance(row, Price):
        if row.valid_to_us is not None:
            _check_interval(row.valid_from_us, row.valid_to_us)
        _check_scope(row.scope)
        _check_currency(row.currency)
        _check_sell_unit(row)
    elif isinstance(row, Setting):
        # No price holds at a position: `protocol.station_settings`.
        if not _POSITION.fullmatch(row.scope):
            _check_scope(row.scope)
    elif row.kind is RowKind.LINK and not _TIME.fullmatch(row.member):
        raise BadInput("bad-row", f"a link is known by its valid-from, not by {row.member[:80]!r}")


def _check_currency(currency: str) -> None:
    if not (currency.isalpha() and currency.isupper() and currency.isascii()):
        raise BadInput("bad-row", f"currency {currency!r} is not three capitals")


def _check_sell_unit(price: Price) -> None:
    if price.minor * WHOLE_MILLI % price.sell_factor_milli:
        raise BadInput("bad-row", f"{price.minor} for {price.sell_factor_milli} is no whole amount for a unit")


def _check_intervals(rows: Iterable[CodeLink | Price]) -> None:
    for row in rows:
        if row.valid_to_us is not None:
            _check_interval(row.valid_from_us, row.valid_to_us)


def _check_interval(valid_from_us: int, valid_to_us: int) -> None:
    if valid_to_us < valid_from_us:
        raise BadInput("bad-row", f"valid to {valid_to_us}, before {valid_from_us}")


def _check_scope(scope: str) -> None:
    if scope != STORE and not _SCOPE.fullmatch(scope):
        raise BadInput("bad-row", f"scope {scope[:80]!r} is not store, area:<place> or station:<station>")
