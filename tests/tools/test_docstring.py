"""Which parts of a docstring a model reads."""

from __future__ import annotations

import pytest

from isoloop.tools._docstring import read_docstring


@pytest.mark.parametrize(
    ("text", "description", "arguments"),
    [
        (None, "", {}),
        ("", "", {}),
        ("One line.", "One line.", {}),
        ("One.\n\n    Two.\n    Three.\n", "One.\n\nTwo.\nThree.", {}),
        ("Do.\n\n    Args:\n        x: An x.\n", "Do.", {"x": "An x."}),
        (
            "Do.\n\n  Args:\n    x (int, optional): An x.\n      More: yes.\n    *rest: R.",
            "Do.",
            {"x": "An x. More: yes.", "rest": "R."},
        ),
        (
            "Do.\n\n    Args:\n        x: A.\n\n        y: B.\n\n    Returns:\n        z: C.\n",
            "Do.",
            {"x": "A.", "y": "B."},
        ),
        ("Do.\n\n    Returns:\n        x: C.\n\n    Args:\n        y: B.\n", "Do.", {"y": "B."}),
        ("Note: this stays.\n\n    Like: that.", "Note: this stays.\n\nLike: that.", {}),
    ],
)
def test_the_description_and_the_arguments_are_read(
    text: str | None, description: str, arguments: dict[str, str]
) -> None:
    """Other sections are for people."""
    found = read_docstring(text)
    assert description == found.description
    assert arguments == found.arguments
