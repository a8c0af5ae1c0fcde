"""The fleet sheet: for each station of a store its invitation, to be cut out and carried to where it is to stand.

It is a secret until every invitation on it was used or has expired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from protocol.invitation import rows
from provisioning.labels.pages import Pages
from provisioning.labels.stock import FLEET, Box
from provisioning.labels.wording import GOOD_ONCE, HOW_TO_ENROL, Languages, Wording


@dataclass(frozen=True, slots=True)
class Invited:
    """A station's invitation as it is printed; `about` is what it is to be, `expires_us` in UTC."""

    position: str
    about: str
    note: str
    identity: str
    digits: str
    expires_us: int

    def __repr__(self) -> str:
        """Leave the digits out: they are a secret."""
        return f"Invited({self.position!r}, {self.identity!r})"


def fleet_sheet(
    store: str, invited: Sequence[Invited], languages: Languages, paper: str, *, compress: bool = True
) -> bytes:
    """Print invitations on "a4" or "letter", as PDF."""
    stock = FLEET[paper]
    pages = Pages("Fleet sheet", stock.page, compress=compress)
    for each, (page, box), number in zip(invited, stock.boxes(0), range(len(invited)), strict=False):
        if number % stock.a_page == 0:
            if page:
                pages.next_page()
            pages.crop_marks(stock)
        _invitation(pages, box, store, each, languages)
    return pages.finish()


def _invitation(pages: Pages, box: Box, store: str, each: Invited, languages: Languages) -> None:
    inner = box.inside(4)
    pages.text((inner.left, inner.top + 7), each.position, 24, inner.width, bold=True)
    pages.text((inner.left, inner.top + 12), each.about, 9, inner.width)
    pages.text((inner.left, inner.top + 16), each.note, 8, inner.width, grey=True)
    top, side = inner.top + 16.5, 34.0
    pages.squares(each.digits, Box(inner.left - 3, top, side, side))
    left = inner.left + side - 2
    width = inner.left + inner.width - left
    for number, row in enumerate(rows(each.digits)):
        y = top + 6.5 + number * 5
        pages.text((left, y), str(number + 1), 8, 3, grey=True)
        for group in range(0, len(row), 4):
            pages.text((left + 4 + group * 2.55, y), row[group : group + 4], 10, 10)
    until = datetime.fromtimestamp(each.expires_us // 1_000_000, UTC)
    good = Wording(f"Good until {until:%Y-%m-%d %H:%M} UTC", f"有效期至 {until:%Y-%m-%d %H:%M} UTC")
    y = pages.paragraph((left, top + 22.5), good.lines(languages), 8, width)
    pages.text((left, y + 3.5), f"{each.identity}   {store}", 7, width, grey=True)
    how = [line for words in (HOW_TO_ENROL, GOOD_ONCE) for line in words.lines(languages)]
    pages.paragraph((inner.left, top + 33.5), how, 6, inner.width)
