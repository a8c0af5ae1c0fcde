"""What simulated days showed, as text for the terminal, as the page docs/accuracy.md, and as its pictures. Pure."""

from __future__ import annotations

from textwrap import fill

from bench.accuracy_figures import Accuracy, ItemDay, ShopFigures
from bench.pictures import Bar, Line, bars, columns, lines

_PAGE = """\
# Accuracy

Made from `bench/results/accuracy.json` by `python -m bench.accuracy --publish`; change that, not this page. Taken
{at} at commit {commit}, in {seconds:.0f} s.

How right is the stock that the hub tells? A simulated shop moves goods and keeps the truth to itself: shelf,
stockroom, bay, trolleys and baskets, tills, staff cages and crates. What its {stations} stations scan becomes lines
of their logs; frames of these cross a network that is cut for up to 8 hours, loses 2 % of them and repeats 5 %; the
real replication reader and the real store of the hub take them in, while the day goes on. At night the hub's figures
of {items} items are held against where the goods are.

{promise}

![What is right at the end of a day](pictures/accuracy-exact.svg)

| {first}, {days} days, {judged:,} items | exactly right |
|---|---:|
| in the order of arrival, repeats booked again | {arrival} |
| in the order of arrival, each entry once | {once} |
| each entry once, by the stations' own clocks | {clocks} |
| the hub's one figure | {exact} |
| the hub's figure, or the truth within its [lo, hi] | {inside} |

A figure is *silently wrong* if the truth lies outside [lo, hi]. An interval is as wide as what may have been in a
trolley, in the bay or behind the returns desk while the count was read. {sure} of all items have none: the hub is
sure of them. The others' is {doubtful:.1f} pieces wide on average, and so that of all items {mean:.2f}. The widest are
those of deliveries, which come by the dozen and may have stood in the bay for four hours before their scan.

![How wide the intervals are](pictures/accuracy-widths.svg)

## One item's day

{item_words}

![One item's day](pictures/accuracy-item.svg)

## Other shops

All with {items} items; the second was counted after closing, the rest among customers. *Outside*: movements that were
farther from their scan than the hub's lead or lag.

| shop | days | items | arrival | once | own clocks | hub exact | silently wrong | mean [lo, hi] | outside |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
{rows}

{notes}

![The stations' clocks](pictures/accuracy-clocks.svg)

## What led to silent errors

{causes}

## What no book can know

- **Goods that are stolen after the last count.** {robbed} items of the first shop were, and are left out above. Theft
  before a count is what the count's variance is for, and is in.
- **Goods that are carried about while they are counted and then put back on the shelf unscanned.** No station sees
  them. The shop "goods put back" shows how much that costs. Counting after closing costs nothing.
- **Shelves that are filled while their goods are counted.** Within one area nobody scans that. The rule for staff is:
  goods that are being counted are not moved, and goods on their way are counted later. The shop "fills meanwhile"
  does without.
- **People slower than the leads.** The hub believes that goods leave the shelf at most 30 minutes before their sale is
  scanned, that goods refused at the till are back as long after it, and that a delivery arrives at most 4 hours before
  its receipt is scanned. A shop with longer visits needs a longer lead: in "long visits" {long_share} of the sales are
  outside.

## How the shop is simulated

Customers come all day, pick up goods at random moments of a visit, queue, have one piece after the other scanned, and
pay. Some are scanned once too often and undone; some refuse a line at the till, which is undone and brought back to
the shelf; some bring goods back. Staff take deliveries in, put them away, fill shelves, throw out what is spoilt. Two
people count: shelves first, then the stockroom, then the bay; all items before opening, all again in the day, a
quarter of them twice. Every time that people take is drawn from a log-normal law of its own with no end cut off, and
none from our leads: a visit lasts 6 min (median), a delivery waits 40 min to be scanned, spoilt goods 4 min, a return
6 min for its way back. Clocks run wrong by up to 50 ppm; three in ten of the tills and the bay lose power once. The
other books are kept from the same frames: a movement adds, a count sets, an undo takes back.
"""


def as_text(found: Accuracy) -> str:
    """Write the table for a terminal."""
    rows = [
        f"{shop.name:16} {shop.items:5} items  arrival {_share(shop.by_arrival, shop)}  once"
        f" {_share(shop.each_once, shop)}  own clocks {_share(shop.by_own_clocks, shop)}  exact"
        f" {_share(shop.exact, shop)}  silently wrong {shop.silently_wrong}  width {_width(shop):.2f}"
        f"  outside {shop.outside_share:.2%}  {shop.causes or ''}"
        for shop in found.shops
    ]
    return "\n".join(rows)


def as_page(found: Accuracy) -> str:
    """Write the page."""
    first, closed = found.shops[:2]
    doubtful = first.items - first.sure
    long = found.shop("long visits").outside["sale"]
    return _PAGE.format(
        at=found.at,
        commit=found.commit,
        seconds=found.seconds,
        stations=found.stations,
        items=found.items,
        promise=_promise(first, closed),
        first=first.what,
        days=first.days,
        judged=first.items,
        arrival=_share(first.by_arrival, first),
        once=_share(first.each_once, first),
        clocks=_share(first.by_own_clocks, first),
        exact=_share(first.exact, first),
        inside=_share(first.items - first.silently_wrong, first),
        sure=_percent(first.sure / first.items),
        doubtful=first.width_pieces / max(1, doubtful),
        mean=_width(first),
        item_words=_item_words(found.item),
        rows="\n".join(_row(shop) for shop in found.shops),
        notes="\n".join(f"- *{shop.name}*: {shop.what}." for shop in found.shops),
        causes=_causes(found),
        robbed=first.robbed,
        long_share=_percent(long[0] / long[1]),
    )


def pictures(found: Accuracy) -> dict[str, str]:
    """Draw the pictures, by file name."""
    first = found.shops[0]

    def bar(label: str, right: int, colour: int) -> Bar:
        return Bar(label, right / first.items, _share(right, first), colour)

    exact = bars(
        f"Items exactly right at night, {first.what}",
        [
            bar("in order of arrival", first.by_arrival, 2),
            bar("each entry once", first.each_once, 2),
            bar("by the stations' own clocks", first.by_own_clocks, 2),
            bar("the hub's one figure", first.exact, 0),
            bar("the truth is in its [lo, hi]", first.items - first.silently_wrong, 0),
        ],
    )
    edges = (
        (0, 0, "sure"),
        (1, 1, "1"),
        (2, 2, "2"),
        (3, 4, "3-4"),
        (5, 8, "5-8"),
        (9, 16, "9-16"),
        (17, 1 << 30, "17+"),
    )
    widths = columns(
        "Items by the width of their [lo, hi]",
        "pieces",
        [(label, sum(n for width, n in first.widths.items() if low <= width <= high)) for low, high, label in edges],
    )
    clocks = bars(
        "Items exactly right, by how wrong the stations' clocks are",
        [
            Bar(f"{label}, {off}", right / shop.items, _share(right, shop), colour)
            for off, shop in (
                ("±2 s", found.shop("clocks ±2 s")),
                ("±10 min", found.shop("clocks ±10 min")),
                ("±1 h", first),
            )
            for label, right, colour in (("own clocks", shop.by_own_clocks, 2), ("hub", shop.exact, 0))
        ],
    )
    return {
        "accuracy-exact.svg": exact,
        "accuracy-widths.svg": widths,
        "accuracy-clocks.svg": clocks,
        "accuracy-item.svg": _item_picture(found.item),
    }


def _item_picture(item: ItemDay) -> str:
    begin_h, end_h = item.told[0][0], item.told[-1][0]
    before = [pieces for t_h, pieces in item.truth if t_h <= begin_h]
    truth = [(begin_h, before[-1] if before else item.told[0][1])]
    truth += [(t_h, pieces) for t_h, pieces in item.truth if begin_h < t_h <= end_h]
    return lines(
        f"Pieces of {item.item} through one day",
        [
            Line("in the order of arrival", item.arrival, 2, steps=True, dashed=True),
            Line("the truth", truth, -1, steps=True),
            Line("the hub, [lo, hi] shaded", [(t_h, on_hand) for t_h, on_hand, _, _ in item.told], 0, steps=True),
        ],
        [(hour, f"{hour}:00") for hour in range(int(begin_h) + 1, int(end_h) + 1, 2)],
        [(t_h, low, high) for t_h, _, low, high in item.told],
    )


def _item_words(item: ItemDay) -> str:
    hours = ", ".join(f"{int(h)}:{int(h % 1 * 60):02d}" for h in item.counts_h)
    return fill(
        f"Of the first day, the item that books in the order of arrival get most wrong. Its counts ended at {hours}."
        " The hub's figure steps when a station's word comes, which may be hours late; by night it stands where the"
        " truth does, or says by how much it may not.",
        118,
    )


def _promise(first: ShopFigures, closed: ShopFigures) -> str:
    wrong = first.silently_wrong
    told = (
        "no item was silently wrong"
        if not wrong
        else f"{wrong} of {first.items:,} items were silently wrong, each for a reason given below"
    )
    return fill(
        f"**Counted among customers, {told}; counted in a closed shop, {_share(closed.exact, closed)} of"
        f" {closed.items:,} items were exact.**",
        118,
    )


def _causes(found: Accuracy) -> str:
    rows = ["| shop | items | what happened across the item's last count |", "|---|---:|---|"]
    for shop in found.shops:
        rows += [f"| {shop.name} | {n} | {cause} |" for cause, n in sorted(shop.causes.items())]
    if len(rows) == 2:
        return "There were none."
    outside = "; ".join(
        f"{reason} {few:,} of {every:,}" for reason, (few, every) in sorted(found.shops[0].outside.items())
    )
    told = fill(f"Movements of the first shop outside their lead or lag: {outside}.", 118)
    return "\n".join([*rows, "", told])


def _row(shop: ShopFigures) -> str:
    cells = (
        shop.name,
        f"{shop.days}",
        f"{shop.items:,}",
        _share(shop.by_arrival, shop),
        _share(shop.each_once, shop),
        _share(shop.by_own_clocks, shop),
        _share(shop.exact, shop),
        f"{shop.silently_wrong}",
        f"{_width(shop):.2f}",
        _percent(shop.outside_share, 2),
    )
    return f"| {' | '.join(cells)} |"


def _width(shop: ShopFigures) -> float:
    return shop.width_pieces / max(1, shop.items)


def _share(part: int, shop: ShopFigures) -> str:
    share = part / max(1, shop.items)
    # All but one is not all.
    return "100 %" if part == shop.items else _percent(share) if share < 0.9995 else "99.9+ %"


def _percent(share: float, digits: int = 1) -> str:
    return f"{share:.{digits}%}".replace("%", " %")
