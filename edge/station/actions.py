"""What the station's rules are asked and what they want done: tickets, goods, commits and answers.

    scan + ticket -> Station -> Commit -> (durable) -> Station.committed -> Answer(ticket, Accepted)
                             -> Answer(ticket, Rejected), Log(rejection)

Every ticket is answered exactly once, `Accepted` only after what it did is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec

from edge.codecs.readings import Scan
from edge.station.summary import SessionSummary
from protocol.cards import Mode
from protocol.catalogue import WHOLE_MILLI, Item, Price
from protocol.events import BasketEnd, BasketOpened, Rejection, StationEntry, Weighing, When
from protocol.identity import DeviceId, Epoch, PlaceId
from protocol.label_price import LabelPrice

RAW_BYTES = 256
"""How much of refused bytes, and of the reason, a log entry keeps."""
LOCAL_API = DeviceId("api")
"""The name under which the local API asks; no device may have it."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One thing a person asked of the station: a scan of `device`, or a request of the local API."""

    device: DeviceId
    number: int


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """Where an entry of the stock log stands."""

    epoch: Epoch
    seq: int


@dataclass(frozen=True, slots=True)
class GivenCount:
    """What somebody gave to be counted: `place` for `session`, for the `pass_`th time.

    `ended`: it is counted, and the next is not given yet; what is scanned then would be counted nobody knows where.
    """

    session: str
    place: PlaceId
    pass_: int = 1
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What a scan means: its mode, the document it belongs to, and where a transfer within the store goes.

    `count` is what is counted, None for whatever stands here. `arriving`: goods of a transfer come, and do not go.
    """

    mode: Mode
    document: str | None = None
    to_place: PlaceId | None = None
    count: GivenCount | None = None
    arriving: bool = False


@dataclass(frozen=True, slots=True)
class Goods:
    """What a code means at this moment, as far as the station knows.

    `key` is what the catalogue is asked by and a count adds up under (`ScannedCode.lookup`). The catalogue was at its
    seq `catalogue`, asked for the time `at_us` (UTC); `item` is None if it does not know the code. One scan is
    `factor_milli` milli-units of the item; `prices` are all that the item has. `weight_g` and `label_price` are what
    the code itself says of these goods: a label of the shop's own scale, a GS1 element string.
    """

    key: str
    at_us: int
    catalogue: int
    item: Item | None = None
    factor_milli: int = WHOLE_MILLI
    prices: tuple[Price, ...] = ()
    weight_g: int | None = None
    label_price: LabelPrice | None = None


Lookup = Callable[[Scan, When], Goods]
"""Says what a code means at a time. Raises `BadInput` ("check-digit" and the like) for one that cannot be right."""


class Accepted(msgspec.Struct, frozen=True):
    """Done and durable: green.

    `did` is the mode the goods were taken under, or "undo", "restored", "quantity", "price", "mode", "who", "end",
    "basket-opened", "basket-sold", "basket-voided", "basket-abandoned".
    `qty_milli` is as the person sees it, without the sign of the movement; negative for a reading taken back. `price`
    is the one that was told.
    `attention` names what someone should look at ("unknown-item", "no-price"; "count-split": an item was closed under
    several codes that no one of them can sum; "shelf-not-ended": what was given to be counted was left without END).
    `where` is the entry, if one was made, the last of several. `session` is what it belongs to, `ended` what a session
    came to that has just ended. These goods cost what `goods.label_price` says, where it says so, whatever `price` is
    for a unit of them.
    """

    did: str
    mode: Mode
    code: str | None = None
    goods: Goods | None = None
    qty_milli: int | None = None
    price: Price | None = None
    attention: str | None = None
    where: Where | None = None
    session: str | None = None
    ended: SessionSummary | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not done: red. `name` is a short stable word, `detail` for people."""

    name: str
    detail: str


class Repeated(msgspec.Struct, frozen=True):
    """Held back: neither green nor red. The device has just read this `code`, and it is taken for the same sight of it.

    `where` is the entry that says so and can be restored; None if nothing is to restore.
    """

    code: str
    where: Where | None = None


Outcome = Accepted | Rejected | Repeated


@dataclass(frozen=True, slots=True)
class Answer:
    """Tell the person behind the ticket."""

    ticket: Ticket
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Notice:
    """Tell whoever stands at the device, though nothing was asked just now: red."""

    device: DeviceId
    rejected: Rejected


@dataclass(frozen=True, slots=True)
class Log:
    """Append to chatter when there is time for it; may be dropped, counted, when there is too much."""

    entry: Rejection | Weighing


@dataclass(frozen=True, slots=True)
class Idle:
    """A session ended because nothing was done in it for a while: listeners should know."""

    session: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The commit's effect: goods moved, and may be taken back during mode period `period`.

    `restores` is the entry of the suppressed scan that was meant.
    """

    period: int
    weighed: bool
    restores: Where | None = None


@dataclass(frozen=True, slots=True)
class CountedReading:
    """A reading of the open count."""

    key: str
    code: str
    aim: str | None
    qty_milli: int
    when: When
    catalogue: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The commit's effect: an open count has a reading more, or less if `takes_back`; `restores` as in `Moved`."""

    reading: CountedReading
    takes_back: bool
    restores: Where | None = None


@dataclass(frozen=True, slots=True)
class Reversed:
    """The commit's effect: `targets`, the entries of one scan in mode period `period`, are taken back."""

    period: int
    weighed: bool
    targets: tuple[Where, ...]


@dataclass(frozen=True, slots=True)
class Switched:
    """The commit's effect: a session closed, or what a scan means is another, or both; `person` counts then.

    `basket` is the one that is open from now on, `closed` how the one that was open has ended.
    """

    work: Work
    person: str = ""
    basket: BasketOpened | None = None
    closed: BasketEnd | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """The commit's effect: `person` counts from now on."""

    person: str


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The commit's effect: a scan is held back, to be restored during mode period `period`; `key` as in `Goods`."""

    period: int
    key: str


Effect = Moved | Counted | Reversed | Switched | HeldBack | Named


@dataclass(frozen=True, slots=True)
class Commit:
    """Append `entries` and `notes` to the stock log in one transaction.

    Give it back to `Station.committed` with the position after its last entry, or to `Station.not_committed`.
    """

    ticket: Ticket
    entries: tuple[StationEntry, ...]
    effect: Effect
    answer: Accepted | Repeated
    notes: Mapping[str, bytes | None] = field(default_factory=dict)


Action = Commit | Answer | Notice | Log | Idle
