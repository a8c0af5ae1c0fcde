"""A run says what it leaves out, and a complete run leaves out nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

SUITE = """
import pytest

@pytest.mark.needs_mosquitto
def test_with_a_broker():
    pass

def test_without():
    pass
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project of two tests under the real conftest, on a machine without mosquitto."""
    monkeypatch.delenv("SHELFWIRE_COMPLETE", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr("shutil.which", lambda name: None)
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini("[pytest]\nmarkers =\n  needs_mosquitto\n")
    pytester.makepyfile(SUITE)
    return pytester


def test_a_missing_part_fails_the_test_that_needs_it(suite: pytest.Pytester) -> None:
    result = suite.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*--leave-out=mosquitto runs the rest*"])


def test_what_is_left_out_is_deselected(suite: pytest.Pytester) -> None:
    suite.runpytest_inprocess("--leave-out=mosquitto").assert_outcomes(passed=1, deselected=1)


def test_an_unknown_part_is_a_usage_error(suite: pytest.Pytester) -> None:
    assert suite.runpytest_inprocess("--leave-out=brokr").ret == pytest.ExitCode.USAGE_ERROR


def test_a_complete_run_leaves_nothing_out(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELFWIRE_COMPLETE", "1")
    assert suite.runpytest_inprocess("--leave-out=mosquitto").ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    "code",
    [
        "import pytest\ndef test_x():\n    pytest.skip('not today')\n",
        "import pytest\n@pytest.mark.skipif(True, reason='never')\ndef test_x():\n    pass\n",
        "import pytest\npytest.skip('not here', allow_module_level=True)\n",
    ],
    ids=["by the test", "by a marker", "by its module"],
)
def test_a_complete_run_takes_a_skip_for_a_failure(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    file = suite.makepyfile(test_skipping=code)
    assert suite.runpytest_inprocess(file).ret in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}

    monkeypatch.setenv("SHELFWIRE_COMPLETE", "1")
    result = suite.runpytest_inprocess(file)

    assert result.ret not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    result.stdout.fnmatch_lines(["*skipped, which SHELFWIRE_COMPLETE=1 does not allow*"])
