"""What the demo shows while it runs: a calm board on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from shelfwire.demo.chronicle import Chronicle, Happening, Kind
from shelfwire.demo.clerk import Clerk
from shelfwire.demo.post import Post
from shelfwire.demo.shop import Shop
from shelfwire.demo.story import Story
from shelfwire.demo.witnesses import HubStation, Unreachable

FRAMES_PER_S = 8
LOOK_EVERY_S = 0.25
NEWS_SHOWN = 9
SOME_ENTRIES = 3
_STYLES = {Kind.PHASE: "bold", Kind.NOTE: "", Kind.TROUBLE: "yellow", Kind.MENDED: "green"}
_SIGNS = {Kind.PHASE: "▸", Kind.NOTE: " ", Kind.TROUBLE: "✗", Kind.MENDED: "✓"}


class Screen(Protocol):
    """Shows the day while it goes on: `async with` begins and ends it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class PlainScreen:
    """A line for each piece of news."""

    def __init__(self, console: Console, chronicle: Chronicle) -> None:
        self._console = console
        self._chronicle = chronicle

    async def __aenter__(self) -> Self:
        self._chronicle.tell = self._tell
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chronicle.tell = lambda _: None

    def _tell(self, happening: Happening) -> None:
        line = Text.assemble((f"{_clock(happening.at_s):>7} ", "dim"), _SIGNS[happening.kind], " ", happening.text)
        line.stylize(_STYLES[happening.kind], 8)
        self._console.print(line, soft_wrap=True)


class BoardScreen:
    """A board that stays in its place, redrawn a few times a second."""

    def __init__(self, console: Console, chronicle: Chronicle, shop: Shop, story: Story) -> None:
        self._chronicle = chronicle
        self._shop = shop
        self._story = story
        self._at_hub: dict[str, HubStation] = {}
        self._live = Live(
            console=console, get_renderable=self._board, refresh_per_second=FRAMES_PER_S, redirect_stderr=False
        )
        self._looking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look(), name="board")
        self._live.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.wait([looking])

    async def _look(self) -> None:
        """Keep the figures on the board fresh, as far as anybody answers."""
        while True:
            for post in self._shop.posts:
                if post.is_up:
                    try:
                        await post.health()
                    except Unreachable:
                        pass  # the last figures stay; the light tells that it is dark
            try:
                self._at_hub = {line.station: line for line in (await self._shop.hub_witness.stations()).stations}
            except Unreachable:
                pass  # as above
            await asyncio.sleep(LOOK_EVERY_S)

    def _board(self) -> RenderableType:
        chronicle = self._chronicle
        return Group(
            self._title(),
            Text(),
            self._phases(),
            self._stations(),
            self._hq(),
            self._condition(),
            Text(),
            _news(chronicle.happenings[-NEWS_SHOWN:]),
        )

    def _title(self) -> Text:
        elapsed = int(self._chronicle.elapsed_s)
        shoppers = self._story.shoppers
        title = Text(" Shelfwire demo ", style="bold reverse")
        title.append(f"  {elapsed // 60}:{elapsed % 60:02d}", style="bold not reverse")
        title.append(f"   {shoppers.served} shoppers, {shoppers.taken_back} lines taken back", style="not reverse")
        title.append(f"   {self._shop.page}", style="cyan not reverse not bold underline")
        return title

    def _phases(self) -> Text:
        text = Text(" ")
        for phase in self._chronicle.phases:
            sign, style = "·", "dim"
            if phase == self._chronicle.phase:
                sign, style = "●", "bold"
            elif self._chronicle.is_past(phase):
                sign, style = "✓", "green"
            text.append(f"{sign} {phase}", style)
            text.append("  ")
        return text

    def _stations(self) -> Table:
        table = Table(box=SIMPLE_HEAD, header_style="dim", padding=(0, 1, 0, 0))
        table.add_column("station")
        table.add_column("doing", min_width=13)
        for heading in ("scanned", "logged", "at hub", "folded", "yes after", "starts"):
            table.add_column(heading, justify="right", min_width=len(heading))
        for post in self._shop.posts:
            table.add_row(*self._station_cells(post, self._story.clerks[post.name]))
        return table

    def _station_cells(self, post: Post, clerk: Clerk) -> tuple[RenderableType, ...]:
        health, hub = post.last_health, self._at_hub.get(post.name)
        entries = None if health is None else health.stock.entries
        committed, folded = (None, None) if hub is None else (hub.committed, hub.folded)
        return (
            post.name,
            _doing(post),
            str(clerk.scanned_by_hardware),
            "" if entries is None else str(entries),
            _compared(committed, entries),
            _compared(folded, entries),
            f"{statistics.median(clerk.answered_ms):.1f} ms" if clerk.answered_ms else "",
            str(post.life),
        )

    def _hq(self) -> Text:
        hq = self._shop.hq.figures
        told = f"told of {hq.feed_entries} movements and counts" if hq.connected else "not reached"
        return Text(f"  head office {told}", style="" if hq.connected else "yellow")

    def _condition(self) -> Text:
        broken = self._chronicle.broken
        if broken:
            return Text("  " + ", ".join(f"{what} is {how}" for what, how in broken.items()), style="bold yellow")
        if all(post.is_up for post in self._shop.posts):
            return Text("  nothing is broken", style="green")
        return Text("  switched off" if any(post.life > 0 for post in self._shop.posts) else "  starting", style="dim")


def _doing(post: Post) -> Text:
    if post.is_up:
        mode = "" if post.last_health is None else post.last_health.status.mode
        return Text.assemble(("● ", "green"), mode)
    if post.switched_off:
        return Text("○ off", style="dim")
    return Text.assemble(("● dark", "bold red")) if post.process.kills else Text("○ starting", style="dim")


def _compared(figure: int | None, entries: int | None) -> Text:
    """Show a figure, in yellow while it is well behind the station's own."""
    if figure is None:
        return Text()
    behind = entries is not None and entries - figure > SOME_ENTRIES
    return Text(str(figure), style="yellow" if behind else "")


def _news(happenings: Sequence[Happening]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(justify="right", min_width=7, style="dim")
    table.add_column()
    table.add_column()
    for happening in happenings:
        style = _STYLES[happening.kind]
        table.add_row(_clock(happening.at_s), Text(_SIGNS[happening.kind], style), Text(happening.text, style))
    return table


def _clock(at_s: float) -> str:
    minutes, seconds = divmod(at_s, 60)
    return f"{int(minutes)}:{seconds:04.1f}"
