"""What is declared at a place, and what a tag tells by crossing it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ledger.sources import Declarations, Declared, counts, crossing_entry, told_by, walk
from hub.ledger.tags import Sighting, Sign
from protocol.dated_words import Source
from protocol.events import Reason
from protocol.identity import EntryId, Epoch, PlaceId, StationId

FLOOR, BACK, EXIT, DOCK = (PlaceId(name) for name in ("floor", "back", "exit", "dock"))
AREAS = {FLOOR: "front", EXIT: "front", BACK: "rear", DOCK: "rear"}
ALWAYS = Declarations(
    [
        Declared(EXIT, Reason.SALE, Source.PORTAL, 0),
        Declared(DOCK, Reason.RECEIPT, Source.READER, 0),
        Declared(BACK, Reason.TRANSFER, Source.PORTAL, 0),
    ]
)


def entry(seq: int) -> EntryId:
    return EntryId(StationId("reader-1"), Epoch(1, 7), seq)


def seen(*places: PlaceId) -> list[Sighting]:
    """One tag at places, one after the other."""
    return [Sighting("T1", Sign.SEEN, place, at, entry(at)) for at, place in enumerate(places, 1)]


def area(place: PlaceId, at_us: int) -> PlaceId:
    return PlaceId(AREAS[place])


def told(sightings: list[Sighting], declared: Declarations = ALWAYS) -> list[tuple[str, str, int, bool]]:
    return [
        (crossing.reason.value, crossing.area, crossing.pieces, crossing.counts)
        for crossing in walk(sightings, declared, area).crossings
    ]


class TestDeclarations:
    def test_the_later_one_holds_from_its_time_on(self) -> None:
        said = Declarations(
            [
                Declared(EXIT, Reason.SALE, Source.PORTAL, 10),
                Declared(EXIT, Reason.SALE, Source.TILL, 20),
                Declared(EXIT, Reason.SALE, Source.READER, 20),
            ]
        )
        at = [said.at(EXIT, Reason.SALE, t_us) for t_us in (9, 10, 19, 20)]
        assert at == [None, Source.PORTAL, Source.PORTAL, Source.READER]
        assert said.at(EXIT, Reason.RECEIPT, 30) is None
        assert (said.speak_of(EXIT), said.speak_of(FLOOR)) == (True, False)

    @pytest.mark.parametrize("source", Source)
    def test_without_one_people_count_and_tags_do_not(self, source: Source) -> None:
        assert counts(None, source) == (source in (Source.SCANNER, Source.TILL))
        assert [counts(other, source) for other in Source] == [other is source for other in Source]

    def test_till_software_is_told_from_scanners(self) -> None:
        assert (told_by("api"), told_by("scanner-1")) == (Source.TILL, Source.SCANNER)


class TestATag:
    def test_is_sold_at_the_exit_once_out_of_the_area_it_was_in(self) -> None:
        assert told(seen(BACK, EXIT, EXIT)) == [("sale", "rear", -1, True)]
        assert walk(seen(FLOOR, EXIT), ALWAYS, area).out_us == 2

    def test_that_comes_back_is_sold_no_more_and_may_be_again(self) -> None:
        assert told(seen(FLOOR, EXIT, FLOOR, EXIT)) == [
            ("sale", "front", -1, True),
            ("sale", "front", 1, True),
            ("sale", "front", -1, True),
        ]

    def test_is_received_when_nobody_knew_it_and_not_from_within(self) -> None:
        assert told(seen(DOCK, FLOOR, DOCK)) == [("receipt", "rear", 1, True)]

    def test_goes_from_area_to_area_through_a_portal(self) -> None:
        assert told(seen(FLOOR, BACK)) == [("transfer", "front", -1, True), ("transfer", "rear", 1, True)]
        assert told(seen(BACK, FLOOR)) == [("transfer", "rear", -1, True), ("transfer", "front", 1, True)]

    def test_handed_over_at_a_reader_is_not_back_by_being_seen(self) -> None:
        pad = Declarations([Declared(EXIT, Reason.SALE, Source.READER, 0)])
        assert told(seen(FLOOR, EXIT, FLOOR, EXIT), pad) == [("sale", "front", -1, True)]

    def test_tells_evidence_where_another_source_counts_and_stays_in(self) -> None:
        till = Declarations([Declared(EXIT, Reason.SALE, Source.TILL, 0)])
        assert told(seen(FLOOR, EXIT), till) == [("sale", "front", -1, False)]
        assert walk(seen(FLOOR, EXIT), till, area).out_us is None

    def test_that_a_till_sold_leaves_in_a_bag_and_comes_back_by_the_till_alone(self) -> None:
        sold = Sighting("T1", Sign.SOLD, FLOOR, 10, entry(10))
        back = Sighting("T1", Sign.RETURNED, FLOOR, 20, entry(20))
        there = [Sighting("T1", Sign.SEEN, place, at, entry(at)) for place, at in ((FLOOR, 5), (EXIT, 12), (FLOOR, 15))]
        leaves = Sighting("T1", Sign.SEEN, EXIT, 30, entry(30))
        assert told([*there, sold]) == []
        assert told([*there, sold, back, leaves]) == [("sale", "front", -1, True)]

    def test_silence_moves_nothing(self) -> None:
        missed = Sighting("T1", Sign.MISSED, EXIT, 9, entry(9))
        assert told([*seen(FLOOR, BACK), missed]) == told(seen(FLOOR, BACK))


_sightings = st.lists(
    st.builds(
        lambda at, sign, place: Sighting("T1", sign, place, at, entry(at)),
        st.integers(1, 40),
        st.sampled_from(Sign),
        st.sampled_from([FLOOR, BACK, EXIT, DOCK]),
    ),
    max_size=20,
    unique_by=lambda sighting: sighting.t_us,
)
_declared = st.lists(
    st.builds(
        Declared,
        st.sampled_from([FLOOR, BACK, EXIT, DOCK]),
        st.sampled_from([Reason.SALE, Reason.RECEIPT, Reason.TRANSFER]),
        st.sampled_from(Source),
        st.integers(0, 40),
    ),
    max_size=8,
    unique_by=lambda one: (one.place, one.reason, one.from_us),
)


@settings(max_examples=200, deadline=None)
@given(_sightings, _declared, st.randoms(use_true_random=False))
def test_the_order_in_which_it_is_told_and_repeats_change_nothing(
    sightings: list[Sighting], declared: list[Declared], rng: random.Random
) -> None:
    said = Declarations(declared)
    way = walk(sightings, said, area)
    shuffled = [*sightings, *sightings[:3]]
    rng.shuffle(shuffled)
    rng.shuffle(declared)
    assert walk(shuffled, Declarations(declared), area) == way
    # No piece leaves twice, nor is it brought in twice.
    balance = 0
    for crossing in way.crossings:
        if crossing.counts and crossing.reason is Reason.SALE:
            balance += crossing.pieces
    if not any(sighting.sign in (Sign.SOLD, Sign.RETURNED, Sign.LEFT) for sighting in sightings):
        assert balance in (0, -1)
    moved = [crossing for crossing in way.crossings if crossing.reason is Reason.TRANSFER]
    assert sum(crossing.pieces for crossing in moved) == 0
    names = {crossing_entry(crossing.entry, crossing.leg, "T1") for crossing in way.crossings}
    assert len(names) == len(way.crossings)
