"""How long a station waits before it calls its hub again."""

from __future__ import annotations

from edge.uplink.patience import Patience


def test_a_hub_that_is_away_is_called_ever_more_seldom() -> None:
    patience = Patience()
    assert [patience.wait_s(0.0) for _ in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_after_a_real_conversation_it_is_called_again_soon() -> None:
    patience = Patience()
    for _ in range(7):
        patience.wait_s(0.0)
    assert [patience.wait_s(talked_s) for talked_s in (60.0, 0.0, 0.0)] == [0.25, 0.5, 1.0]


def test_to_be_let_in_and_thrown_out_at_once_is_no_conversation() -> None:
    """So two stations of one name do not push each other out several times a second."""
    patience = Patience()
    assert sum(patience.wait_s(0.3) for _ in range(20)) > 80
