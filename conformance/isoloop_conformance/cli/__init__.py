"""The suite's commands: `isoloop conformance` and `isoloop doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.cli.conformance import run_conformance
from isoloop_conformance.cli.doctor import run_doctor

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(command: Sequence[str]) -> int:
    """Carry out `conformance ...` or `doctor ...`; the result is the exit code."""
    name, *arguments = command
    return run_doctor(arguments) if name == "doctor" else run_conformance(arguments)
