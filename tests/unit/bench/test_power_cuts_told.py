"""The table of power cuts, and what becomes of it when other parts are measured anew."""

from __future__ import annotations

import msgspec

from bench.figures import Cuts, Figure, Machine, PowerCuts, Results, Taken, from_json, to_json, with_what_is_kept
from bench.report import as_page, as_text

OURS = Cuts(store="Shelfwire, station log", ours=True, cuts=1000, acknowledged=81234)
PEER = Cuts(store="a queue", version="1.2", cuts=1000, lossy=990, acknowledged=5000, lost=4321)
ABSENT = Cuts(store="another", note="cannot be installed here: no wheel")


def power(*rows: Cuts) -> PowerCuts:
    return PowerCuts(at="today", commit="abc", seconds=100.0, seed=1, rows=rows)


def results(*figures: Figure, power: PowerCuts | None = None) -> Results:
    machine = Machine(
        cpu="c", cores=2, memory_mb=1, kernel="k", file_system="f", python="p", sqlite_apsw="a", sqlite_stdlib="s",
        mosquitto="m", noise=0.0,
    )  # fmt: skip
    return Results(at="now", commit="def", seconds=1.0, quick=False, machine=machine, figures=figures, power=power)


FIGURE = Figure(part="one", what="a thing", unit="s", value=1.0)


def test_every_store_is_in_the_table_one_that_cannot_be_had_too() -> None:
    page = as_page(results(power=power(OURS, PEER, ABSENT)))
    assert "| Shelfwire, station log | 1,000 | 0 | 81,234 | 0 |" in page
    assert "| a queue 1.2 | 1,000 | 990 | 5,000 | 4,321 |" in page
    assert "| another | cannot be installed here: no wheel | | | |" in page
    text = as_text(results(power=power(OURS, PEER, ABSENT)))
    assert all(one.store in text for one in (OURS, PEER, ABSENT))


def test_ours_may_lose_nothing_and_peers_may() -> None:
    assert power(OURS, PEER, ABSENT).holds
    assert not power(msgspec.structs.replace(OURS, lossy=1, lost=1), PEER).holds
    assert not power(msgspec.structs.replace(OURS, unreadable=1)).holds


def test_what_was_wrong_with_a_store_of_ours_is_told_in_words() -> None:
    broken = msgspec.structs.replace(OURS, unreadable=1, faults=("7/3 turn 2: taken for damaged",))
    for told in (as_page(results(power=power(broken, PEER))), as_text(results(power=power(broken, PEER)))):
        assert "1 could not be read to the end, or had something else wrong" in told
        assert "7/3 turn 2: taken for damaged" in told


def test_what_was_not_measured_now_is_kept() -> None:
    kept = results(FIGURE, power=power(OURS))
    assert with_what_is_kept(results(power=power(PEER)), kept) == results(FIGURE, power=power(PEER))
    other = msgspec.structs.replace(FIGURE, value=2.0)
    assert with_what_is_kept(results(other), kept) == results(other, power=power(OURS))
    assert with_what_is_kept(results(other, power=power(PEER)), kept) == results(other, power=power(PEER))


def test_parts_that_were_not_measured_now_stay_with_their_own_date() -> None:
    other = Figure(part="two", what="another thing", unit="s", value=3.0)
    gone = Figure(part="one", what="no longer measured", unit="s", value=9.0)
    kept = results(gone, FIGURE, other)
    newer = msgspec.structs.replace(results(FIGURE), at="later", commit="fed")
    published = with_what_is_kept(newer, kept)
    assert published.figures == (FIGURE, msgspec.structs.replace(other, taken=Taken("now", "def")))
    again = with_what_is_kept(msgspec.structs.replace(newer, at="last", commit="bad"), from_json(to_json(published)))
    assert again.figures == published.figures
    page = as_page(again)
    assert "## One\n\nTaken last at commit bad.\n" in page
    assert "## Two\n\nTaken now at commit def.\n" in page
    assert "another thing" in as_text(again)


def test_results_without_power_cuts_are_read_as_before() -> None:
    assert from_json(to_json(results(FIGURE))).power is None
    assert from_json(to_json(results(FIGURE, power=power(OURS)))).power == power(OURS)
