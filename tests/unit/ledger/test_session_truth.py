"""Count sessions in a shop whose truth is known: goods leave shelves before the till sees them, people count meanwhile.

Whatever is counted in whatever order it arrives, the shop is not silently wrong: what is really there lies in [lo, hi],
and where nobody else was in the area, the books are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.ledger.counting import Goods, Part, Plan, ShelfDone
from hub.ledger.entries import Delta, Scope
from hub.ledger.tags import Sighting, Sign, Sweep, Tagged, swept, tags_of
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, ItemId, PlaceId, StationId
from tests.unit.ledger.memory_counting import CountingShop, HomeGiven, ShelfGiven, Told
from tests.unit.ledger.memory_counting import Tagged as IsTagged

SHOP = PlaceId("shop")
SHELVES = (PlaceId("a"), PlaceId("b"))
TEA, JAM = ItemId("tea"), ItemId("jam")
LEAD = 4


_picks = st.lists(st.integers(0, 30), max_size=3)


class Bought(NamedTuple):
    """A piece that leaves a shelf at one time and passes the till at another, no more than `LEAD` later."""

    shelf: int
    picked_us: int
    scanned_us: int


class World(NamedTuple):
    """What happens: pieces on both shelves at first, what is bought, when each pass counts each shelf."""

    pieces: tuple[int, int]
    bought: tuple[Bought, ...]
    passes: tuple[tuple[int, int], ...]
    overlooked: frozenset[int]

    def on_shelf(self, shelf: int, at_us: int) -> list[int]:
        """The numbers of the pieces that stand on a shelf: the first bought is the first to go."""
        gone = sum(one.shelf == shelf and one.picked_us <= at_us for one in self.bought)
        return [100 * shelf + n for n in range(self.pieces[shelf])][gone:]

    def is_quiet(self) -> bool:
        """Whether nothing was under way between the first reading of the session and the last."""
        first, last = min(map(min, self.passes)), max(map(max, self.passes))
        return not any(one.picked_us <= last and one.scanned_us >= first for one in self.bought)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    picks = [(shelf, picked_us) for shelf in (0, 1) for picked_us in sorted(draw(_picks))]
    bought = [Bought(shelf, picked_us, picked_us + draw(st.integers(0, LEAD))) for shelf, picked_us in picks]
    pieces = tuple(draw(st.integers(3, 5)) for _ in SHELVES)
    passes = draw(st.lists(st.tuples(st.integers(5, 20), st.integers(5, 20)), min_size=1, max_size=2))
    return World((pieces[0], pieces[1]), tuple(bought), tuple(passes), draw(st.frozensets(st.integers(0, 104))))


def entry(station: str, seq: int) -> EntryId:
    return EntryId(StationId(station), Epoch(1, 1), seq)


def sales(world: World, item: ItemId) -> list[Delta]:
    scope = Scope(item, SHOP)
    return [
        Delta(entry(f"till-{item}", seq), scope, -1000, Reason.SALE, one.scanned_us, lead_us=LEAD)
        for seq, one in enumerate(world.bought, 1)
    ]


def by_hand(world: World) -> list[Told]:
    """Every pass counts tea on both shelves, and says so of an empty one."""
    told: list[Told] = []
    for pass_, times in enumerate(world.passes, 1):
        for shelf, at_us in enumerate(times):
            identity = entry("hand", 10 * pass_ + shelf)
            found = len(world.on_shelf(shelf, at_us)) * 1000
            if found:
                told.append(Part(identity, "s", TEA, SHELVES[shelf], found, at_us, at_us, 0, pass_))
            else:
                told.append(ShelfDone(identity, "s", SHELVES[shelf], at_us, at_us, 0, pass_, goods=Goods.UNTAGGED))
    return told


def by_radio(world: World) -> list[Told]:
    """The last pass sweeps both shelves for jam, and the reader overlooks some; every piece was read on receipt."""
    sightings = [
        Sighting(str(number), Sign.SEEN, SHELVES[shelf], -1, entry("bay", number + 1))
        for shelf in (0, 1)
        for number in world.on_shelf(shelf, -1)
    ]
    for shelf in (0, 1):
        mine = [one for one in world.bought if one.shelf == shelf]
        sightings += [
            Sighting(str(number), Sign.SOLD, SHOP, one.scanned_us, entry("till", number + 1))
            for number, one in zip(world.on_shelf(shelf, -1), mine, strict=False)
        ]
    sweeps = []
    for shelf, at_us in enumerate(world.passes[-1]):
        seen = frozenset(str(number) for number in world.on_shelf(shelf, at_us) if number not in world.overlooked)
        sweeps.append(Sweep(entry("reader", shelf + 1), "s", SHELVES[shelf], seen, at_us, at_us))
    tags = tags_of(sightings, max(world.passes[-1]))
    found = swept(sweeps, tags, lambda _: Tagged(JAM, 1000), lambda _: SHOP, {JAM})
    return [*found.parts, *found.done]


def counted(told: Sequence[Told]) -> CountingShop:
    shop = CountingShop()
    for one in told:
        shop.take(one)
    return shop


SOLD_OUT = World((3, 3), tuple(Bought(shelf, 0, 0) for shelf in (0, 0, 0, 1, 1, 1)), ((5, 5),), frozenset())


@settings(max_examples=60, deadline=None)
@example(SOLD_OUT, True, Random(1))
@given(worlds(), st.booleans(), st.randoms(use_true_random=False))
def test_what_is_really_there_lies_in_what_the_books_say(world: World, is_planned: bool, order: Random) -> None:
    """Also of what was sold out where all was to be counted; without a plan, of what was found."""
    floor: list[Told] = [ShelfGiven(shelf, SHOP) for shelf in SHELVES]
    floor += [IsTagged(JAM), *(HomeGiven(item, shelf) for item in (TEA, JAM) for shelf in SHELVES)]
    plan: list[Told] = [Plan("s", SHOP, 0)] if is_planned else []
    found = [*by_hand(world), *by_radio(world)]
    told = [*floor, *plan, *sales(world, TEA), *sales(world, JAM), *found]
    order.shuffle(told)
    shop = counted(told)
    left = sum(world.pieces) * 1000 - len(world.bought) * 1000
    spoken_for = {TEA, JAM} if is_planned else {one.item for one in found if isinstance(one, Part)}
    for item in spoken_for:
        state = shop.state(item)
        assert state.lo_milli <= left <= state.hi_milli
    if world.is_quiet() and TEA in spoken_for:
        tea = shop.state(TEA)
        assert tea.on_hand_milli == left


def test_shelves_said_to_be_empty_say_nothing_of_goods_that_nobody_was_to_count() -> None:
    """Who goes to a shelf without a plan may have gone for some goods of it alone."""
    floor: list[Told] = [*(ShelfGiven(shelf, SHOP) for shelf in SHELVES), *(HomeGiven(TEA, shelf) for shelf in SHELVES)]
    shop = counted([*floor, *sales(SOLD_OUT, TEA), *by_hand(SOLD_OUT)])
    assert shop.state(TEA).anchor is None
    assert shop.on_hand(TEA) == -6


@settings(max_examples=30, deadline=None)
@given(worlds(), st.data())
def test_counted_in_a_closed_area_they_are_exact(world: World, data: st.DataObject) -> None:
    if not world.is_quiet():
        world = world._replace(passes=((40, 41),))
    plan = Plan("s", SHOP, 0, items=frozenset([TEA]), closed=True)
    floor: list[Told] = [plan, *(ShelfGiven(shelf, SHOP) for shelf in SHELVES)]
    shop = counted(data.draw(st.permutations([*floor, *sales(world, TEA), *by_hand(world)])))
    tea = shop.state(TEA)
    left = sum(world.pieces) * 1000 - len(world.bought) * 1000
    assert (tea.lo_milli, tea.on_hand_milli, tea.hi_milli) == (left, left, left)
