"""Where the suite's data are: in the repository, or in the installed package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders that the suite reads."""

    contract: Path
    cases: Path
    cassettes: Path
    drivers: Path


@cache
def places() -> Places:
    """Return the repository's folders when run from a checkout, else the package's own data."""
    package = Path(__file__).resolve().parent
    suite, root = package.parent, package.parent.parent
    if (suite / "cases").is_dir() and (root / "contract").is_dir():
        return Places(
            contract=root / "contract",
            cases=suite / "cases",
            cassettes=root / "cassettes",
            drivers=suite / "drivers",
        )
    data = package / "_data"
    return Places(
        contract=data / "contract",
        cases=data / "cases",
        cassettes=data / "cassettes",
        drivers=data / "drivers",
    )
