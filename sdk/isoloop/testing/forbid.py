"""A switch for test suites: no real model may be called."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from isoloop.perform.model import FORBIDDEN

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def forbid_model_calls() -> Generator[None]:
    """Make each run with a real model fail at its start, in the whole process.

    Use it as a context manager, a decorator, or for all tests in `conftest.py`:

        @pytest.fixture(autouse=True)
        def no_real_models():
            with forbid_model_calls():
                yield

    Contract: scripted models are not affected. The switch may be set several times; the last one
    who set it has to leave.
    """
    mark = object()
    FORBIDDEN.append(mark)
    try:
        yield
    finally:
        FORBIDDEN.remove(mark)
