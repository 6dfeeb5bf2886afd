"""What the README promises, works."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_examples_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first runs up to its model call; the second, which goes on from it, to its end."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not-a-key")
    with_key, without_key = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    _run(with_key, names, but="result")
    _run(without_key, names)
    assert "A language. completed\n" == capsys.readouterr().out
    tool_result = names["result"].messages[2]
    assert "Nothing is known of Rust." == tool_result.content[0].text


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_links_lead_somewhere(link: str) -> None:
    """Every file and folder that the README points to exists."""
    assert (ROOT / link).exists()


@pytest.mark.parametrize("folder", re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE))
def test_the_layout_is_the_real_one(folder: str) -> None:
    """Every folder of the layout exists."""
    assert (ROOT / folder).is_dir()


def _run(source: str, names: dict[str, Any], but: str = "") -> None:
    """Run a snippet, without what assigns and uses the name `but`: that would ask a real model."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not but or but not in {n.id for n in _names(node)}]
    exec(compile(tree, "README.md", "exec", dont_inherit=True), names)


def _names(node: ast.AST) -> list[ast.Name]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Name)]
