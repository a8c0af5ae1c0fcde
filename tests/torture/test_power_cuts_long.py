"""A thousand power cuts under each store."""

from __future__ import annotations

import pytest

from tests.power.campaign import SELDOM, STORES, Campaign

CUTS = 1000
SEED = 4


@pytest.mark.torture
@pytest.mark.needs_fuse
@pytest.mark.parametrize("store", STORES | SELDOM)
def test_no_cut_of_a_thousand_loses_what_a_store_acknowledged(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    tally = Campaign((STORES | SELDOM)[store], SEED).run(CUTS)
    with capsys.disabled():
        print(f"\n{store}: {tally}")
    assert not tally.faults, "\n".join(tally.faults)
    assert tally.cuts == CUTS
    assert tally.lost == 0
