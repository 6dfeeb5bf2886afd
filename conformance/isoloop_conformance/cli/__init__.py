"""The suite's commands: `isoloop conformance`, `isoloop doctor` and `isoloop record`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoloop_conformance.cli.conformance import run_conformance
from isoloop_conformance.cli.doctor import run_doctor

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(command: Sequence[str]) -> int:
    """Carry out `conformance ...`, `doctor ...` or `record ...`; the result is the exit code."""
    name, *arguments = command
    match name:
        case "doctor":
            return run_doctor(arguments)
        case "record":
            # Its proxy needs an HTTP client, which takes 0.1 s to import.
            from isoloop_conformance.cli.record import run_record  # noqa: PLC0415 -- see above

            return run_record(arguments)
        case _:
            return run_conformance(arguments)
