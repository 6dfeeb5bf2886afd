"""The files of the repository, as its own tests look at them."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "sdk" / "isoloop" / "contract"
CODE = (".py", ".ts", ".mts", ".js", ".mjs", ".rs", ".go")


@cache
def files() -> tuple[Path, ...]:
    """Return every file that is committed or about to be: all but what git ignores."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    paths = (ROOT / name for name in sorted(set(listed.split("\0"))) if name)
    return tuple(path for path in paths if path.is_file())


def under(*folders: str, suffix: str | tuple[str, ...] = "") -> list[Path]:
    """Return the files below the folders whose names end so, generated ones left out."""
    tops = [ROOT / folder for folder in folders]
    return [
        path
        for path in files()
        if path.name.endswith(suffix)
        and any(path.is_relative_to(top) for top in tops)
        and GENERATED not in path.parents
    ]


def text_of(path: Path) -> str:
    """Return a file's text, with nothing for a file that is none."""
    data = path.read_bytes()
    return "" if b"\0" in data else data.decode("utf-8")


@cache
def syntax_of(path: Path) -> ast.Module:
    """Return a Python file's syntax tree."""
    return ast.parse(path.read_text("utf-8"), str(path))


def named(path: Path) -> str:
    """Return a file's name from the root, for messages."""
    return path.relative_to(ROOT).as_posix()
