"""What the rules say of each way two slots can stand."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from image.slots import rules
from image.slots.record import MAX_FALLS, Record, Stage, Trial, Why, read_record, write_record
from image.slots.rules import Decision, Facts, Refused, Standing

A = Facts("a", "a")
B_TRIED = Facts("b", "a")
KEPT = Record(committed="a", versions={"a": "1"})
PENDING = Trial("b", Stage.PENDING, 5, "2", "cafe", asked=True, ready=("scale",))
WRITING = Trial("b", Stage.WRITING, 5, "2", "cafe")


def boot(facts: Facts, record: Record) -> Decision:
    decision = rules.at_boot(facts, record, "1" if facts.booted == "a" else "2", 9)
    again = rules.at_boot(Facts(facts.booted, decision.autoboot or facts.primary), decision.record, "1", 9)
    assert again.record.falls == decision.record.falls, "a second look has nothing to add"
    return decision


def fall_of(decision: Decision) -> tuple[Why, str]:
    assert decision.record.trial is None
    fall = decision.record.falls[-1]
    return fall.why, fall.detail


def test_a_new_machine_learns_what_it_runs() -> None:
    decision = boot(A, Record())
    assert decision == Decision(Record(committed="a", versions={"a": "1"}), Standing.COMMITTED)


def test_a_slot_on_trial_is_not_committed_by_booting() -> None:
    decision = boot(B_TRIED, replace(KEPT, trial=PENDING))
    assert decision.standing is Standing.TRIAL
    assert decision.autoboot is None
    assert decision.record.trial == PENDING
    assert decision.record.committed == "a"


def test_a_passed_check_commits_file_first() -> None:
    done = rules.committed(B_TRIED, replace(KEPT, trial=PENDING), 9)
    assert (done.autoboot, done.record.committed, done.record.trial) == ("b", "b", None)


def test_a_failed_check_goes_back_and_the_reason_is_kept() -> None:
    left = rules.condemned(B_TRIED, replace(KEPT, trial=PENDING), "the agent does not answer")
    assert left.restart
    assert left.autoboot is None
    assert fall_of(boot(A, left.record)) == (Why.UNHEALTHY, "the agent does not answer")


def test_a_failed_check_on_a_committed_slot_changes_nothing() -> None:
    assert rules.condemned(A, KEPT, "no scale") == Decision(KEPT, Standing.COMMITTED)


def test_a_slot_that_was_not_heard_of_fell_back() -> None:
    assert fall_of(boot(A, replace(KEPT, trial=PENDING)))[0] is Why.SILENT


def test_a_slot_that_was_never_asked_for_is_untried() -> None:
    assert fall_of(boot(A, replace(KEPT, trial=replace(PENDING, asked=False))))[0] is Why.UNTRIED


def test_what_was_not_written_to_its_end_is_interrupted() -> None:
    assert fall_of(boot(A, replace(KEPT, trial=WRITING)))[0] is Why.INTERRUPTED


def test_a_commit_cut_in_two_is_finished() -> None:
    decision = boot(Facts("b", "b"), replace(KEPT, trial=PENDING))
    assert (decision.standing, decision.record.committed, decision.record.trial) == (Standing.COMMITTED, "b", None)
    assert not decision.record.falls


def test_without_autoboot_the_committed_slot_is_gone_back_to() -> None:
    decision = boot(Facts("b", None), replace(KEPT, versions={"a": "1", "b": "2"}))
    assert (decision.autoboot, decision.standing, decision.restart) == ("a", Standing.STRAY, True)
    assert decision.record.committed == "a"
    assert fall_of(decision)[0] is Why.AUTOBOOT


def test_without_autoboot_and_record_what_is_booted_is_committed_and_said_so() -> None:
    decision = boot(Facts("b", None), Record(versions={"a": "1", "b": "2"}))
    assert (decision.autoboot, decision.standing, decision.record.committed) == ("b", Standing.COMMITTED, "b")
    assert fall_of(decision)[0] is Why.AUTOBOOT


def test_without_autoboot_a_trial_stays_one_and_the_other_slot_is_named_at_once() -> None:
    decision = boot(Facts("b", None), replace(KEPT, trial=PENDING))
    assert (decision.autoboot, decision.standing) == ("a", Standing.TRIAL)
    assert decision.record.trial == PENDING


def test_a_slot_half_written_is_left_at_once() -> None:
    decision = boot(Facts("b", None), replace(KEPT, trial=WRITING))
    assert (decision.restart, decision.autoboot) == (True, "a")
    assert boot(B_TRIED, replace(KEPT, trial=WRITING)).restart


def test_a_stray_slot_works_on_and_is_never_committed() -> None:
    decision = boot(B_TRIED, KEPT)
    assert (decision.standing, decision.restart, decision.autoboot) == (Standing.STRAY, False, None)
    with pytest.raises(Refused):
        rules.committed(B_TRIED, decision.record, 9)


@pytest.mark.parametrize(
    ("facts", "record"),
    [
        (Facts("a", None), KEPT),
        (B_TRIED, KEPT),
        (A, replace(KEPT, committed="b")),
        (A, replace(KEPT, trial=PENDING)),
    ],
    ids=["no autoboot", "not the primary", "not committed", "one waits"],
)
def test_nothing_is_installed_unless_booted_is_primary_committed_and_nothing_waits(
    facts: Facts, record: Record
) -> None:
    for change in (
        lambda: rules.begin(facts, record, "3", "", 9),
        lambda: rules.set_bad(facts, record, "b", 9),
        lambda: rules.may_install(facts, record),
    ):
        with pytest.raises(Refused):
            change()


def test_rauc_sees_a_whole_installation() -> None:
    record = rules.begin(A, KEPT, "2", "cafe", 3)
    record = rules.set_bad(A, record, "b", 4)
    assert not rules.is_good(A, record, "b")
    assert rules.get_primary(A, record) == "a"
    record = rules.set_primary(A, record, "b", 5)
    assert rules.get_primary(A, record) == "b"
    assert rules.is_good(A, record, "b")
    assert record.trial == Trial("b", Stage.PENDING, 5, "2", "cafe")
    assert rules.set_primary(A, record, "b", 6) == record


def test_the_booted_slot_is_never_given_up() -> None:
    with pytest.raises(Refused):
        rules.set_bad(A, KEPT, "a", 1)


def test_rauc_cannot_commit() -> None:
    with pytest.raises(Refused):
        rules.set_good(B_TRIED, replace(KEPT, trial=PENDING), "b")
    rules.set_good(A, KEPT, "a")


def test_only_what_is_whole_can_be_gone_back_to() -> None:
    with pytest.raises(Refused):
        rules.set_primary(A, KEPT, "b", 9)
    record = rules.set_primary(A, replace(KEPT, versions={"a": "2", "b": "1"}), "b", 9)
    assert record.trial == Trial("b", Stage.PENDING, 9, "1")


def test_choosing_the_committed_slot_withdraws_the_other() -> None:
    record = rules.set_primary(A, replace(KEPT, trial=replace(PENDING, asked=False)), "a", 9)
    assert record.trial is None
    assert record.falls[-1].why is Why.WITHDRAWN


def test_a_sick_release_is_not_tried_again_and_a_silent_one_once() -> None:
    sick = boot(A, replace(KEPT, trial=replace(PENDING, verdict="no scale"))).record
    assert "no scale" in rules.may_try(sick, "cafe")
    assert not rules.may_try(sick, "beef")
    silent = boot(A, replace(KEPT, trial=PENDING)).record
    assert not rules.may_try(silent, "cafe")
    assert rules.may_try(boot(A, replace(silent, trial=PENDING)).record, "cafe")


def test_a_release_that_the_firmware_never_tries_is_not_written_every_night() -> None:
    record, waits = KEPT, replace(PENDING, asked=False, refusal="the firmware says no")
    for _ in range(rules.MOST_UNTRIED):
        assert not rules.may_try(record, "cafe")
        record = boot(A, replace(record, trial=waits)).record
    assert rules.may_try(record, "cafe") == "it was installed 3 times and never tried: the firmware says no"


def test_the_list_of_falls_is_bounded_and_keeps_the_newest() -> None:
    record = KEPT
    for n in range(MAX_FALLS + 5):
        record = boot(A, replace(record, trial=replace(PENDING, version=str(n)))).record
    assert len(record.falls) == MAX_FALLS
    assert record.falls[-1].version == str(MAX_FALLS + 4)


def test_a_record_is_read_by_a_version_that_knows_less_or_more() -> None:
    record = boot(A, replace(KEPT, trial=PENDING)).record
    assert read_record(write_record(record)) == record
    assert read_record(b'{"committed":"b","later":{"x":1}}') == Record(committed="b")
