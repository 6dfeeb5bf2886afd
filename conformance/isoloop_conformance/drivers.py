"""The drivers that come with the suite: a folder each, with the command in its `driver.yaml`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isoloop_conformance import strict_yaml
from isoloop_conformance.places import places

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = "python"
ALIASES = {"isoloop": DEFAULT}


class UnknownDriverError(Exception):
    """No driver has that name."""


def command_of(name: str) -> list[str]:
    """Return the command of a driver that comes with the suite.

    Raises:
        UnknownDriverError: There is none of that name.
    """
    folder = places().drivers / ALIASES.get(name, name)
    file = folder / "driver.yaml"
    if not file.is_file():
        raise UnknownDriverError(f"no driver `{name}`; there are {', '.join(driver_names())}")
    command: list[str] = strict_yaml.read(file.read_text("utf-8")).value["command"]
    # `{python}` is the interpreter that runs the suite; `{here}` is the driver's folder.
    return [part.format(python=sys.executable, here=str(folder)) for part in command]


def driver_names() -> list[str]:
    """Return the names of the drivers that come with the suite."""
    return sorted(p.parent.name for p in places().drivers.glob("*/driver.yaml"))


def known_failures_of(name: str) -> Path | None:
    """Return a driver's file of known failures, if it has one."""
    file = places().drivers / ALIASES.get(name, name) / "known-failures.yaml"
    return file if file.is_file() else None
