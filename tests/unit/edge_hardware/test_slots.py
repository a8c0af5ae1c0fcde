"""What a station reads of its machine's two slots, to tell the hub."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.hardware.slots import PLACE, SlotsReading, read_slots
from image.slots.record import Fall, News, Record, Stage, Trial, Why, write_record

KEPT = Record(committed="a", versions={"a": "1.4"}, committed_at_us=100)
FELL = Fall(200, "b", Why.UNHEALTHY, "scanner (absent)", "1.5")


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (KEPT, SlotsReading("a")),
        (replace(KEPT, news=News(1, "current")), SlotsReading("a")),
        (
            replace(KEPT, news=News(1, "waiting", "for the shop to close", "1.5")),
            SlotsReading("a", "1.5 waiting: for the shop to close"),
        ),
        (replace(KEPT, trial=Trial("b", Stage.PENDING, 1, "1.5")), SlotsReading("a", "1.5 is on trial in slot b")),
        (
            replace(KEPT, trial=Trial("b", Stage.PENDING, 1, "1.5", refusal="could not be tried: no mailbox")),
            SlotsReading("a", "1.5 in slot b could not be tried: no mailbox"),
        ),
        (
            replace(KEPT, trial=Trial("b", Stage.PENDING, 1, "1.5", refusal="r" * 500, again_us=1_795_000_000_000_000)),
            SlotsReading("a", f"1.5 in slot b {'r' * 220} (again after 2026-11-18 11:06 UTC)"),
        ),
        (replace(KEPT, falls=(FELL,)), SlotsReading("a", "", "1.5 unhealthy: scanner (absent)")),
        (replace(KEPT, falls=(FELL,), committed_at_us=300), SlotsReading("a")),
    ],
)
def test_what_image_writes_the_agent_reads(tmp_path: Path, record: Record, told: SlotsReading) -> None:
    path = tmp_path / PLACE
    path.parent.mkdir(parents=True)
    path.write_bytes(write_record(record))
    assert read_slots(tmp_path) == told


def test_without_slots_and_with_a_spoilt_file_nothing_is_said(tmp_path: Path) -> None:
    assert read_slots(tmp_path) == SlotsReading()
    (tmp_path / PLACE).parent.mkdir(parents=True)
    (tmp_path / PLACE).write_bytes(b'{"committed":')
    assert read_slots(tmp_path) == SlotsReading()
