"""Every way to set every codec keeps the contract of codecs on far more streams than an ordinary run has time for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.codec_properties import Variant, check_cuts, check_gaps, check_refusals, check_size, every_codec

EXAMPLES = 500
LONG_EXAMPLES = 50


@pytest.mark.torture
@pytest.mark.parametrize("check", [check_refusals, check_cuts, check_gaps])
@every_codec
def test_on_many_streams(variant: Variant, check: Callable[[Variant, int], None]) -> None:
    check(variant, EXAMPLES)


@pytest.mark.torture
@every_codec
def test_its_size_on_many_streams(variant: Variant) -> None:
    check_size(variant, LONG_EXAMPLES)
