"""Prints how the comparison with the vendor's client went, at the end of a test run."""

from __future__ import annotations

import pytest

from tests.wire.recordings import Tally

_TALLY = pytest.StashKey[Tally]()


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Tally:
    """Count compared exchanges."""
    return request.config.stash.setdefault(_TALLY, Tally())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was compared."""
    tally = config.stash.get(_TALLY, None)
    if tally is not None:
        terminalreporter.write_line(f"real traffic: {tally}")
