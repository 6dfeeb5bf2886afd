"""What a model's name and address may be."""

from __future__ import annotations

import pytest

from isoloop import Agent, Model, UsageError


async def test_a_base_url_without_a_scheme_is_refused_before_anything_is_sent() -> None:
    """The message names the value and what it must look like; nothing is retried."""
    model = Model("anthropic:claude-sonnet-4-5", base_url="localhost:8080", api_key="k")
    with pytest.raises(UsageError, match=r"'localhost:8080'; it must begin with http://"):
        await Agent(model).run("hi")


async def test_a_base_url_of_the_environment_is_held_to_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The vendor's own variable is read when a run begins."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "localhost:8080")
    with pytest.raises(UsageError, match="base URL is 'localhost:8080'"):
        await Agent(Model("anthropic:claude-sonnet-4-5", api_key="k")).run("hi")
