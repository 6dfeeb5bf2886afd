"""Options that both commands have, and how a mistake in them ends."""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from typing import NoReturn

from isoloop_conformance.drivers import DEFAULT, UnknownDriverError, command_of, driver_names
from isoloop_conformance.verdicts import EXIT_USAGE


class Parser(argparse.ArgumentParser):
    """Ends with the suite's exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and end."""
        self.print_usage(sys.stderr)
        sys.stderr.write(f"{self.prog}: {message}\n")
        raise SystemExit(EXIT_USAGE)


@dataclass(frozen=True)
class Target:
    """The driver to run, and the options that name it."""

    command: list[str]
    options: str
    sdk: str | None


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a driver."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--driver", metavar="CMD", help="the command that starts a driver")
    names = ", ".join(driver_names())
    text = f"a driver that comes with the suite ({names}); `{DEFAULT}` when nothing is named"
    group.add_argument("--sdk", metavar="NAME", help=text)
    text = "seconds without anything happening after which a case hangs (default: %(default)s)"
    parser.add_argument("--inactivity", type=float, default=10.0, metavar="S", help=text)


def target(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Target:
    """Return the driver that the options name."""
    if arguments.driver is not None:
        command = shlex.split(arguments.driver)
        if not command:
            parser.error("--driver: the command is empty")
        return Target(command, f"--driver {shlex.quote(arguments.driver)}", None)
    name = arguments.sdk or DEFAULT
    try:
        return Target(command_of(name), f"--sdk {name}", name)
    except UnknownDriverError as error:
        parser.error(f"--sdk: {error}")
