"""The balance sheet for people: tables on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from shelfwire.demo.balance import Balance, StockLine

TWO_SIDES_COLUMNS = 118
_RIGHT, _WRONG = Text("=", style="green"), Text("≠", style="bold red")


def as_tables(balance: Balance, width: int) -> RenderableType:
    """Lay the sheet out for a terminal of `width` columns."""
    sides = 2 if width >= TWO_SIDES_COLUMNS else 1
    # What matters most comes last, where a small terminal still shows it.
    return Group(_stock(balance, sides), _stations(balance), *_verdict(balance))


def _stations(balance: Balance) -> Table:
    table = Table(box=SIMPLE_HEAD, title="Every scan is everywhere, once", title_justify="left", title_style="bold")
    table.add_column("station")
    table.add_column("scanned by\nhardware", justify="right")
    for heading in ("durable at\nthe edge", "committed\nat the hub", "folded\ninto stock"):
        table.add_column("")
        table.add_column(heading, justify="right")
    for line in balance.stations:
        figures = (line.scanned, line.durable, line.committed, line.folded)
        cells: list[RenderableType] = [line.station, str(line.scanned)]
        for before, figure in pairwise(figures):
            cells += [_RIGHT if before == figure else _WRONG, str(figure)]
        table.add_row(*cells)
    return table


def _stock(balance: Balance, sides: int) -> Table:
    """Show stock, which is long, in so many columns side by side."""
    table = Table(box=SIMPLE_HEAD, title="Stock is what is on the shelves", title_justify="left", title_style="bold")
    rows = -(-len(balance.stock) // sides)
    for side in range(sides):
        table.add_column("item", min_width=23 if not side else 0)
        for heading in ("on the\nshelves", "at the\nhub", "as HQ\nwas told"):
            table.add_column(heading, justify="right")
        table.add_column("")
    for row in range(rows):
        lines = balance.stock[row::rows]
        table.add_row(*(cell for line in lines for cell in _stock_cells(line)))
    return table


def _stock_cells(line: StockLine) -> tuple[RenderableType, ...]:
    figures = (line.tally_milli, line.hub_milli, line.hq_milli)
    mark = _RIGHT if line.balanced else _WRONG
    return (line.name, *(_quantity(milli, line.unit) for milli in figures), mark)


def _quantity(milli: int | None, unit: str) -> str:
    if milli is None:
        return "-"
    return f"{milli / 1000:.3f} {unit}" if unit != "each" else f"{milli / 1000:g}"


def _verdict(balance: Balance) -> Iterable[Text]:
    catalogue, feed = balance.catalogue, balance.feed
    if catalogue.balanced:
        holders = 2 + len(catalogue.stations)
        yield Text(
            f"Catalogue: {catalogue.rows} rows, set hash {catalogue.hq[:12]}… the same at all {holders} holders."
        )
    if feed.balanced:
        yield Text(
            f"Feed: HQ was told of {feed.entries} movements and counts, as many as the shop made, "
            f"and holds its journal of {feed.journal}."
        )
    if balance.statement.figures and balance.statement.balanced:
        yield Text(f"Statement: HQ stated {balance.statement.figures} figures of stock; the hub's are the same.")
    for difference in balance.differences:
        yield Text(difference, style="red")
    if balance.balanced:
        yield Text("\nThe books balance.", style="bold green")
    else:
        yield Text("\nThe books do not balance.", style="bold red")
