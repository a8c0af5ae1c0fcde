"""What provisioning may rely on of every identity book, whoever keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hub.store.store import HubStore
from protocol.enrolment import Role, identity_of
from protocol.errors import BadInput
from protocol.identity import StationId, StoreId
from protocol.identity_words import Certified, End, Ended, IdentityWord, Invited, Standing, after, token_hash
from provisioning.book import IdentityBook
from provisioning.memory_book import MemoryBook
from tests.unit.hub_store.identities import handed_over

FIRST, SECOND, THIRD = sorted(identity_of(bytes([number]) * 8) for number in (1, 2, 3))

Open = Callable[[], AbstractAsyncContextManager[IdentityBook]]


@asynccontextmanager
async def memory() -> AsyncIterator[IdentityBook]:
    yield MemoryBook()


@asynccontextmanager
async def store() -> AsyncIterator[IdentityBook]:
    with TemporaryDirectory() as folder:
        async with HubStore(Path(folder) / "hub.db", StoreId("oak-street"), lambda: 1) as store:
            yield store.identities


BOOKS: dict[str, Open] = {"memory": memory, "store": store}


@pytest.fixture(params=BOOKS)
async def book(request: pytest.FixtureRequest) -> AsyncIterator[IdentityBook]:
    async with BOOKS[request.param]() as book:
        yield book


def key_of(number: int) -> str:
    return f"{number:064x}"


def invited(
    identity: StationId, at_us: int = 1, position: str = "till-3", replaces: str = "", token: int = 1, key: str = ""
) -> Invited:
    token_sha256 = token_hash(bytes([token]) * 8)
    return Invited(
        at_us, identity, Role.STATION, position, "shop", "", "sale", replaces, token_sha256, 900, "ann", "", key
    )


def certified(identity: StationId, at_us: int = 2, serial: int = 10, key: int = 1, renews: str = "") -> Certified:
    return Certified(at_us, identity, f"{serial:032x}", key_of(key), 0, 5_000_000, "ann", "", renews)


def ended(identity: StationId, at_us: int = 9, end: End = End.RETIRED, key: str = "") -> Ended:
    return Ended(at_us, identity, end, "ann", "dead", key)


async def told(book: IdentityBook, *words: IdentityWord) -> Standing:
    standing: Standing | None = None
    for word in words:
        standing = await book.say(word)
    assert standing is not None
    return standing


async def test_what_is_said_is_what_it_is(book: IdentityBook) -> None:
    words = (invited(FIRST), certified(FIRST), certified(FIRST, 5, 11, 2, f"{10:032x}"))
    standing = await told(book, *words)
    by_rule: Standing | None = None
    for word in words:
        by_rule = after(by_rule, word)
    assert standing == by_rule == await book.standing(FIRST)


async def test_of_whom_nothing_was_said_nothing_is_known(book: IdentityBook) -> None:
    assert await book.standing(FIRST) is None
    assert await book.invited_by(token_hash(b"x" * 8)) is None
    assert await book.standings() == ()


async def test_identities_are_listed_by_name_ended_ones_too(book: IdentityBook) -> None:
    await told(book, invited(THIRD, position="a"), invited(FIRST, position="b", token=2), ended(FIRST))
    assert [each.identity for each in await book.standings()] == [FIRST, THIRD]


async def test_a_token_finds_whom_it_invited_last(book: IdentityBook) -> None:
    await told(book, invited(FIRST, token=1), certified(FIRST))
    found = await book.invited_by(token_hash(b"\x01" * 8))
    assert found is not None
    assert found.identity == FIRST
    await told(book, invited(FIRST, 6, token=2))
    assert await book.invited_by(token_hash(b"\x01" * 8)) is None
    assert await book.invited_by(token_hash(b"\x02" * 8)) is not None


async def test_what_may_not_follow_is_refused_and_leaves_no_trace(book: IdentityBook) -> None:
    with pytest.raises(BadInput, match="identity-unknown"):
        await book.say(certified(FIRST))
    assert await book.standing(FIRST) is None
    before = await told(book, invited(FIRST), certified(FIRST))
    with pytest.raises(BadInput, match="invitation-closed"):
        await book.say(certified(FIRST, 3, 11, 2))
    with pytest.raises(BadInput, match="certificate-unknown"):
        await book.say(certified(FIRST, 3, 11, 2, f"{99:032x}"))
    assert await book.standing(FIRST) == before


async def test_a_word_is_said_once_under_its_key(book: IdentityBook) -> None:
    first = await told(book, invited(FIRST, key="k-1"))
    assert await book.say(invited(FIRST, key="k-1")) == first
    gone = await told(book, ended(FIRST, key="k-2"))
    assert await book.say(ended(FIRST, key="k-2")) == gone


async def test_a_check_is_told_once_and_changes_nothing_else(book: IdentityBook) -> None:
    before = await told(book, invited(FIRST), certified(FIRST))
    word = handed_over(FIRST, before.certificates[0].serial)
    after = await book.say(word)
    assert after.handed_over == (word,)
    assert after == await book.say(replace(word, at_us=word.at_us + 1))
    assert replace(after, handed_over=()) == before


async def test_ended_is_ended(book: IdentityBook) -> None:
    gone = await told(book, invited(FIRST), certified(FIRST), ended(FIRST))
    assert await book.say(ended(FIRST, 20)) == gone
    revoked = await book.say(ended(FIRST, 21, End.REVOKED))
    assert (revoked.end, revoked.ended_us) == (End.REVOKED, 21)
    assert await book.say(ended(FIRST, 22)) == revoked
    with pytest.raises(BadInput, match="identity-ended"):
        await book.say(invited(FIRST, 23, token=2))


async def test_nobody_is_invited_to_where_another_stands(book: IdentityBook) -> None:
    await told(book, invited(FIRST), certified(FIRST))
    with pytest.raises(BadInput, match="position-taken"):
        await book.say(invited(SECOND, 3, token=2))
    assert await book.standing(SECOND) is None
    await told(book, ended(FIRST), invited(SECOND, 10, token=2), certified(SECOND, 11, 11, 2))


async def test_of_two_invited_to_one_position_the_first_to_enrol_has_it(book: IdentityBook) -> None:
    await told(book, invited(FIRST), invited(SECOND, token=2), certified(SECOND, serial=11, key=2))
    with pytest.raises(BadInput, match="position-taken"):
        await book.say(certified(FIRST, 3))
    standing = await book.standing(FIRST)
    assert standing is not None
    assert standing.open


async def test_a_spare_that_enrols_retires_the_one_it_replaces(book: IdentityBook) -> None:
    await told(book, invited(FIRST), certified(FIRST), invited(SECOND, 3, replaces=FIRST, token=2))
    before = await book.standing(FIRST)
    assert before is not None
    assert before.end is None
    await told(book, certified(SECOND, 4, 11, 2))
    dead = await book.standing(FIRST)
    assert dead is not None
    assert (dead.end, dead.ended_us) == (End.RETIRED, 4)
    assert [each.identity for each in await book.standings() if each.enrolled] == [SECOND]


async def test_a_renewed_spare_replaces_nobody_again(book: IdentityBook) -> None:
    await told(book, invited(FIRST), certified(FIRST), invited(SECOND, 3, replaces=FIRST, token=2))
    await told(book, certified(SECOND, 4, 11, 2), certified(SECOND, 5, 12, 3, f"{11:032x}"))
    dead = await book.standing(FIRST)
    assert dead is not None
    assert dead.ended_us == 4


async def test_who_has_moved_on_meanwhile_is_not_retired(book: IdentityBook) -> None:
    await told(
        book,
        invited(FIRST),
        certified(FIRST),
        invited(SECOND, 3, replaces=FIRST, token=2),
        invited(FIRST, 4, "till-4", token=3),
        certified(FIRST, 5, 11, 2),
        certified(SECOND, 6, 12, 3),
    )
    assert [each.identity for each in await book.standings() if each.enrolled] == [FIRST, SECOND]


async def test_invited_again_it_is_what_it_was_until_it_enrols_again(book: IdentityBook) -> None:
    standing = await told(book, invited(FIRST), certified(FIRST), invited(FIRST, 3, "till-4", token=2))
    assert (standing.terms.position, standing.invitation.position) == ("till-3", "till-4")
    with pytest.raises(BadInput, match="position-taken"):
        await book.say(invited(SECOND, 4, "till-3", token=3))
    standing = await told(book, certified(FIRST, 5, 11, 2))
    assert standing.terms.position == "till-4"
    await told(book, invited(SECOND, 6, "till-3", token=3))


async def test_only_who_is_known_and_stood_there_is_replaced(book: IdentityBook) -> None:
    with pytest.raises(BadInput, match="identity-unknown"):
        await book.say(invited(SECOND, replaces=FIRST))
    await told(book, invited(FIRST, position="till-4"), certified(FIRST))
    with pytest.raises(BadInput, match="position-differs"):
        await book.say(invited(SECOND, 3, replaces=FIRST, token=2))
    with pytest.raises(BadInput, match="bad-entry"):
        await book.say(invited(FIRST, 3, "till-4", replaces=FIRST, token=2))


NAMES = st.sampled_from((FIRST, SECOND, THIRD))
SERIALS = st.integers(0, 3)
WORD: st.SearchStrategy[IdentityWord] = st.one_of(
    st.builds(
        invited,
        NAMES,
        position=st.sampled_from(("till-3", "till-4")),
        replaces=st.sampled_from(("", "", FIRST, SECOND)),
        token=st.integers(0, 255),
    ),
    st.builds(
        certified,
        NAMES,
        serial=SERIALS,
        key=st.integers(0, 9),
        renews=st.one_of(st.just(""), SERIALS.map("{:032x}".format)),
    ),
    st.builds(ended, NAMES, end=st.sampled_from(End)),
)


def at_times(words: Sequence[IdentityWord]) -> list[IdentityWord]:
    return [replace(word, at_us=number) for number, word in enumerate(words, 1)]


@given(words=st.lists(WORD, max_size=40).map(at_times))
async def test_whatever_is_said_in_whatever_order_no_two_enrolled_stand_in_one_position(
    words: list[IdentityWord],
) -> None:
    await say_all(MemoryBook(), words)


@settings(max_examples=10)
@given(words=st.lists(WORD, min_size=10, max_size=30).map(at_times))
async def test_all_books_say_the_same_of_the_same_words(words: list[IdentityWord]) -> None:
    async with store() as kept:
        assert await say_all(kept, words) == await say_all(MemoryBook(), words)


async def say_all(book: IdentityBook, words: list[IdentityWord]) -> tuple[list[str], tuple[Standing, ...]]:
    """Say them, as far as they may be said; give why the others may not, and what all are then."""
    refused: list[str] = []
    for word in words:
        before = await book.standing(StationId(word.identity))
        try:
            standing = await book.say(word)
        except BadInput as error:
            refused.append(error.name)
            assert await book.standing(StationId(word.identity)) == before
        else:
            assert standing == after(before, word)
    standings = await book.standings()
    enrolled = [each.invitation.position for each in standings if each.enrolled]
    assert len(enrolled) == len(set(enrolled))
    return refused, standings
