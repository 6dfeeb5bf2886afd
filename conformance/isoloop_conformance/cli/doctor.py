"""`isoloop doctor`: check a driver without any cassette."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from isoloop_conformance.cli.options import Parser, add_target, target
from isoloop_conformance.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Sequence


def run_doctor(arguments: Sequence[str]) -> int:
    """Run the command; the result is the exit code."""
    parser = Parser(
        prog="isoloop doctor",
        description="Check that a driver speaks the protocol, before blaming the implementation.",
    )
    add_target(parser)
    try:
        options = parser.parse_args(arguments)
        aim = target(parser, options)
    except SystemExit as ended:
        return int(ended.code or 0)
    checks = asyncio.run(examine(aim.command, options.inactivity))
    for check in checks:
        print(
            f"{'ok  ' if check.ok else 'FAIL'}  {check.name}"
            + (f": {check.detail}" if check.detail else "")
        )
    failed = sum(1 for c in checks if not c.ok)
    print(f"{len(checks)} checks, {failed} failed")
    return 1 if failed else 0
