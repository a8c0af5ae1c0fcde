"""A tag departs, or nobody can tell; and reads are taken by their own time."""

from __future__ import annotations

from protocol.events import Presence
from tests.unit.presence.tags import (
    READER,
    SHELF,
    STOCKROOM,
    TAG,
    Told,
    read,
    us,
)
from tests.unit.presence.waiting import until_told


class TestDeparting:
    def test_unread_while_its_antenna_was_alive(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        assert told.wait(601) == []
        assert told.wait(605) == ["departed shelf"]
        assert (told.changes[-1].seen_us, told.changes[-1].reads) == (us(2), 0)
        assert told.engine.known == 0

    def test_unread_while_its_antenna_was_dead_is_unknown(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        assert told.wait(605, alive=False) == ["unknown shelf"]
        assert told.wait(100_000, alive=False) == []

    def test_a_reader_that_went_away_is_dead_at_once(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(500)
        told.engine.on_reader(READER, False, us(500))
        assert told.wait(605, alive=False) == ["unknown shelf"]

    def test_an_unknown_tag_departs_once_its_antenna_lived_long_enough(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605, alive=False)
        assert until_told(told, 605) == (1155, ["departed shelf"])

    def test_an_unknown_tag_that_is_read_is_back_at_once(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605, alive=False)
        assert told.each([read(700, STOCKROOM)]) == ["arrived stockroom from shelf"]

    def test_a_short_outage_only_takes_longer(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(300)
        told.engine.on_reader(READER, False, us(300))
        told.wait(330, alive=False)
        assert until_told(told, 330) == (640, ["departed shelf"])

    def test_what_other_tags_are_read_shows_that_an_antenna_lives(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.each(read(2 + n, epc=b"another one.") for n in range(1, 610))
        assert [one.epc for one in told.changes if one.change is Presence.DEPARTED] == [TAG]

    def test_a_reader_vouches_only_for_antennas_it_said_to_be_connected(self) -> None:
        told = Told()
        told.each([read(1), read(2), read(2, STOCKROOM, epc=b"b" * 12), read(3, STOCKROOM, epc=b"b" * 12)])
        told.engine.on_antenna(READER, SHELF, True, us(3))
        for second in range(3, 700, 10):
            told.engine.on_reader(READER, True, us(second))
            told.engine.on_tick(us(second))
        assert told.news() == ["arrived shelf", "arrived stockroom", "departed shelf", "unknown stockroom"][2:]

    def test_an_antenna_said_to_be_off_is_dead_though_its_reader_lives(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.engine.on_antenna(READER, SHELF, True, us(3))
        told.engine.on_antenna(READER, SHELF, False, us(4))
        for second in range(4, 700, 10):
            told.engine.on_reader(READER, True, us(second))
            told.engine.on_tick(us(second))
        assert told.news() == ["unknown shelf"]

    def test_and_arrives_anew_when_it_comes_back(self) -> None:
        told = Told()
        told.each([read(1), read(2)])
        told.wait(605)
        assert told.each([read(700), read(701)]) == ["arrived shelf"]
        assert told.changes[-1].from_zone is None


class TestTheOrderOfEvents:
    def test_late_reads_count_toward_arriving(self) -> None:
        told = Told()
        assert told.hear([read(5), read(3)], 6) == ["arrived shelf"]
        assert told.changes[0].seen_us == us(5)

    def test_late_reads_do_not_move_a_tag(self) -> None:
        told = Told()
        told.each([read(100), read(101)])
        assert told.hear((read(n, STOCKROOM, -30) for n in range(1, 100)), 102) == []

    def test_a_report_older_than_the_time_out_is_nothing(self) -> None:
        told = Told()
        assert told.hear([read(1), read(2)], 700) == []
        assert (told.engine.counts.too_old, told.engine.known) == (2, 0)

    def test_a_departed_tag_does_not_come_back_on_old_reports(self) -> None:
        told = Told()
        reads = [read(n) for n in range(1, 50)]
        told.each(reads)
        assert told.wait(655) == ["departed shelf"]
        assert told.hear(reads, 660) == []

    def test_a_read_from_the_future_is_taken_as_of_now(self) -> None:
        told = Told()
        assert told.hear([read(9000), read(9001)], 5) == ["arrived shelf"]
        assert told.changes[0].seen_us == us(5) + 1
        assert told.engine.counts.ahead == 2
        assert told.wait(606) == ["departed shelf"]
