"""After each test nothing may be left running."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from isoloop.tools._bodies import BODIES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """Look for tasks and bodies that nobody waits for."""
    yield
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    assert set() == tasks
    assert frozenset() == BODIES.left
