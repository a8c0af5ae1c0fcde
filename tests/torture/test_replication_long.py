"""The replication of logs under far more histories than an ordinary run has time for."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.unit.replication.test_replication import Replication


class LongReplication(Replication):
    """The same rules and the same books; see tests/unit/replication/test_replication.py."""


LongReplication.TestCase.settings = settings(Replication.TestCase.settings, max_examples=1000, print_blob=True)
TestLongReplication = pytest.mark.torture(LongReplication.TestCase)
