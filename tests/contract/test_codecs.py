"""What holds for every codec, whatever bytes it is fed and however they are cut.

Drawing the streams is what costs time, so the ways to set a codec share its examples here. Each has hundreds of its own
in tests/torture/test_codecs_long.py, and its part of a million broken inputs in tests/torture/test_codecs_fuzzed.py.
"""

from __future__ import annotations

from tests.contract.codec_properties import (
    Variant,
    check_cuts,
    check_gaps,
    check_refusals,
    check_size,
    every_codec,
)

EXAMPLES = 100
FEWEST = 25
LONG_EXAMPLES = 20
"""So many where 200 kB are fed in each."""
FEWEST_LONG = 8


@every_codec
def test_no_bytes_make_it_raise_and_what_it_refuses_is_named_and_small(variant: Variant) -> None:
    check_refusals(variant, max(FEWEST, EXAMPLES // variant.siblings))


@every_codec
def test_how_the_bytes_are_cut_never_shows(variant: Variant) -> None:
    check_cuts(variant, max(FEWEST, EXAMPLES // variant.siblings))


@every_codec
def test_what_it_holds_once_its_readings_are_taken_is_bounded(variant: Variant) -> None:
    check_size(variant, max(FEWEST_LONG, LONG_EXAMPLES // variant.siblings))


@every_codec
def test_a_second_gap_says_nothing_new_and_a_new_codec_has_nothing_to_say(variant: Variant) -> None:
    check_gaps(variant, max(FEWEST, EXAMPLES // variant.siblings))
