"""The texts that the contract fixes (TOOL-014 to TOOL-028, TOOL-039 to TOOL-041)."""

from __future__ import annotations

import pytest

from isoloop.engine import texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            texts.unknown_tool("x", ["a", "b"]),
            'Tool "x" does not exist. Available tools: a, b.',
        ),
        (texts.unknown_tool("x", []), 'Tool "x" does not exist. No tools are available.'),
        (texts.denied(), "The call was denied."),
        (texts.denied(""), "The call was denied."),
        (texts.denied("no"), "The call was denied: no"),
        (texts.blocked(), "The call was blocked."),
        (texts.blocked("no"), "The call was blocked: no"),
        (texts.invalid_arguments("x", "gone"), 'The arguments of "x" are invalid: gone'),
        (texts.timeout(250), "The tool did not finish within 250 ms."),
        (texts.tool_failed("boom"), "The tool failed: boom"),
        (texts.tool_failed(" \n"), "The tool failed."),
    ],
)
def test_a_text_is_what_the_contract_says(text: str, expected: str) -> None:
    """Word for word."""
    assert expected == text


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("hello", 5, "hello"),
        ("hello", 4, "hell\n[cut: 4 of 5 bytes]"),
        ("hé", 2, "h\n[cut: 1 of 3 bytes]"),
        ("hé", 3, "hé"),
        ("😀", 3, "\n[cut: 0 of 4 bytes]"),
        ("a\ud800b", 2, "a\n[cut: 1 of 5 bytes]"),
    ],
)
def test_a_text_is_cut_on_a_character_boundary(text: str, limit: int, expected: str) -> None:
    """And says so at its end (TOOL-028)."""
    assert expected == texts.cut(text, limit)
