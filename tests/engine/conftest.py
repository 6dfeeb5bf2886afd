"""Counts which rows of the engine's tables the tests take (style, point 40)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoloop.engine import _table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

HERE = Path(__file__).parent


class Recording(dict[Any, Any]):
    """A table that notes which of its rows were read."""

    def __init__(self, rows: dict[Any, Any]) -> None:
        super().__init__(rows)
        self.read: set[Any] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        return super().__getitem__(key) if key in self else default

    def __getitem__(self, key: Any) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        if not super().__contains__(key):
            return False
        self.read.add(key)
        return True


_NAMES = ("_answers", "_run", "_call", "_commands", "_outcomes")
TABLES = {name: Recording(getattr(_table, name)) for name in _NAMES}
for name, table in TABLES.items():
    setattr(_table, name, table)

_partial = False
_files: set[Path] = set()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note that not everything runs."""
    global _partial  # noqa: PLW0603 -- pytest's hooks share nothing else
    _partial = _partial or bool(items)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which files of this folder run."""
    global _partial  # noqa: PLW0603 -- the hooks of one run share it
    _files.update(item.path for item in session.items)
    _partial = _partial or any("::" in argument for argument in session.config.args)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a full run that leaves a row untested."""
    if exitstatus == 0 and _is_full() and _missed():
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    """Say how many rows were taken and, of a full run, which were not."""
    rows = sum(map(len, TABLES.values()))
    missed = _missed()
    terminalreporter.write_line(f"engine transitions: {rows - len(missed)}/{rows}")
    if _is_full() and exitstatus == 0:
        for row in missed:
            terminalreporter.write_line(f"  never taken: {row}")


def _missed() -> list[str]:
    return [
        " ".join(map(str, row))
        for table in TABLES.values()
        for key, row in table.items()
        if key not in table.read
    ]


def _is_full() -> bool:
    return not _partial and set(HERE.rglob("test_*.py")) <= _files
