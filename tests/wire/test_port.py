"""The small things of the port."""

from __future__ import annotations

import pytest

from isoloop.wire import absolute_url, dialect_named


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("https://api.anthropic.com", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://api.anthropic.com/", "/v1/messages", "https://api.anthropic.com/v1/messages"),
        ("https://host/v1", "/v1/messages", "https://host/v1/messages"),
        ("https://host/api/anthropic/v1/", "/v1/messages", "https://host/api/anthropic/v1/messages"),
        ("https://host/v1", "/chat/completions", "https://host/v1/chat/completions"),
    ],
)  # fmt: skip
def test_a_version_that_both_name_is_not_doubled(base: str, path: str, expected: str) -> None:
    """People write base URLs with and without it."""
    assert expected == absolute_url(base, path)


def test_a_dialect_is_found_by_its_name() -> None:
    """Its modules are imported then."""
    dialect = dialect_named("anthropic-messages")
    assert ("anthropic-messages", "https://api.anthropic.com") == (dialect.name, dialect.base_url)
