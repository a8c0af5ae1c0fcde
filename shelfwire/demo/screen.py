"""What the demo shows while it runs: a calm board on a terminal, plain lines anywhere else."""

from __future__ import annotations

import asyncio
import statistics
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
from shelfwire.demo.witnesses import Unreachable

FRAMES_PER_S = 8
LOOK_EVERY_S = 0.25
NEWS_SHOWN = 9
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
        self._console.print(_news_line(happening), soft_wrap=True)


class BoardScreen:
    """A board that stays in its place, redrawn a few times a second."""

    def __init__(self, console: Console, chronicle: Chronicle, shop: Shop, story: Story) -> None:
        self._chronicle = chronicle
        self._shop = shop
        self._story = story
        self._committed = 0
        self._folded = 0
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
                stations = (await self._shop.hub_witness.stations()).stations
                self._committed = sum(station.committed for station in stations)
                self._folded = sum(station.folded for station in stations)
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
            self._behind(),
            self._condition(),
            Text(),
            *(_news_line(happening) for happening in chronicle.happenings[-NEWS_SHOWN:]),
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
            if phase == self._chronicle.phase:
                text.append(f"● {phase}", style="bold")
            elif self._chronicle.is_past(phase):
                text.append(f"✓ {phase}", style="green")
            else:
                text.append(f"· {phase}", style="dim")
            text.append("   ")
        return text

    def _stations(self) -> Table:
        table = Table(box=SIMPLE_HEAD, header_style="dim")
        table.add_column("station")
        table.add_column("", width=1)
        table.add_column("mode", min_width=11)
        for heading in ("scanned", "refused", "unanswered", "in its log", "unsent", "yes after", "lives"):
            table.add_column(heading, justify="right", min_width=len(heading))
        for post in self._shop.posts:
            table.add_row(*self._station_cells(post, self._story.clerks[post.name]))
        return table

    def _station_cells(self, post: Post, clerk: Clerk) -> tuple[RenderableType, ...]:
        health = post.last_health
        light = Text("●", style="green") if post.is_up else Text("○", style="bold red")
        unsent = 0 if health is None else health.stock.unacked
        return (
            f"{post.name}  {post.plan.what}",
            light,
            "dark" if not post.is_up else "" if health is None else health.status.mode,
            str(clerk.scanned_by_hardware),
            str(clerk.refused),
            str(clerk.unanswered),
            "" if health is None else str(health.stock.entries),
            Text(str(unsent), style="yellow" if unsent > 2 else ""),
            f"{statistics.median(clerk.answered_ms):.1f} ms" if clerk.answered_ms else "",
            str(post.life),
        )

    def _behind(self) -> Text:
        hq = self._shop.hq.figures
        return Text(
            f"  hub: {self._committed} entries committed, {self._folded} folded"
            f"     head office: told of {hq.feed_entries} movements and counts",
            style="dim",
        )

    def _condition(self) -> Text:
        broken = self._chronicle.broken
        if not broken:
            return Text("  all is well", style="green")
        return Text("  now " + ", ".join(f"{what} {how}" for what, how in broken.items()), style="bold yellow")


def _news_line(happening: Happening) -> Text:
    minutes, seconds = divmod(happening.at_s, 60)
    line = Text(f" {int(minutes)}:{seconds:04.1f} ", style="dim")
    line.append(f"{_SIGNS[happening.kind]} {happening.text}", style=f"not dim {_STYLES[happening.kind]}")
    return line
