"""The `isoloop` command finds its subcommands, or says what is missing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from types import ModuleType

import pytest

from isoloop.cli import main


def test_the_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints what is installed."""
    assert 0 == main(["--version"])
    assert f"isoloop {version('isoloop')}\n" == capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_names_the_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Asked for nothing, the command says what it can do."""
    assert 0 == main(arguments)
    printed = capsys.readouterr().out
    assert "conformance" in printed
    assert "doctor" in printed


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names what was typed and goes to stderr."""
    assert 2 == main(["dance"])
    assert "`dance` is not a command" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["conformance", "doctor"])
def test_the_suite_gets_its_arguments(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subcommand of the suite is handed over whole, and its exit code handed back."""
    suite = ModuleType("isoloop_conformance.cli")
    received: list[list[str]] = []

    def suite_main(arguments: list[str]) -> int:
        received.append(arguments)
        return 3

    suite.main = suite_main  # type: ignore[attr-defined] -- a stand-in
    monkeypatch.setitem(sys.modules, "isoloop_conformance.cli", suite)
    assert 3 == main([command, "--case", "loop.*"])
    assert [[command, "--case", "loop.*"]] == received


def test_a_missing_extra_is_named() -> None:
    """Without the suite's dependencies the command prints the line that installs them."""
    without_yaml = (
        "import sys; sys.modules['yaml'] = None; "
        "from isoloop.cli import main; sys.exit(main(['conformance']))"
    )
    command = [sys.executable, "-c", without_yaml]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "pip install 'isoloop[conformance]'" in done.stderr
    assert 5 == done.returncode
