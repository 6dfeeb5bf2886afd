"""The `isoloop` command: finds what carries out each subcommand, or says how to install it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE = """\
usage: isoloop COMMAND [ARGUMENT ...]

  conformance   run the conformance suite against an implementation
  doctor        check a driver without any cassette
  record        record cassettes

`isoloop COMMAND --help` says more. `isoloop --version` prints the version.
"""
EXIT_USAGE = 2
EXIT_NOT_INSTALLED = 5

# What an extra brings, by the module that is imported.
_EXTRA_MODULES = {"yaml": "conformance"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    command = list(sys.argv[1:] if arguments is None else arguments)
    match command[:1]:
        case ["--version"]:
            print(f"isoloop {version('isoloop')}")
            return 0
        case [] | ["--help" | "-h"]:
            print(USAGE, end="")
            return 0
        case ["conformance" | "doctor" | "record"]:
            return _suite(command)
        case _:
            print(f"isoloop: `{command[0]}` is not a command\n\n{USAGE}", end="", file=sys.stderr)
            return EXIT_USAGE


def _suite(command: list[str]) -> int:
    try:
        from isoloop_conformance.cli import main as suite  # noqa: PLC0415 -- needs an extra

        return suite(command)
    except ModuleNotFoundError as error:
        extra = _EXTRA_MODULES.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
    print(
        f"`isoloop {command[0]}` needs what is not installed: pip install 'isoloop[{extra}]'",
        file=sys.stderr,
    )
    return EXIT_NOT_INSTALLED
