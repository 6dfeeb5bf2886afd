"""After each test nothing may be left running."""

from tests.runtime.conftest import nothing_left

__all__ = ["nothing_left"]
