"""The examples of the README run as they are written."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from isoloop.runtime import agent as agent_module
from isoloop.testing import Call, ScriptedModel

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]


def examples() -> str:
    """Join the Python blocks of the README: each goes on where the one before ended."""
    text = (ROOT / "README.md").read_text("utf-8")
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def test_the_examples_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where they name a real model, a scripted one answers."""
    named: list[str] = []

    def model(name: str) -> ScriptedModel:
        named.append(name)
        return ScriptedModel([Call("search", query="Rust"), "A language."])

    monkeypatch.setattr(agent_module, "Model", model)
    run_alone(examples())
    assert ["anthropic:claude-sonnet-4-5"] == named
    assert "A language. completed\n" * 2 == capsys.readouterr().out


@pytest.mark.slow
def test_the_examples_are_typed(tmp_path: Path) -> None:
    """Pyright finds nothing in them, in its strict mode."""
    if shutil.which("pyright", path=str(Path(sys.executable).parent)) is None:
        pytest.skip("pyright is not installed")
    example = tmp_path / "example.py"
    example.write_text(f"# pyright: strict\n{examples()}", "utf-8")
    pyright = Path(sys.executable).parent / "pyright"
    done = subprocess.run(
        [pyright, "--pythonpath", sys.executable, example],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert 0 == done.returncode, done.stdout


def run_alone(source: str) -> None:
    """Run a program in a namespace of its own."""
    execute: Callable[[object, dict[str, object]], None] = exec
    execute(compile(source, "README.md", "exec"), {"__name__": "__main__"})
